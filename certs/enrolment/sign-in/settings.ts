import { utf8Encode } from "../../../src/core/base/bytes.ts";
import { ok, type Result } from "../../../src/core/base/result.ts";
import { Secret } from "../../../src/core/base/secret.ts";
import { groupNames } from "../../../src/core/enrolment/messages.ts";
import {
  flag,
  integer,
  list,
  object,
  optional,
  readJson,
  type Shape,
  text,
} from "../../../src/core/enrolment/shape.ts";
import { type Refusal, refuse } from "../../refusal.ts";

/** Who of those whom a provider knows may bring hosts in, and into which groups. */
export interface SignInSettings {
  /** As the provider calls itself: identities are this and its subject. */
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: the provider knows this service as a public client. */
  readonly clientSecret: Secret | undefined;
  readonly scopes: readonly string[];
  /** The claim that hosts are named after: "preferred_username". */
  readonly userClaim: string;
  readonly rules: readonly SignInRule[];
  /** How long a certificate lives, seconds; after it somebody signs in again. */
  readonly lifetime: number;
}

/** Whoever has this value in this claim. */
export interface SignInRule {
  readonly claim: string;
  /** "*": any. */
  readonly value: string;
  readonly groups: readonly string[];
  /** Somebody must approve each host of theirs. */
  readonly needsApproval: boolean;
}

/** A working day. */
const DEFAULT_LIFETIME_SECONDS = 12 * 3_600;
/** Its token must be remembered for longer than that, so that it is not renewed. */
const LIFETIME_SECONDS_MAX = 7 * 86_400;
const CLAIM = /^[A-Za-z0-9_:./-]+$/;

interface RuleFile {
  readonly claim: string;
  readonly value: string;
  readonly groups?: readonly string[];
  readonly approve?: boolean;
}

interface SettingsFile {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly scopes?: readonly string[];
  readonly userClaim?: string;
  readonly rules: readonly RuleFile[];
  readonly lifetimeSeconds?: number;
}

const rule: Shape<RuleFile> = object<RuleFile>({
  claim: text("a claim of the ID token", { max: 128, pattern: CLAIM }),
  value: text("the value that it has, or one of its values; * for any", { max: 256 }),
  groups: optional(groupNames),
  approve: optional(flag("somebody must approve")),
});

const settingsFile: Shape<SettingsFile> = object<SettingsFile>({
  issuer: text("the provider's address", { max: 512, pattern: /^https?:\/\/[\x21-\x7e]+$/ }),
  clientId: text("this service's name at the provider", { max: 256 }),
  clientSecret: optional(text("its secret there", { max: 1_024 })),
  scopes: optional(list(text("a scope", { max: 128, pattern: /^[\x21-\x7e]+$/ }), { max: 16 })),
  userClaim: optional(text("the claim that hosts are named after", { max: 128, pattern: CLAIM })),
  rules: list(rule, { min: 1, max: 256 }),
  lifetimeSeconds: optional(integer("how long a certificate lives", { min: 300, max: LIFETIME_SECONDS_MAX })),
});

/** Reads the file that `lacis-cert serve -sign-in` is given. `name` is what refusals call it. */
export function readSignInSettings(content: string, name: string): Result<SignInSettings, Refusal> {
  const see = "see docs/SIGN-IN.md";
  const read = readJson(settingsFile, content);
  if (!read.ok) return refuse(name, read.reason, see);
  const { issuer, clientId, clientSecret, scopes, userClaim, rules, lifetimeSeconds } = read.value;
  if (!isProtected(issuer))
    return refuse(
      name,
      "the issuer is reached without TLS, and anybody on the way could sign in as anybody",
      "write https://",
    );
  return ok({
    issuer,
    clientId,
    clientSecret: clientSecret === undefined ? undefined : new Secret(utf8Encode(clientSecret)),
    scopes: scopes ?? ["openid", "profile", "email"],
    userClaim: userClaim ?? "preferred_username",
    rules: rules.map(({ claim, value, groups, approve }) => ({
      claim,
      value,
      groups: groups ?? [],
      needsApproval: approve ?? false,
    })),
    lifetime: lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
  });
}

/** By TLS, or because it does not leave this machine. */
export function isProtected(issuer: string): boolean {
  return /^https:/i.test(issuer) || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(\/|$)/i.test(issuer);
}

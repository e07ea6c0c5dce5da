import { utf8Decode } from "../../../src/core/base/bytes.ts";
import { fail, ok, type Result } from "../../../src/core/base/result.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type { Claims } from "./admission.ts";
import type { SignInSettings } from "./settings.ts";

/** A sign-in that has begun (RFC 8628). */
export interface BegunSignIn {
  readonly url: string;
  readonly page: string;
  readonly code: string;
  readonly handle: string;
  readonly pollSeconds: number;
  readonly seconds: number;
}

/** What people sign in to. */
export interface Provider {
  begin(): Promise<Result<BegunSignIn, EnrolmentRefusal>>;
  /** Who has signed in; how long to wait where nobody has yet. */
  ask(handle: string): Promise<Result<Claims | { readonly pollSeconds: number }, EnrolmentRefusal>>;
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** Where a provider names none (RFC 8628 3.2). */
const POLL_SECONDS = 5;
const TIMEOUT_SECONDS = 10;

/** A provider that speaks OpenID Connect. What it says of itself is asked for at the first sign-in, and again after a failure. */
export class OpenIdProvider implements Provider {
  readonly #settings: SignInSettings;
  #discovered: ReturnType<typeof discover> | undefined;

  constructor(settings: SignInSettings) {
    this.#settings = settings;
  }

  async begin(): Promise<Result<BegunSignIn, EnrolmentRefusal>> {
    const { issuer, scopes } = this.#settings;
    try {
      const { client, config } = await this.#connect();
      const begun = await client.initiateDeviceAuthorization(config, { scope: scopes.join(" ") });
      return ok({
        url: begun.verification_uri_complete ?? begun.verification_uri,
        page: begun.verification_uri,
        code: begun.user_code,
        handle: begun.device_code,
        pollSeconds: begun.interval ?? POLL_SECONDS,
        seconds: begun.expires_in,
      });
    } catch (error) {
      return unusable(issuer, error);
    }
  }

  async ask(handle: string): Promise<Result<Claims | { readonly pollSeconds: number }, EnrolmentRefusal>> {
    const { issuer } = this.#settings;
    try {
      const { client, config } = await this.#connect();
      const tokens = await client.genericGrantRequest(config, DEVICE_GRANT, { device_code: handle });
      const claims = tokens.claims();
      return claims ? ok({ ...claims }) : unusable(issuer, "it gives no ID token: is openid a scope?");
    } catch (error) {
      const said = errorOf(error);
      switch (said) {
        case "authorization_pending":
          return ok({ pollSeconds: POLL_SECONDS });
        case "slow_down":
          return ok({ pollSeconds: 2 * POLL_SECONDS });
        case "access_denied":
          return fail({ ...SIGN_IN, code: "denied", why: "it was refused at the sign-in page" });
        case "expired_token":
        case "invalid_grant":
          return fail({ ...SIGN_IN, code: "token-expired", why: "its code was not used in time, or is used up" });
        default:
          return unusable(issuer, error);
      }
    }
  }

  async #connect(): ReturnType<typeof discover> {
    this.#discovered ??= discover(this.#settings);
    try {
      return await this.#discovered;
    } catch (error) {
      this.#discovered = undefined;
      throw error;
    }
  }
}

const SIGN_IN = { what: "the sign-in", todo: "begin again: lacis join" } as const;

async function discover({ issuer, clientId, clientSecret }: SignInSettings) {
  const client = await import("openid-client");
  const secret = clientSecret && utf8Decode(clientSecret.expose());
  const proof = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
  const config = await client.discovery(new URL(issuer), clientId, undefined, proof, {
    timeout: TIMEOUT_SECONDS,
    // Only an issuer on this machine may be without TLS (settings.ts).
    execute: /^http:/i.test(issuer) ? [client.allowInsecureRequests] : [],
  });
  // The signature of what it says counts, not only that TLS brought it.
  client.enableNonRepudiationChecks(config);
  return { client, config };
}

/** The innermost says most. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** OAuth's word for what went wrong. */
function errorOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "error" in error ? String(error.error) : undefined;
}

function unusable(issuer: string, error: unknown): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  const said = errorOf(error) ?? messageOf(error);
  const why = `it cannot be used just now: ${said.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 200)}`;
  const todo = UNKNOWN_AUTHORITY.test(codeOf(error)) ? TRUST_IT : "try again, and tell whoever runs the network";
  return enrolmentRefusal("provider", `the identity provider ${issuer}`, why, todo);
}

/** Of TLS: what an organisation's own authority gives that nobody has named here. */
const UNKNOWN_AUTHORITY = /^(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/;
const TRUST_IT =
  "whoever runs the service: start it with NODE_EXTRA_CA_CERTS=FILE, the certificate of the provider's authority (docs/SIGN-IN.md)";

/** The system's or TLS's word for what went wrong, however deep it lies. */
function codeOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause)
    if ("code" in each && UNKNOWN_AUTHORITY.test(String(each.code))) return String(each.code);
  return "";
}

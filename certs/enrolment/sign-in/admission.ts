import { ok, type Result } from "../../../src/core/base/result.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type { SignInSettings } from "./settings.ts";

/** What a provider says of somebody, its signature checked. */
export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/** Who may bring a host in, under which name, and into which groups. */
export interface Admission {
  /** Issuer and subject: what stays the same when somebody marries. */
  readonly identity: string;
  /** For people. */
  readonly who: string;
  readonly host: string;
  readonly groups: readonly string[];
  readonly needsApproval: boolean;
}

/** What the rules make of somebody who has signed in with a machine of this name. */
export function admit(
  claims: Claims,
  host: string,
  { rules, userClaim }: Pick<SignInSettings, "rules" | "userClaim">,
): Result<Admission, EnrolmentRefusal> {
  const user = claims[userClaim];
  const name = typeof user === "string" ? user : claims.sub;
  const who = shown(name);
  const fitting = rules.filter(({ claim, value }) =>
    valuesOf(claims[claim]).some((one) => value === "*" || one === value),
  );
  if (fitting.length === 0) {
    return enrolmentRefusal(
      "denied",
      who,
      "signed in, but no rule of this network lets them in",
      "ask whoever runs the network for a rule about a group of yours",
    );
  }
  const owner = label(name.replace(/@.*$/, ""));
  if (owner === "") {
    const why = `the claim ${userClaim} has no letter or digit that a host's name could be made of`;
    return enrolmentRefusal("name-bad", who, why, "ask whoever runs the network to name another claim (userClaim)");
  }
  return ok({
    identity: `${claims.iss} ${claims.sub}`,
    who,
    // Nobody who signs in takes the name of a server, or of somebody else's machine.
    host: `${owner}-${label(host) || "host"}`.slice(0, NAME_CHARACTERS_MAX).replace(/-+$/, ""),
    groups: [...new Set(fitting.flatMap(({ groups }) => groups))],
    needsApproval: fitting.every(({ needsApproval }) => needsApproval),
  });
}

/** A host's name is a label in DNS. */
const NAME_CHARACTERS_MAX = 63;

/** Without the dash that parts owner and machine, so that "a-b" on "c" and "a" on "b-c" are two. */
function label(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(0, LABEL_CHARACTERS_MAX);
}

/** Owner and machine have half of a name each. */
const LABEL_CHARACTERS_MAX = 31;

function shown(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 64);
}

/** A claim has one value or a list of them. */
function valuesOf(claim: unknown): readonly string[] {
  const values = Array.isArray(claim) ? claim : [claim];
  return values.filter((value) => typeof value === "string" || typeof value === "boolean").map(String);
}

import { fromHex } from "../../src/core/base/bytes.ts";
import { formatDuration } from "../../src/core/base/duration.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { CLOCK_SKEW_MAX_SECONDS } from "../../src/core/enrolment/messages.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { type Conflict, dayOf } from "../ledger/conflict.ts";
import type { KeptToken } from "./tokens.ts";

type Refused = { readonly ok: false; readonly reason: EnrolmentRefusal };

/** The same words for a token that is not known and one with another secret: nobody learns which ids there are. */
export function unknownToken(): Refused {
  return enrolmentRefusal(
    "token-unknown",
    "the token",
    "this service does not know it: it was taken back, is of another service, or was used long ago",
    "ask for a new one (lacis invite)",
  );
}

export function otherNetwork(network: string): Refused {
  return enrolmentRefusal(
    "other-network",
    "the token",
    `it is for another authority than the one of ${network}, which answers here`,
    "use it where it was made, or ask for one of this network",
  );
}

/** Who has used a token, when, and with which key, so that a theft is noticed. */
export function usedToken({ usedName, usedAt }: KeptToken, keyFingerprint: string, isSameKey: boolean): Refused {
  const when = usedAt === undefined ? "and waits for approval" : `at ${timeOf(usedAt)}`;
  const why = `it was already used by host ${usedName} ${when} (key fingerprint ${keyFingerprint})`;
  const todo = isSameKey
    ? "this host has its certificate: it renews by itself; ask for a new token if its files are lost"
    : "ask for a new one (lacis invite); if nobody of yours has used it, revoke that host";
  return enrolmentRefusal("token-used", "the token", why, todo);
}

/** Of a host that was let in for a while. */
export function notRenewed(name: string): Refused {
  return enrolmentRefusal(
    "not-renewed",
    `the host ${name}`,
    "it was let in until its certificate ends, and not for longer",
    "let it join again then: with a new token, or by signing in again",
  );
}

/** Of a host that was let in to debug something, and did not come in time. */
export function debugEnded(name: string, until: number): Refused {
  return enrolmentRefusal(
    "token-expired",
    `the debug access of ${name}`,
    `it ended at ${timeOf(until)}`,
    "ask for a new one (lacis invite)",
  );
}

/** A clock that is further off than certificates allow for; undefined when it is not. */
export function wrongClock(hostSeconds: number, nowSeconds: number): Refused | undefined {
  const off = hostSeconds - nowSeconds;
  if (Math.abs(off) <= CLOCK_SKEW_MAX_SECONDS) return undefined;
  const by = `${formatDuration(BigInt(Math.abs(off)))} ${off < 0 ? "behind" : "ahead of"}`;
  return enrolmentRefusal(
    "clock",
    "this host's clock",
    `it is ${by} the service's`,
    "set it (NTP), then ask again: the token is still good",
  );
}

/** What stands against a certificate, in words for whoever sits before the host that asks for it. */
export function conflicting(conflict: Conflict): Refused {
  switch (conflict.kind) {
    case "key-revoked":
      return enrolmentRefusal(
        "key-revoked",
        "this host's key",
        `it was revoked together with ${conflict.owner.name}`,
        "remove the key file, so that a new key is made, and ask again",
      );
    case "name-taken":
      return enrolmentRefusal(
        "name-taken",
        `the name ${conflict.owner.name}`,
        `a host with another key has it until ${dayOf(conflict.owner.notAfter)} (${conflict.owner.networks.join(", ")})`,
        `take another name, or revoke that host first (lacis revoke ${conflict.owner.name})`,
      );
    case "address-taken":
      return enrolmentRefusal(
        "name-taken",
        `the address ${conflict.address}`,
        `${conflict.owner.name} has it until ${dayOf(conflict.owner.notAfter)}`,
        "ask again: another one is chosen",
      );
    case "group-unknown":
      return enrolmentRefusal(
        "group-unknown",
        `the group ${conflict.group}`,
        "nobody is in it",
        `${conflict.meant === undefined ? "" : `did you mean ${conflict.meant}? else `}invite with -new-group ${conflict.group}`,
      );
  }
}

/** A group that the authority may not sign for. */
export function groupBeyond(group: string, limits: readonly string[]): Refused {
  return enrolmentRefusal(
    "group-unknown",
    `the group ${group}`,
    "the network's authority does not sign for it",
    `it signs for ${limits.join(", ")}`,
  );
}

/** Whether a certificate can be made for this key at all; undefined when it can. */
export function unusableKey(publicKey: string, curve: Curve, wanted: Curve | undefined): Refused | undefined {
  const what = "this host's key";
  if (wanted !== undefined && curve !== wanted) {
    return enrolmentRefusal(
      "key-bad",
      what,
      `it is of curve ${curve}, the network's of ${wanted}`,
      `make one of ${wanted}`,
    );
  }
  if (portableSuite.agreement(curve)?.accepts(fromHex(publicKey) ?? new Uint8Array())) return undefined;
  return enrolmentRefusal(
    "key-bad",
    what,
    `it is no usable key of ${curve}`,
    "remove the key file, so that a new key is made",
  );
}

/** "10:02 UTC on 2026-11-28". */
function timeOf(unixSeconds: number): string {
  const at = new Date(unixSeconds * 1000).toISOString();
  return `${at.slice(11, 16)} UTC on ${at.slice(0, 10)}`;
}

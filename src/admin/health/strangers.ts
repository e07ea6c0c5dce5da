import type { RefusedCallerStatus } from "../../core/io.ts";
import { claimText, refusalText } from "../../core/operator/failure-text.ts";
import type { Health } from "../../runtime/service.ts";
import { clause } from "../clause.ts";
import { duration } from "../duration.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/**
 * Who calls this host and is not let in: they hear nothing of it, so only here it can be seen. What no authority of ours has signed anybody can
 * have made up, and is a note at most.
 */
export function* strangerHealth({ node }: Sight): Iterable<Health> {
  for (const caller of node.refusedCallers.slice(0, NAMED_MAX)) {
    const { refusal, from, times, agoMs } = caller;
    const often = times === 1 ? "" : ` ${times} times, last`;
    yield {
      code: "caller-refused",
      severity: caller.isProven && refusal.code !== "blocked" && refusal.code !== "revoked" ? "warning" : "note",
      text: `${claimText(caller)} at ${from} was refused${often} ${duration(Math.max(agoMs, 1000))} ago: ${clause(refusalText(refusal))}`,
      todo: cureOf(caller),
      about: caller.addresses[0] ?? from,
    };
  }
  const more = node.refusedCallers.length - NAMED_MAX;
  if (more > 0) {
    const text = `${more} more callers were refused`;
    yield { code: "callers-refused", severity: "note", text, todo: "lacis events --code handshake-refused" };
  }
}

/** What to do about somebody who is not let in, and on which of the two hosts. */
export function cureOf({ refusal }: Pick<RefusedCallerStatus, "refusal">): string {
  switch (refusal.code) {
    case "expired":
      return "renew its certificate there with lacis-cert resign; if it is still valid, set this host's clock";
    case "not-yet-valid":
    case "ca-not-yet-valid":
      return "set the clock of this host, or wait: its certificate begins later (date -u)";
    case "ca-expired":
      return "make a new authority, sign both hosts with it, and name it in pki.ca of both";
    case "unknown-issuer":
      return "if it belongs to this network, add its authority's certificate to pki.ca here, or sign it by ours";
    case "blocked":
      return "nothing, if it is meant; otherwise take it out of pki.blocklist, then: lacis reload";
    case "revoked":
      return "nothing, if it is meant; a host that may come back joins anew, with a new key: lacis invite HOST";
    case "own-key":
      return "if that place leads back to this machine, take it out of static_host_map; otherwise another machine has a copy of this host's key: give it its own with lacis-cert sign";
    case "own-address":
      return "give one of the two hosts a certificate of its own: lacis-cert sign";
    case "place-not-allowed":
      return "allow the place in lighthouse.remote_allow_list, or leave it out";
    case "implausible-time":
      return "set the clocks of both hosts (date -u)";
    default:
      return "sign it again with lacis-cert sign, by an authority that allows what it says";
  }
}

import { bulletinText } from "../../core/bulletin/text.ts";
import type { Health } from "../../runtime/service.ts";
import type { Sight } from "./sight.ts";

/** Whoever is awake has applied it by then; whoever is not is no news for a while. */
const SLEEPS_MS = 3_600_000;

/** What the authority has told everybody, where it has not come through; and that this host itself is out. */
export function* bulletinHealth({ node }: Sight): Iterable<Health> {
  const { outOfNetwork } = node;
  if (node.isRevoked || outOfNetwork) {
    yield {
      code: "revoked",
      severity: "error",
      text: outOfNetwork
        ? `no host lets this one in: ${outOfNetwork.text} (says ${outOfNetwork.via})`
        : "the certificate of this host was revoked: no host lets it in",
      todo: "ask whoever runs the authority; a host that may come back joins anew, with a new key",
    };
  }
  for (const { kind, number, state, authority, refused, pending } of node.bulletins) {
    const what = `the ${bulletinText(kind, number)} of ${authority}`;
    if (state === "refused") {
      yield {
        code: "bulletin-not-applied",
        severity: "error",
        text: `${what} cannot be applied here`,
        todo: "see why with lacis events --code bulletin-refused; upgrade this host, or sign a new one",
        about: kind,
      };
    }
    if (refused.length > 0) {
      yield {
        code: "bulletin-not-applied-there",
        severity: "warning",
        text: `${what} cannot be applied on ${refused.join(", ")}`,
        todo: "upgrade those hosts, or sign a new one: lacis bulletins",
        about: kind,
      };
    }
    if (pending.length > 0 && node.amLighthouse) {
      yield {
        code: "bulletin-pending",
        severity: "note",
        text: `${what} is not applied yet on ${pending.join(", ")}`,
        todo: "they hear of it when they come back; whoever is gone for good is out of the count once its certificate has expired",
        about: kind,
        afterMs: SLEEPS_MS,
      };
    }
  }
}

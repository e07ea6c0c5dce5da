import type { RecentRefusal } from "../../core/io.ts";
import { closestText, refusedText, serviceText } from "../../core/operator/explanation-text.ts";
import type { Health } from "../../runtime/service.ts";
import { duration } from "../duration.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** What was refused before may be mended by now. */
const LATELY_MS = 5 * 60_000;

/** Connections of this host that rules refuse, here or at the other end, which has told so. What others may not reach here is as it should be. */
export function* refusalHealth({ node }: Sight): Iterable<Health> {
  const ours = node.refusals.filter(({ direction, lastAgoMs }) => direction === "outbound" && lastAgoMs < LATELY_MS);
  for (const refusal of ours.slice(0, NAMED_MAX)) {
    const { by, peer, packet } = refusal;
    yield {
      code: by === "peer" ? "refused-by-peer" : "refused-here",
      severity: "note",
      text: sentence(refusal, { name: node.name, groups: node.groups }),
      todo: `lacis why ${peer.name} ${serviceText(packet).replace("protocol ", "")}`,
      about: peer.address,
    };
  }
  if (ours.length > NAMED_MAX)
    yield {
      code: "refusals",
      severity: "note",
      text: `${ours.length - NAMED_MAX} more services that this host asked for were refused by rules`,
      todo: "lacis events --code refused-by-peer",
    };
}

function sentence(
  { by, peer, packet, reason, closest, lastAgoMs }: RecentRefusal,
  own: { readonly name: string; readonly groups: readonly string[] },
): string {
  const who =
    by === "peer"
      ? `${peer.name} refuses ${serviceText(packet)} from here`
      : `this host refuses its own ${serviceText(packet)} to ${peer.name}`;
  const seen = by === "peer" ? "inbound" : "outbound";
  const near = closest ? `. ${closestText(closest, by === "peer" ? own : peer).replace(/\.$/, "")}` : "";
  return `${who}, last ${duration(Math.max(lastAgoMs, 1000))} ago: ${refusedText(reason, seen, packet, by === "peer" ? peer.name : undefined)}${by === "peer" && closest ? " there" : ""}${near}`;
}

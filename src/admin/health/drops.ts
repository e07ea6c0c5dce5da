import type { DropReason } from "../../core/drop-reason.ts";
import type { Health } from "../../runtime/service.ts";
import { dropText, expectedDrops } from "../drop-text.ts";
import type { Sight } from "./sight.ts";

/** Packets that went no further. */
export function* dropHealth({ node }: Sight): Iterable<Health> {
  const drops = [...(node.counters?.drops ?? new Map<DropReason, bigint>())].filter(
    ([reason, count]) => count >= BigInt(dropText[reason].from ?? 1) && !expectedDrops.has(reason),
  );
  for (const [reason, count] of drops.sort((a, b) => Number(b[1] - a[1]))) {
    const { why, todo } = dropText[reason];
    const packets = count === 1n ? "1 packet" : `${count} packets`;
    yield { code: `drop-${reason}`, severity: "note", text: `${packets} dropped (${reason}): ${why}`, todo };
  }
}

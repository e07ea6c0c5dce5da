import { RECENT_MS } from "../../core/machine/losses/drop-ledger.ts";
import type { Health } from "../../runtime/service.ts";
import { dropText, expectedDrops } from "../drop-text.ts";
import { duration } from "../duration.ts";
import type { Sight } from "./sight.ts";

/** Packets that went no further lately. Those from before are counted, and are nothing that is wrong now. */
export function* dropHealth({ node }: Sight): Iterable<Health> {
  const drops = [...node.recentDrops].filter(
    ([reason, { packets }]) => packets >= (dropText[reason].from ?? 1) && !expectedDrops.has(reason),
  );
  for (const [reason, { packets }] of drops.sort(([, a], [, b]) => b.packets - a.packets)) {
    const { why, todo } = dropText[reason];
    const count = packets === 1 ? "1 packet" : `${packets} packets`;
    yield {
      code: `drop-${reason}`,
      severity: "note",
      text: `${count} dropped in the last ${duration(RECENT_MS)} (${reason}): ${why}`,
      todo,
    };
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus } from "../core/io.ts";
import type { ReloadOutcome } from "../runtime/config/running-config.ts";

/** What `lacis reload --json` prints. Field names are promised stable (docs/CLI.md). */
export interface ReloadReport extends ReloadOutcome {
  /** Peers that go on with the certificate of before, by name; they are called again. */
  readonly notYetShown: readonly string[];
}

/** A new certificate is shown by a handshake, which takes two round trips where the peer answers. */
const SHOWN_MS = 2_000;
const LOOK_MS = 50;

/** Waits a moment for peers to see the new certificate, if there is one, and tells who has not. */
export async function reloadReport(
  outcome: ReloadOutcome,
  status: () => NodeStatus,
  wait: (ms: number) => Promise<unknown> = sleep,
): Promise<ReloadReport> {
  const behind = (): readonly string[] =>
    status().peers.flatMap(({ hasOldOfOurs, name, addresses }) => (hasOldOfOurs ? (name ?? addresses[0] ?? []) : []));
  let notYetShown = behind();
  for (let waited = 0; notYetShown.length > 0 && waited < SHOWN_MS; waited += LOOK_MS) {
    await wait(LOOK_MS);
    notYetShown = behind();
  }
  return { ...outcome, notYetShown };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Daemon } from "../../runtime/daemon.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Health } from "../../runtime/service.ts";
import { thoroughPing } from "../reach/thorough-ping.ts";
import type { Patient } from "./examine.ts";

/** A daemon as the doctor sees it. */
export function patientOf(daemon: Daemon, health: () => readonly Health[]): Patient {
  return {
    status: () => daemon.status(),
    details: () => daemon.details(),
    health,
    settings: daemon.settings,
    refusedAtStart: () => refusal(daemon),
    dataPlane: () => daemon.dataPlane(),
    ping: (target, timeoutMs) => thoroughPing((...asked) => daemon.ping(...asked), target, timeoutMs),
    measureMtu: (address) => daemon.order({ what: "measure-mtu", address }),
    names: () => daemon.names(),
    wait: (ms) => sleep(ms),
    nowMs: () => Date.now(),
  };
}

/** What a reload, and so the next start, would say about the file. */
function refusal(daemon: Daemon): string | undefined {
  try {
    daemon.diff();
    return undefined;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return error.complaint.details?.[0] ?? error.complaint.why;
  }
}

import type { Health } from "../../runtime/service.ts";
import { doubtful, type Finding, failed, type Stage } from "./report.ts";

/** What `lacis status` knows already, by the stage that it belongs to. A code that is not here is no matter of reaching others. */
const STAGE_OF: Readonly<Record<string, Stage>> = {
  "reload-refused": "configuration",
  "restart-needed": "configuration",
  "certificate-expired": "certificate",
  "certificate-expires": "certificate",
  revoked: "certificate",
  "debug-access-over": "certificate",
  "debug-access-ends": "certificate",
  "renewal-absent": "certificate",
  "renewal-failing": "certificate",
  "renewal-hindered": "certificate",
  "renewal-pending": "certificate",
  "renewal-refused": "certificate",
  "authority-changes": "certificate",
  "authority-expired": "certificate",
  "authority-expires": "certificate",
  "authority-not-followed": "certificate",
  "resolver-stuck": "daemon",
  "data-plane-down": "data-plane",
  "data-plane-restarted": "data-plane",
  "data-plane-lacks": "data-plane",
  "overlay-shadowed": "overlay",
  "overlay-over-lan": "overlay",
  "guard-routes-missing": "overlay",
  "route-missing": "overlay",
  "underlay-open": "overlay",
  "overlay-address-missing": "overlay",
  "family-mismatch": "underlay",
  "listen-address-missing": "underlay",
  "send-refused": "underlay",
  "underlay-not-watched": "underlay",
  "lighthouse-mute": "lighthouse",
  "nat-without-punch": "translator",
  "caller-refused": "others",
  "twin-host": "others",
  "address-twice": "others",
};

/** Errors with which nothing works beyond them; others are errors for what may follow. */
const STOPS: ReadonlySet<string> = new Set([
  "certificate-expired",
  "debug-access-over",
  "revoked",
  "data-plane-down",
  "family-mismatch",
  "lighthouse-mute",
  "overlay-over-lan",
  "overlay-shadowed",
]);

/** The worst that is known about a stage; notes are no reason to doubt. */
export function knownTrouble(health: readonly Health[], stage: Stage): Finding | undefined {
  const found = health.filter(({ code, severity }) => STAGE_OF[code] === stage && severity !== "note");
  const stops = found.find(({ code, severity }) => severity === "error" && STOPS.has(code));
  if (stops) return failed(stops.text, stops.todo);
  const worst = found.find(({ severity }) => severity === "error") ?? found[0];
  return worst && doubtful(worst.text, worst.todo);
}

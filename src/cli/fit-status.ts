import type { StatusReport } from "../admin/status-report.ts";
import { folded } from "./fold-health.ts";
import { type Omitted, statusText } from "./render-status.ts";
import { styleFor } from "./style.ts";

/** Lines of `lacis status`, unless more are asked for: what a common terminal shows. */
export const SCREEN_LINES = 40;

/** However little room there is. */
const PEERS_SHOWN_MIN = 3;
/** Lines of what is less often looked for, where not everything fits. */
const RELAYED_SHOWN_MAX = 3;
const ROUTES_SHOWN_MAX = 4;
const HEALTH_SHOWN_MAX = 8;

/**
 * A report whose text has at most so many lines. Peers make room last but one, since whatever is wrong with one stands under Health; this host
 * itself always stands there whole.
 */
export function fitted(report: StatusReport, lines: number): StatusReport & { readonly omitted?: Omitted } {
  if (excess(report, lines) <= 0) return report;
  const short = shortened(report);
  const { peers, peersOmitted } = short;
  const over = excess(short, lines);
  if (over <= 0) return short;
  // One more for the line that counts them.
  const kept = peers.slice(0, Math.max(peers.length - over - (peersOmitted > 0 ? 0 : 1), PEERS_SHOWN_MIN));
  return { ...short, peers: kept, peersOmitted: peersOmitted + peers.length - kept.length };
}

function excess(report: StatusReport, lines: number): number {
  return statusText(report, styleFor({})).split("\n").length - lines;
}

/** A daemon of an older version may lack any of them. */
function shortened(report: StatusReport): StatusReport & { readonly omitted: Omitted } {
  const { relayed = [], routes = [] }: Partial<StatusReport> = report;
  const troubles = folded(report.health).map(({ trouble }) => trouble);
  const hidden = new Set(troubles.slice(HEALTH_SHOWN_MAX));
  return {
    ...report,
    relayed: relayed.slice(0, RELAYED_SHOWN_MAX),
    routes: routes.slice(0, ROUTES_SHOWN_MAX),
    health: report.health.filter((one) => !hidden.has(one)),
    omitted: {
      relayed: Math.max(relayed.length - RELAYED_SHOWN_MAX, 0),
      routes: Math.max(routes.length - ROUTES_SHOWN_MAX, 0),
      health: hidden.size,
    },
  };
}

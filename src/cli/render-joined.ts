import { clause } from "../admin/clause.ts";
import { duration } from "../admin/duration.ts";
import type { PingReport } from "../admin/ping-report.ts";
import type { StatusReport } from "../admin/status-report.ts";
import { momentText } from "../core/base/moment.ts";
import { debugGroupOf } from "../core/cert/debug-group.ts";

/** What became of a join, in one sentence. */
export function joinedLine(
  { host, network }: Pick<StatusReport, "host"> & { readonly network?: string | undefined },
  lighthouse: PingReport | undefined,
): string {
  const groups = host.groups.length === 0 ? "no groups" : `groups: ${host.groups.join(", ")}`;
  const { notAfter } = host.certificate;
  const as = `joined ${network ?? "the network"} as ${host.name}, ${host.addresses.join(", ")}`;
  const until = momentText(Date.parse(notAfter) / 1_000);
  const what =
    debugGroupOf(host.groups) === undefined
      ? `${as} (certificate until ${notAfter.slice(0, 10)}; ${groups})`
      : `${as} (to debug, until ${until})`;
  return `${what} - ${lighthouseText(lighthouse)}`;
}

function lighthouseText(lighthouse: PingReport | undefined): string {
  if (lighthouse === undefined) return "it has no lighthouse to ask";
  if (lighthouse.outcome === "pong") return `lighthouse answers in ${duration(lighthouse.roundTripMs)}`;
  return `but no lighthouse answers: ${clause(lighthouse.text)} - ${clause(lighthouse.hint)}`;
}

import { followDaemon } from "../admin/client.ts";
import type { PeerQuery } from "../admin/peer-query.ts";
import type { StatusReport } from "../admin/status-report.ts";
import { fitted } from "./fit-status.ts";
import { endWithInterrupt } from "./interrupt.ts";
import { sayJson } from "./output.ts";
import { asFull, statusText } from "./render-status.ts";
import { CLEAR, frame } from "./screen.ts";
import { styleFor } from "./style.ts";

/** A daemon that is well shows its first picture at once. */
const FIRST_MS = 5_000;

/** "2 s ago" is to become "3 s ago" without the daemon having to say so. */
const AGE_MS = 1_000;

/** `lacis status --watch`: the picture again whenever it is another; on a terminal in the place of the one before. */
export async function watchStatus(
  socket: string,
  { json, verbose, peers }: { readonly json: boolean; readonly verbose: boolean; readonly peers: PeerQuery },
): Promise<void> {
  endWithInterrupt();
  const show = json ? sayJson : drawn(verbose);
  const follower = { heard: (report: unknown) => show(report as StatusReport), lost: () => {} };
  await followDaemon(socket, { verb: "watch", peers }, follower, FIRST_MS);
}

function drawn(verbose: boolean): (report: StatusReport) => void {
  const draw = process.stdout.isTTY ? drawer() : printer();
  return (report) => draw(asFull(report, verbose));
}

function printer(): (report: StatusReport) => void {
  let before = "";
  return (report) => {
    process.stdout.write(`${before}${statusText(report, styleFor(process.stdout))}\n`);
    before = "\n";
  };
}

function drawer(): (report: StatusReport) => void {
  const { stdout } = process;
  let shown: { readonly report: StatusReport; readonly at: number } | undefined;
  const draw = (): void => {
    if (!shown) return;
    const report = aged(shown.report, performance.now() - shown.at);
    stdout.write(frame(statusText(fitted(report, stdout.rows - 1), styleFor(stdout)), stdout.rows));
  };
  stdout.write(CLEAR);
  stdout.on("resize", () => {
    stdout.write(CLEAR);
    draw();
  });
  setInterval(draw, AGE_MS).unref();
  return (report) => {
    shown = { report, at: performance.now() };
    draw();
  };
}

/** A report as it would be so much later, had nothing else happened. */
export function aged(report: StatusReport, ms: number): StatusReport {
  const later = (value: number | null): number | null => (value === null ? null : value + ms);
  return {
    ...report,
    peers: report.peers.map((peer) => ({
      ...peer,
      lastReceivedMs: later(peer.lastReceivedMs),
      establishedMs: later(peer.establishedMs),
    })),
    daemon: { ...report.daemon, uptimeMs: report.daemon.uptimeMs + ms },
  };
}

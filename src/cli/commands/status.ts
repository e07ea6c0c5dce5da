import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import { sayJson, sayText } from "../output.ts";
import { asFull, statusText } from "../render-status.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { watchStatus } from "../watch-status.ts";

const TIMEOUT_MS = 5_000;

interface StatusOptions extends TargetOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly verbose?: boolean;
}

/** `lacis status`: whom this host has tunnels with, and what is wrong. */
export function statusCommand(): Command {
  return withTarget(new Command("status"))
    .description("Show the tunnels of this host, this host itself, and what is wrong with it.")
    .option("--json", "print JSON")
    .option("-v, --verbose", "show as well what each process of this host may still do")
    .option("-w, --watch", "show it again whenever it changes, until Ctrl-C")
    .addHelpText(
      "after",
      `
STATE    up: tunnel in use; handshaking: being built; unconfirmed: the peer called, its first packet has not come yet;
         failed: why stands under Health
PATH     "direct" and the peer's endpoint on the underlay, or "via" a relay and why not straight
RTT      of the last answer to a test inside the tunnel
LOSS     of the last probes on this path, measured while the tunnel is in use
LAST RX  since the last authentic packet
CERT     time until the peer's certificate ends
Powers   with --verbose: the user, privileges and system calls of each process, and what it could not give up
Health   one line for each thing that is not as it should be, worst first

With --watch a terminal shows the newest picture in place; otherwise each one is printed after the one before. Exit code
0 after Ctrl-C, 3 when the daemon ends.

Example:  lacis status --json | jq '.peers[] | select(.state == "up") | .name'`,
    )
    .action(async ({ json = false, watch = false, verbose = false, ...target }: StatusOptions) => {
      const socket = adminSocket(target);
      if (watch) {
        await watchStatus(socket, { json, verbose });
        return;
      }
      const report = (await askDaemon(socket, { verb: "status" }, TIMEOUT_MS)) as StatusReport;
      if (json) sayJson(report);
      else sayText(statusText(asFull(report, verbose), styleFor(process.stdout)));
    });
}

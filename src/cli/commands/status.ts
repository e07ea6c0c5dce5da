import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import { statusText } from "../render-status.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 5_000;
const WATCH_MS = 1_000;

/** Clears the terminal and goes to its first line (ECMA-48 ED and CUP). */
const CLEAR = "\x1b[2J\x1b[H";

interface StatusOptions extends TargetOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** `lacis status`: whom this host has tunnels with, and what is wrong. */
export function statusCommand(): Command {
  return withTarget(new Command("status"))
    .description("Show the tunnels of this host, this host itself, and what is wrong with it.")
    .option("--json", "print JSON")
    .option("-w, --watch", "show it again every second")
    .addHelpText(
      "after",
      `
STATE    up: tunnel in use; handshaking: being built; unconfirmed: the peer called, its first packet has not come yet;
         failed: why stands under Health
PATH     "direct" and the peer's endpoint on the underlay
RTT      of the last answer to a test inside the tunnel
LAST RX  since the last authentic packet
CERT     time until the peer's certificate ends
Health   one line for each thing that is not as it should be, worst first

Example:  lacis status --json | jq '.peers[] | select(.state == "up") | .name'`,
    )
    .action(async (options: StatusOptions) => {
      const socket = adminSocket(options);
      const show = async (before: string): Promise<void> => {
        const report = (await askDaemon(socket, { verb: "status" }, TIMEOUT_MS)) as StatusReport;
        process.stdout.write(
          `${before}${options.json ? JSON.stringify(report) : statusText(report, styleFor(process.stdout))}\n`,
        );
      };
      await show("");
      while (options.watch) {
        await sleep(WATCH_MS);
        await show(process.stdout.isTTY ? CLEAR : "\n");
      }
    });
}

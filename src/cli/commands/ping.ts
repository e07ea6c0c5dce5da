import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { PingReport } from "../../admin/ping-report.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { ExitCode } from "../../runtime/operator-error.ts";
import { complain, say, sayJson } from "../output.ts";
import { pingLine } from "../render-ping.ts";
import { secondsOption } from "../seconds.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** The daemon keeps to the timeout itself; this is for a daemon that does not answer. */
const GRACE_MS = 5_000;

interface PingOptions extends TargetOptions {
  readonly count: number;
  readonly timeout: number;
  readonly json?: boolean;
}

/** `lacis ping`: asks the daemon at the other end, inside the tunnel. */
export function pingCommand(): Command {
  return withTarget(new Command("ping"))
    .description("Ask another host for an answer inside the tunnel; builds the tunnel if there is none.")
    .argument("<host>", "its overlay address, or the name in its certificate, which a lighthouse of ours knows")
    .option("-n, --count <n>", "how often, a second apart", wholeNumber, 1)
    .addOption(secondsOption("-t, --timeout <seconds>", "how long to wait for each answer", TIMEOUT_MS))
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The answer comes from the other daemon, so neither firewall rules nor the other host's own firewall matter: a pong says
that certificates, endpoints and network are right. If programs still cannot connect, look at the rules.
Exit code 0 when at least one answer came, otherwise 1 with the reason.

Example:  lacis ping server
          pong from server (10.77.0.2) direct 192.0.2.2:4242 in 0.8 ms (tunnel built in 3 ms)`,
    )
    .action(async (target: string, options: PingOptions) => {
      const socket = adminSocket(options);
      const results: PingReport[] = [];
      for (let i = 0; i < options.count; i++) {
        if (i > 0) await sleep(INTERVAL_MS);
        const request = { verb: "ping", target, timeoutMs: options.timeout } as const;
        const result = (await askDaemon(socket, request, options.timeout + GRACE_MS)) as PingReport;
        results.push(result);
        if (!options.json) printLine(result, target);
      }
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, target, results });
      if (!results.some(({ outcome }) => outcome === "pong")) process.exitCode = ExitCode.bad;
    });
}

function printLine(result: PingReport, target: string): void {
  const line = pingLine(result, target);
  if (result.outcome === "pong") say(line);
  else complain(`lacis: ${line}`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000)
    throw new InvalidArgumentError("A whole number of at least 1 is needed.");
  return value;
}

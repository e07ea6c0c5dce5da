import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { NetcheckReport } from "../../admin/netcheck/report.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { ExitCode } from "../../runtime/operator-error.ts";
import { sayJson, sayText } from "../output.ts";
import { netcheckText } from "../render-netcheck.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

/** A lighthouse that does not answer is waited for as long as a call lasts. */
const TIMEOUT_MS = 15_000;

/** `lacis netcheck`: what the network between this host and the others allows. */
export function netcheckCommand(): Command {
  return withTarget(new Command("netcheck"))
    .description("Say what the network around this host lets through, and what it does to addresses.")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Asks each lighthouse inside its tunnel, over UDP, and TCP port 443 of the same machines. Whatever was not measured is unknown: it takes two
lighthouses to see how addresses are translated. A lighthouse that is not reached has one of: dns, udp, certificate, configuration.
Exit code 0 when a lighthouse was reached over UDP, otherwise 1.

Example:  lacis netcheck`,
    )
    .action(async (options: TargetOptions & { json?: boolean }) => {
      const asked = askDaemon(adminSocket(options), { verb: "netcheck" }, TIMEOUT_MS);
      const report = (await waiting("trying what the network lets through", asked)) as NetcheckReport;
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report });
      else sayText(netcheckText(report));
      if (!report.lighthouses.some(({ over }) => over === "udp")) process.exitCode = ExitCode.bad;
    });
}

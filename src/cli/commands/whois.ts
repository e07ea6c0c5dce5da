import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { WhoisReport } from "../../admin/whois.ts";
import { say, sayJson } from "../output.ts";
import { whoisLines } from "../render-whois.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 5_000;

/** `lacis whois`: how a service learns who called it. */
export function whoisCommand(): Command {
  return withTarget(new Command("whois"))
    .description("Name the host behind an overlay address, by its verified certificate.")
    .argument("<address>", "an overlay address, with or without a port, as a program sees its caller; or a host's name")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The answer is from certificates that this host has verified itself: its own, and those of hosts with a tunnel, as everybody
who has just called has. Exit code 1 when nobody known here has the address, 2 when it is none of the overlay.

Example:  lacis whois 10.77.0.3:51234
          laptop (10.77.0.3), groups laptops, until 2027-01-12`,
    )
    .action(async (target: string, options: TargetOptions & { json?: boolean }) => {
      const report = (await askDaemon(adminSocket(options), { verb: "whois", target }, TIMEOUT_MS)) as WhoisReport;
      if (options.json) sayJson(report);
      else for (const line of whoisLines(report)) say(line);
    });
}

import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { DnsReport } from "../../admin/dns/report.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { ExitCode } from "../../runtime/operator-error.ts";
import { judgeDns } from "../judge-dns.ts";
import { tryNames } from "../name-lookups.ts";
import { sayJson, sayText } from "../output.ts";
import { dnsText } from "../render-dns.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

const TIMEOUT_MS = 8_000;
/** RFC 2606, 3: nobody's, and always there. */
const OUTSIDE = "example.org";

type Options = TargetOptions & { json?: boolean; outside: string };

/** `lacis dns`: how programs on this host find names of the overlay. */
export function dnsCommand(): Command {
  const dns = new Command("dns").description("Say how programs on this host find names of the overlay.");
  dns.addCommand(
    withTarget(new Command("status"))
      .description("Say who asks this host for names, what was there before, and whether names are found.")
      .option("--outside <name>", "the name of the world that is looked up", OUTSIDE)
      .option("--json", "print JSON")
      .addHelpText(
        "after",
        `
Looks up this host's own name below dns.domain and a name of the world, as any program of this machine does. Nothing is changed.
Exit code 0 when both are found, or dns.domain is not set; otherwise 1.

Example:  lacis dns status`,
      )
      .action(async (options: Options) => {
        const report = (await askDaemon(adminSocket(options), { verb: "dns" }, TIMEOUT_MS)) as DnsReport;
        const lookups = await waiting("looking up names", tryNames(report, options.outside));
        const verdict = judgeDns(report, lookups);
        if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report, lookups, ...verdict });
        else sayText(dnsText(report, lookups, verdict));
        // A look-up that hangs in the C library would hold the process.
        process.exit(verdict.ok ? ExitCode.ok : ExitCode.bad);
      }),
  );
  return dns;
}

import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { WhyReport } from "../../admin/why/why-report.ts";
import { ExitCode } from "../../runtime/operator-error.ts";
import { sayJson, sayText } from "../output.ts";
import { whyText } from "../render-why.ts";
import { secondsOption } from "../seconds.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

const TIMEOUT_MS = 10_000;
/** The daemon keeps to the timeout itself; this is for a daemon that does not answer. */
const GRACE_MS = 5_000;

interface WhyOptions extends TargetOptions {
  readonly timeout: number;
  readonly json?: boolean;
}

/** `lacis why`: whether a connection is allowed, by which rule, or what is missing. */
export function whyCommand(): Command {
  return withTarget(new Command("why"))
    .description(
      "Say whether a connection is allowed, and by which rule, or which rule comes closest and what is missing.",
    )
    .argument("[hosts...]", "[FROM] TO PROTO/PORT: from this host when FROM is left out")
    .addOption(secondsOption("-t, --timeout <seconds>", "how long to wait for the tunnel", TIMEOUT_MS))
    .option("--json", "print JSON")
    .usage("[options] [FROM] TO PROTO/PORT")
    .addHelpText(
      "after",
      `
Both ends are asked: this host's rules, and those of the other host, which answers inside the tunnel about packets between the two. A host
that runs another implementation stays silent; then the verdict is "unknown". Hosts are overlay addresses, names of connected hosts, or files:
with a configuration (.yml, .yaml, a folder with a / in its name) or a certificate (.crt, .pem) at each end nobody is asked, and no daemon is
needed. PROTO/PORT is tcp/22, udp/53, icmp, icmp/echo-request, or the number of another protocol.
Exit code 0 when it is allowed, 1 when it is denied or not known to be allowed, 2 when an argument makes no sense.

Examples: lacis why db1 tcp/5432
          lacis why laptop db1 tcp/5432             on either of them
          lacis why laptop.crt db1.yml tcp/5432     from files`,
    )
    .action(async (hosts: readonly string[], options: WhyOptions) => {
      const { whyArguments, isOffline, whyOffline } = await import("../why-offline.ts");
      const asked = whyArguments(hosts);
      const report = isOffline(asked)
        ? whyOffline({ ...asked, from: asked.from ?? options.config })
        : await askLive(asked, options);
      if (options.json) sayJson(report);
      else sayText(whyText(report, styleFor(process.stdout)));
      if (report.verdict !== "allowed") process.exitCode = ExitCode.bad;
    });
}

interface Asked {
  readonly from: string | undefined;
  readonly to: string;
  readonly service: string;
}

async function askLive({ from, to, service }: Asked, options: WhyOptions): Promise<WhyReport> {
  const { timeout: timeoutMs } = options;
  const request = { verb: "why", from, to, service, timeoutMs } as const;
  const asked = askDaemon(adminSocket(options), request, timeoutMs + GRACE_MS);
  return (await waiting("asking both ends", asked)) as WhyReport;
}

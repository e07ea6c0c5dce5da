import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import type { DoctorReport } from "../../admin/doctor/report.ts";
import { withoutDaemon } from "../../admin/doctor/without-daemon.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { sayJson, sayText } from "../output.ts";
import { doctorText } from "../render-doctor.ts";
import { styleFor } from "../style.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

/** Everything that is tried has an end within nine seconds. */
const TIMEOUT_MS = 15_000;

/** `lacis doctor`: what is wrong with this host, or between it and another one. */
export function doctorCommand(): Command {
  return withTarget(new Command("doctor"))
    .description("Find what keeps this host from the others, or from one of them, stage by stage.")
    .argument("[host]", "overlay address or certificate name of the host that is not reached")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Goes through fixed stages, from the configuration to the rules of the peer, and stops at the first that fails: its line says what to do.
Works without a running daemon, too, when --config says which configuration it would run. Takes at most ten seconds.
Exit code 0 when no stage failed, otherwise 1.

Examples: lacis doctor
          lacis doctor 10.77.0.11
          sudo lacis doctor --config /etc/lacis/config.yml`,
    )
    .action(async (host: string | undefined, options: TargetOptions & { json?: boolean }) => {
      const report = await examined(host, options);
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report });
      else sayText(doctorText(report, styleFor(process.stdout)));
      if (report.failed !== null) process.exitCode = ExitCode.bad;
    });
}

async function examined(host: string | undefined, options: TargetOptions): Promise<DoctorReport> {
  try {
    const request = { verb: "doctor", ...(host !== undefined && { target: host }) } as const;
    return (await waiting("examining", askDaemon(adminSocket(options), request, TIMEOUT_MS))) as DoctorReport;
  } catch (error) {
    if (!(error instanceof OperatorError) || error.exitCode !== ExitCode.notRunning) throw error;
    return withoutDaemon(host, options.config);
  }
}

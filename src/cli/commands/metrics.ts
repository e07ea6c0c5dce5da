import { Command } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import type { MetricsPage } from "../../admin/verbs.ts";
import { FileError, replaceFile } from "../../runtime/files/atomic-file.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { say, sayJson, sayText } from "../output.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 10_000;

/** `lacis metrics`: what is measured, now, in Prometheus' text format. */
export function metricsCommand(): Command {
  return withTarget(new Command("metrics"))
    .description("Show what is measured on this host, in Prometheus' text format, whether it is served there or not.")
    .option(
      "-o, --output <file>",
      "write it to this file, whole or not at all: for the textfile collector of node_exporter",
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The names are those of stats.type: prometheus (docs/METRICS.md): with stats.namespace and stats.subsystem where these are set. At most 500 peers have metrics of
their own, the others are counted together.

Example:  lacis metrics --output /var/lib/node_exporter/lacis.prom`,
    )
    .action(async (options: TargetOptions & { output?: string; json?: boolean }) => {
      const { text } = (await askDaemon(adminSocket(options), { verb: "metrics" }, TIMEOUT_MS)) as MetricsPage;
      const { output, json } = options;
      if (output !== undefined) write(output, text);
      if (json) sayJson({ schema: ADMIN_SCHEMA, file: output ?? null, ...(output === undefined && { text }) });
      else if (output === undefined) sayText(text.trimEnd());
      else say(`${output} is written`);
    });
}

function write(file: string, content: string): void {
  try {
    replaceFile({ file, content });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const complaint = {
      what: `cannot write ${file}`,
      why: error.message,
      todo: "write it somewhere else: --output FILE",
    };
    throw new OperatorError("cannot-write", complaint);
  }
}

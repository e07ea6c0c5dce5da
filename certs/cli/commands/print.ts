import { Command } from "commander";
import { readText } from "../files.ts";
import { notYetOption } from "../not-yet.ts";
import { orFail } from "../values.ts";

interface PrintFlags {
  readonly path: string;
  readonly json?: boolean;
}

export function printCommand(): Command {
  return new Command("print")
    .description("Show what the certificates of a file say. It does not judge them: verify does.")
    .requiredOption("--path <path>", "file with certificates; - for standard input")
    .option("--json", "print one JSON array in one line")
    .addOption(notYetOption("out-qr"))
    .action(printCertificates);
}

async function printCertificates(flags: PrintFlags): Promise<void> {
  const { readCertificates, inspect, toJson } = await import("../../index.ts");
  const printed = orFail(readCertificates(readText(flags.path), flags.path)).map(inspect);
  const text = flags.json ? toJson(printed) : printed.map((certificate) => toJson(certificate, "indented")).join("\n");
  process.stdout.write(`${text}\n`);
}

import { Command } from "commander";
import { readText, refuseExisting, writeFiles } from "../files.ts";
import { qrPng } from "../qr-png.ts";
import { orFail } from "../values.ts";

interface PrintFlags {
  readonly path: string;
  readonly outQr?: string;
  readonly json?: boolean;
}

export function printCommand(): Command {
  return new Command("print")
    .description("Show what the certificates of a file say. It does not judge them: verify does.")
    .requiredOption("--path <path>", "file with certificates; - for standard input")
    .option("--json", "print one JSON array in one line")
    .option("--out-qr <path>", "write the certificates as a QR code, a PNG image; - for standard output")
    .action(printCertificates);
}

async function printCertificates(flags: PrintFlags): Promise<void> {
  const { certificateToPem, readCertificates, inspect, toJson } = await import("../../index.ts");
  const certificates = orFail(readCertificates(readText(flags.path), flags.path));
  const printed = certificates.map(inspect);
  if (flags.outQr !== undefined) {
    refuseExisting(flags.outQr);
    const text = certificates.map(certificateToPem).join("");
    writeFiles({ file: flags.outQr, content: orFail(await qrPng(text, flags.outQr)) });
  }
  if (flags.outQr === "-") return;
  const text = flags.json ? toJson(printed) : printed.map((certificate) => toJson(certificate, "indented")).join("\n");
  process.stdout.write(`${text}\n`);
}

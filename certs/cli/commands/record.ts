import { Command } from "commander";
import { Failure } from "../failure.ts";
import { readText } from "../files.ts";
import { ledgerOf } from "../ledger.ts";
import { LedgerFile, type LedgerFlags, ledgerBeside } from "../ledger-file.ts";
import { now } from "../now.ts";
import { orFail } from "../values.ts";

interface RecordFlags extends LedgerFlags {
  readonly crt: string;
  readonly json?: boolean;
}

export function recordCommand(): Command {
  return new Command("record")
    .description(
      "Enter certificates into the ledger that the authority signed without it; begins one where there is none.",
    )
    .requiredOption("--crt <path>", "file with certificates; - for standard input")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ledger <path>", "the ledger; without it: beside the authority's certificate")
    .option("--json", "print what was entered as JSON")
    .action(record);
}

async function record(flags: RecordFlags): Promise<void> {
  const { isIssuedBy, readCertificates, signedEntry, toJson } = await import("../../index.ts");
  const authorities = orFail(readCertificates(readText(flags.caCrt), flags.caCrt));
  const certificates = orFail(readCertificates(readText(flags.crt), flags.crt));
  const stranger = certificates.find((each) => !authorities.some((authority) => isIssuedBy(each, authority)));
  if (stranger) {
    const what = `${flags.crt}: the certificate ${JSON.stringify(stranger.name)}`;
    throw new Failure({
      what,
      why: `${flags.caCrt} has not signed it`,
      todo: "give the authority that has with -ca-crt",
    });
  }
  await using kept = await ledgerOf(flags);
  const ledger = kept ?? new LedgerFile(ledgerBeside(flags.caCrt));
  const known = new Set((await ledger.read()).recorded.flatMap(({ entry }) => entry.fingerprints));
  const at = new Date(Number(now().seconds) * 1000).toISOString();
  const entries = certificates
    .map((certificate) => signedEntry(certificate, at))
    .filter(({ fingerprints }) => !fingerprints.some((fingerprint) => known.has(fingerprint)));
  await ledger.append(...entries);
  const names = entries.map(({ name, version }) => ({ name, version }));
  if (flags.json) process.stdout.write(`${toJson({ recorded: names, known: certificates.length - names.length })}\n`);
}

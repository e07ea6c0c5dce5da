import { Command } from "commander";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { usage } from "../failure.ts";
import { readText, refuseExisting, refuseSharedStream, replaceText, writeFiles } from "../files.ts";
import { ledgerOf } from "../ledger.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { now } from "../now.ts";
import { orFail, parseDuration } from "../values.ts";

interface ResignFlags extends CaFileFlags, LedgerFlags {
  readonly crt: string;
  readonly outCrt?: string;
  readonly replace?: boolean;
  readonly oldCa?: string;
  readonly duration?: string;
  readonly json?: boolean;
}

export function resignCommand(): Command {
  return new Command("resign")
    .description("Sign a host's certificates again: same name, addresses, groups and key, new validity.")
    .requiredOption("--crt <path>", "file with the host's certificates, also expired ones; - for standard input")
    .option("--out-crt <path>", "where to write the new ones; - for standard output")
    .option("--replace", "write them over the old ones, in one step")
    .option("--duration <duration>", "how long they are valid; without it: as long as the old ones were")
    .option("--old-ca <path>", "an authority that signed the old ones, when this one did not")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--ledger <path>", "record them there; without it: beside the authority's certificate, if there is one")
    .option("--no-ledger", "do not look at a ledger, and leave no trace in it")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print what was made as JSON")
    .action(signAgain);
}

async function signAgain(flags: ResignFlags): Promise<void> {
  const outCrt = flags.replace ? flags.crt : flags.outCrt;
  if (outCrt === undefined || (flags.replace && (flags.outCrt !== undefined || flags.crt === "-"))) {
    throw usage("-out-crt", "it is not clear where the new certificates go", "give -out-crt, or -replace and a file");
  }
  refuseSharedStream("read", {
    "-crt": flags.crt,
    "-ca-crt": flags.caCrt,
    "-ca-key": flags.caKey,
    "-old-ca": flags.oldCa,
  });
  refuseSharedStream("write", { "-out-crt": outCrt, "-json": flags.json ? "-" : undefined });
  if (!flags.replace) refuseExisting(outCrt);
  const duration = flags.duration === undefined ? undefined : parseDuration(flags.duration);

  const { certificateToPem, handOut, inspect, readCertificates, renew, toJson } = await import("../../index.ts");
  const old = orFail(readCertificates(readText(flags.crt), flags.crt));
  const former = flags.oldCa ?? (flags.caCrt === "-" ? undefined : flags.caCrt);
  const formerAuthorities = former === undefined ? [] : orFail(readCertificates(readText(former), former));
  const clock = now();
  const authority = await openCa(flags, clock.wall);
  const renewal = {
    formerAuthorities,
    notBefore: clock.seconds,
    ...(duration && { notAfter: clock.seconds + duration }),
  };
  const renewed = old.map((certificate) => orFail(renew(authority, certificate, renewal)));
  const text = renewed.map(certificateToPem).join("");
  const write = (): void => (flags.replace ? replaceText(outCrt, text) : writeFiles({ file: outCrt, content: text }));
  // The groups were in the old certificates, which an authority has signed.
  const knownGroups = renewed.flatMap(({ groups }) => groups);
  await using ledger = await ledgerOf(flags);
  orFail(await handOut(renewed, { ledger, nowSeconds: clock.seconds, knownGroups, write }));
  if (flags.json) {
    process.stdout.write(`${toJson({ certificates: renewed.map(inspect), files: { certificate: outCrt } })}\n`);
  }
}

import { Command, Option } from "commander";
import type { NewFile } from "../../../src/runtime/files/atomic-file.ts";
import type { WantedCost } from "../../index.ts";
import { usage } from "../failure.ts";
import { refuseExisting, refuseSharedStream, writeFiles } from "../files.ts";
import { ledgerBeside } from "../ledger-file.ts";
import { LedgerMemory } from "../ledger-memory.ts";
import { dayOf, sayMade } from "../made.ts";
import { notYetOption } from "../not-yet.ts";
import { now } from "../now.ts";
import { qrPng } from "../qr-png.ts";
import {
  orFail,
  parseCount,
  parseCurve,
  parseDuration,
  parseList,
  parseVersion,
  parseWholeNetworks,
} from "../values.ts";

interface CaFlags {
  readonly name: string;
  readonly version: string;
  readonly curve: string;
  readonly duration: string;
  readonly groups?: string;
  readonly networks?: string;
  readonly ips?: string;
  readonly unsafeNetworks?: string;
  readonly subnets?: string;
  readonly outKey: string;
  readonly outCrt: string;
  readonly outQr?: string;
  readonly ledger?: boolean;
  readonly encrypt?: boolean;
  readonly passphraseFile?: string;
  readonly argonMemory?: string;
  readonly argonIterations?: string;
  readonly argonParallelism?: string;
  readonly json?: boolean;
}

export function caCommand(): Command {
  return new Command("ca")
    .description("Make a certificate authority: a key, and a certificate that it signs itself.")
    .requiredOption("--name <name>", "name of the authority")
    .option("--version <version>", "format of the certificate, 1 or 2", "2")
    .option("--curve <curve>", "25519 or P256; all hosts below have the same", "25519")
    .option("--duration <duration>", "how long it is valid: 8760h, 365d, 1h30m", "8760h")
    .option("--groups <list>", "only these groups may be signed; without it: any")
    .option("--networks <list>", "hosts must lie inside one of these; without it: anywhere")
    .option("--unsafe-networks <list>", "routed networks must lie inside one of these; without it: anywhere")
    .option("--out-key <path>", "where to write the private key; - for standard output", "ca.key")
    .option("--out-crt <path>", "where to write the certificate; - for standard output", "ca.crt")
    .option("--out-qr <path>", "write the certificate as a QR code, a PNG image")
    .option("--ledger", "begin a ledger beside the certificate: what is signed is recorded, and checked, there")
    .option("--encrypt", "encrypt the private key with a passphrase")
    .option("--passphrase-file <path>", "file whose first line is the passphrase; without it: environment, terminal")
    .option("--argon-memory <kib>", "memory that each guess of the passphrase costs; without it: measured")
    .option("--argon-iterations <passes>", "passes over that memory; without it: measured, half a second in all")
    .option("--argon-parallelism <lanes>", "lanes computed side by side; without it: 4")
    .option("--json", "print what was made as JSON")
    .addOption(new Option("--ips <list>").hideHelp())
    .addOption(new Option("--subnets <list>").hideHelp())
    .addOption(notYetOption("pkcs11"))
    .action(makeCa);
}

async function makeCa(flags: CaFlags): Promise<void> {
  const lifetime = parseDuration(flags.duration);
  const { seconds: notBefore } = now();
  const request = {
    name: flags.name,
    version: parseVersion(flags.version),
    curve: parseCurve(flags.curve),
    groups: parseList(flags.groups),
    networks: parseWholeNetworks(flags.networks ?? flags.ips, "-networks"),
    unsafeNetworks: parseWholeNetworks(flags.unsafeNetworks ?? flags.subnets, "-unsafe-networks"),
    notBefore,
    notAfter: notBefore + lifetime,
  };
  const cost = costOf(flags);
  if (flags.ledger && flags.outCrt === "-")
    throw usage("-ledger", "there is no file to put it beside", "give -out-crt");
  refuseSharedStream("write", {
    "-out-key": flags.outKey,
    "-out-crt": flags.outCrt,
    "-out-qr": flags.outQr,
    "-json": flags.json ? "-" : undefined,
  });
  const ledger = flags.ledger ? ledgerBeside(flags.outCrt) : undefined;
  refuseExisting(flags.outKey, flags.outCrt, flags.outQr, ledger);

  const { createAuthority, certificateToPem, handOut, inspect, toJson } = await import("../../index.ts");
  const { authority, privateKeyPem } = orFail(createAuthority(request));
  const key = cost ? await encrypted(privateKeyPem, flags, cost) : { pem: privateKeyPem, cost: null };
  const certificatePem = certificateToPem(authority.certificate);
  // The key first: a certificate without its key is of no use, and cannot be had again.
  const written: NewFile[] = [
    { file: flags.outKey, content: key.pem },
    { file: flags.outCrt, content: certificatePem },
  ];
  if (ledger !== undefined) written.push({ file: ledger, content: "" });
  if (flags.outQr !== undefined)
    written.push({ file: flags.outQr, content: orFail(await qrPng(certificatePem, flags.outQr)) });
  // A new authority has no ledger yet that could say anything about it: the one it begins is among the files.
  const write = (): void => {
    writeFiles(...written);
    // What another authority had here says nothing about this one.
    if (flags.outCrt !== "-") new LedgerMemory(ledgerBeside(flags.outCrt)).forget();
  };
  orFail(
    await handOut([authority.certificate], {
      ledger: undefined,
      nowSeconds: notBefore,
      knownGroups: request.groups,
      write,
    }),
  );
  sayMade(`the authority ${JSON.stringify(flags.name)}, until ${dayOf(authority.certificate.notAfter)}`, [
    flags.outCrt,
    `${flags.outKey} (keep it secret${flags.encrypt ? "" : ", or encrypt it: ca -encrypt"})`,
    ...(ledger === undefined ? [] : [ledger]),
    ...(flags.outQr === undefined ? [] : [flags.outQr]),
  ]);
  if (flags.json) {
    const files = { key: flags.outKey, certificate: flags.outCrt, ledger: ledger ?? null };
    process.stdout.write(
      `${toJson({ certificate: inspect(authority.certificate), files, keyDerivation: key.cost })}\n`,
    );
  }
}

/** What the flags ask for, undefined when the key is not to be encrypted. */
function costOf(flags: CaFlags): WantedCost | undefined {
  const wanted = {
    ...(flags.argonMemory !== undefined && { memoryKib: parseCount(flags.argonMemory, "-argon-memory") }),
    ...(flags.argonIterations !== undefined && { passes: parseCount(flags.argonIterations, "-argon-iterations") }),
    ...(flags.argonParallelism !== undefined && { lanes: parseCount(flags.argonParallelism, "-argon-parallelism") }),
  };
  if (flags.encrypt) return wanted;
  if (Object.keys(wanted).length > 0 || flags.passphraseFile !== undefined) {
    throw usage("-encrypt", "it is missing, and the key would be written in clear", "add it, or give no passphrase");
  }
  return undefined;
}

async function encrypted(privateKeyPem: string, { outKey, passphraseFile }: CaFlags, cost: WantedCost) {
  const { encryptCaKey } = await import("../../index.ts");
  const { chosenPassphrase } = await import("../passphrase.ts");
  using passphrase = await chosenPassphrase(outKey, passphraseFile);
  return orFail(await encryptCaKey(privateKeyPem, passphrase.expose(), cost));
}

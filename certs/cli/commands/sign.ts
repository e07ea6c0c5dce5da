import { Command, Option } from "commander";
import type { NewFile } from "../../../src/runtime/files/atomic-file.ts";
import type { Curve } from "../../index.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { usage } from "../failure.ts";
import { readText, refuseExisting, refuseSharedStream, writeFiles } from "../files.ts";
import { ledgerOf } from "../ledger.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { dayOf, sayMade } from "../made.ts";
import { notYetOption } from "../not-yet.ts";
import { now } from "../now.ts";
import { qrPng } from "../qr-png.ts";
import { orFail, parseDuration, parseList, parseNetworks, parseVersion, parseWholeNetworks } from "../values.ts";

interface SignFlags extends CaFileFlags, LedgerFlags {
  readonly name: string;
  readonly networks?: string;
  readonly ip?: string;
  readonly unsafeNetworks?: string;
  readonly subnets?: string;
  readonly groups?: string;
  readonly newGroup?: string;
  readonly duration?: string;
  readonly version?: string;
  readonly inPub?: string;
  readonly outKey?: string;
  readonly outCrt?: string;
  readonly outQr?: string;
  readonly json?: boolean;
}

export function signCommand(): Command {
  return new Command("sign")
    .description("Sign a certificate for a host.")
    .requiredOption("--name <name>", "name of the host")
    .option("--networks <list>", "its addresses, each with the length of its network: 10.77.1.2/16 (required)")
    .option("--groups <list>", "groups it is in")
    .option("--unsafe-networks <list>", "networks behind it that it may route for")
    .option("--duration <duration>", "how long it is valid; without it: until a second before the authority expires")
    .option("--version <version>", "format of the certificate, 1 or 2; without it: the authority's")
    .option("--in-pub <path>", "public key that the host has made (keygen); - for standard input")
    .option("--out-key <path>", "where to write a key made here; without it: NAME.key")
    .option("--out-crt <path>", "where to write the certificate; without it: NAME.crt; - for standard output")
    .option("--out-qr <path>", "write the certificate as a QR code too, a PNG image")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--ledger <path>", "record it there; without it: beside the authority's certificate, if there is one")
    .option("--no-ledger", "do not look at a ledger, and leave no trace in it")
    .option("--new-group <list>", "groups that the ledger has not seen yet, on purpose")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print what was made as JSON")
    .addOption(new Option("--ip <list>").hideHelp())
    .addOption(new Option("--subnets <list>").hideHelp())
    .addOption(notYetOption("pkcs11"))
    .action(signHost);
}

async function signHost(flags: SignFlags): Promise<void> {
  const files = filesOf(flags);
  const said = contentOf(flags);
  const lifetime = flags.duration === undefined ? undefined : parseDuration(flags.duration);
  const { certificateToPem, formatPrefix, handOut, inspect, issue, toJson } = await import("../../index.ts");
  const clock = now();
  const authority = await openCa(flags, clock.wall);
  const key = await hostKey(flags.inPub, authority.certificate.curve);
  const certificate = orFail(
    issue(authority, {
      ...said,
      publicKey: key.publicKey,
      curve: key.curve,
      notBefore: clock.seconds,
      ...(lifetime !== undefined && { notAfter: clock.seconds + lifetime }),
    }),
  );
  const certificatePem = certificateToPem(certificate);
  const written: NewFile[] = [{ file: files.certificate, content: certificatePem }];
  // The key first: a certificate without its key is of no use.
  if (files.key !== null) written.unshift({ file: files.key, content: key.privateKeyPem ?? "" });
  if (flags.outQr !== undefined)
    written.push({ file: flags.outQr, content: orFail(await qrPng(certificatePem, flags.outQr)) });
  const knownGroups = [...authority.certificate.groups, ...parseList(flags.newGroup)];
  const write = (): void => writeFiles(...written);
  await using ledger = await ledgerOf(flags);
  orFail(await handOut([certificate], { ledger, nowSeconds: clock.seconds, knownGroups, write }));
  const addresses = certificate.networks.map(formatPrefix).join(", ");
  const groups = certificate.groups.length === 0 ? "in no group" : `in ${certificate.groups.join(", ")}`;
  sayMade(`${JSON.stringify(certificate.name)} with ${addresses}, ${groups}, until ${dayOf(certificate.notAfter)}`, [
    files.certificate,
    ...(files.key === null ? [] : [files.key]),
    ...(flags.outQr === undefined ? [] : [flags.outQr]),
  ]);
  if (flags.json) process.stdout.write(`${toJson({ certificate: inspect(certificate), files })}\n`);
}

/** Where the certificate goes, and the key if one is made here. Refuses what cannot be meant, before anything is made. */
function filesOf(flags: SignFlags): { readonly certificate: string; readonly key: string | null } {
  const { name, inPub } = flags;
  if (inPub !== undefined && flags.outKey !== undefined) {
    throw usage("-in-pub and -out-key", "with a public key there is no private key to write", "leave one of them out");
  }
  const certificate = flags.outCrt ?? fileOf(name, "crt", "-out-crt");
  const key = inPub === undefined ? (flags.outKey ?? fileOf(name, "key", "-out-key")) : undefined;
  refuseSharedStream("read", {
    "-ca-crt": flags.caCrt,
    "-ca-key": flags.caKey,
    "-in-pub": inPub,
    "-passphrase-file": flags.passphraseFile,
  });
  refuseSharedStream("write", {
    "-out-crt": certificate,
    "-out-key": key,
    "-out-qr": flags.outQr,
    "-json": flags.json ? "-" : undefined,
  });
  refuseExisting(certificate, key, flags.outQr);
  return { certificate, key: key ?? null };
}

function contentOf(flags: SignFlags) {
  const networks = parseNetworks(flags.networks ?? flags.ip, "-networks");
  if (networks.length === 0) throw usage("-networks", "a host needs an address", "give one like 10.77.1.2/16");
  return {
    name: flags.name,
    networks,
    unsafeNetworks: parseWholeNetworks(flags.unsafeNetworks ?? flags.subnets, "-unsafe-networks"),
    groups: parseList(flags.groups),
    ...(flags.version !== undefined && { version: parseVersion(flags.version) }),
  };
}

interface HostKey {
  readonly curve: Curve;
  readonly publicKey: Uint8Array;
  /** Only when the key was made here. */
  readonly privateKeyPem?: string;
}

async function hostKey(inPub: string | undefined, curve: Curve): Promise<HostKey> {
  const { generateHostKey, readHostPublicKey } = await import("../../index.ts");
  return inPub === undefined ? generateHostKey(curve) : orFail(readHostPublicKey(readText(inPub), inPub));
}

/** The default path of a host's file. A name with a slash would be a path to somewhere else. */
function fileOf(name: string, extension: string, flag: string): string {
  if (/[/\0]/.test(name) || name === "") {
    throw usage(flag, `the name ${JSON.stringify(name)} cannot be a file's`, `give ${flag}`);
  }
  return `${name}.${extension}`;
}

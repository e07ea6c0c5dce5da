import { Command, Option } from "commander";
import { refuseExisting, refuseSharedStream, writeTexts } from "../files.ts";
import { notYetOption, refuseNotYet } from "../not-yet.ts";
import { now } from "../now.ts";
import { orFail, parseCurve, parseDuration, parseList, parseNetworks, parseVersion } from "../values.ts";

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
  readonly encrypt?: boolean;
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
    .option("--json", "print what was made as JSON")
    .addOption(new Option("--ips <list>").hideHelp())
    .addOption(new Option("--subnets <list>").hideHelp())
    .addOption(notYetOption("encrypt"))
    .addOption(notYetOption("argon-memory"))
    .addOption(notYetOption("argon-iterations"))
    .addOption(notYetOption("argon-parallelism"))
    .addOption(notYetOption("out-qr"))
    .addOption(notYetOption("pkcs11"))
    .action(makeCa);
}

async function makeCa(flags: CaFlags): Promise<void> {
  if (flags.encrypt) refuseNotYet("encrypt");
  const lifetime = parseDuration(flags.duration);
  const request = {
    name: flags.name,
    version: parseVersion(flags.version),
    curve: parseCurve(flags.curve),
    groups: parseList(flags.groups),
    networks: parseNetworks(flags.networks ?? flags.ips, "-networks"),
    unsafeNetworks: parseNetworks(flags.unsafeNetworks ?? flags.subnets, "-unsafe-networks"),
    notBefore: now().seconds,
    notAfter: now().seconds + lifetime,
  };
  refuseSharedStream("write", {
    "-out-key": flags.outKey,
    "-out-crt": flags.outCrt,
    "-json": flags.json ? "-" : undefined,
  });
  refuseExisting(flags.outKey, flags.outCrt);

  const { createAuthority, certificateToPem, inspect, toJson } = await import("../../index.ts");
  const { authority, privateKeyPem } = orFail(createAuthority(request));
  // The key first: a certificate without its key is of no use, and cannot be had again.
  writeTexts(
    { file: flags.outKey, text: privateKeyPem },
    { file: flags.outCrt, text: certificateToPem(authority.certificate) },
  );
  if (flags.json) {
    const files = { key: flags.outKey, certificate: flags.outCrt };
    process.stdout.write(`${toJson({ certificate: inspect(authority.certificate), files })}\n`);
  }
}

import { Command } from "commander";
import { refuseExisting, refuseSharedStream, writeFiles } from "../files.ts";
import { notYetOption } from "../not-yet.ts";
import { parseCurve } from "../values.ts";

interface KeygenFlags {
  readonly outKey: string;
  readonly outPub: string;
  readonly curve: string;
  readonly json?: boolean;
}

export function keygenCommand(): Command {
  return new Command("keygen")
    .description("Make a host's key on the host itself; only its public half goes to whoever signs (sign -in-pub).")
    .requiredOption("--out-key <path>", "where to write the private key; - for standard output")
    .requiredOption("--out-pub <path>", "where to write the public key; - for standard output")
    .option("--curve <curve>", "25519 or P256: that of the authority", "25519")
    .option("--json", "print what was made as JSON")
    .addOption(notYetOption("pkcs11"))
    .action(makeKey);
}

async function makeKey(flags: KeygenFlags): Promise<void> {
  const curve = parseCurve(flags.curve);
  refuseSharedStream("write", {
    "-out-key": flags.outKey,
    "-out-pub": flags.outPub,
    "-json": flags.json ? "-" : undefined,
  });
  refuseExisting(flags.outKey, flags.outPub);

  const { generateHostKey, toJson } = await import("../../index.ts");
  const pair = generateHostKey(curve);
  writeFiles({ file: flags.outKey, content: pair.privateKeyPem }, { file: flags.outPub, content: pair.publicKeyPem });
  if (flags.json) {
    const publicKey = Buffer.from(pair.publicKey).toString("hex");
    process.stdout.write(`${toJson({ curve, files: { key: flags.outKey, publicKey: flags.outPub }, publicKey })}\n`);
  }
}

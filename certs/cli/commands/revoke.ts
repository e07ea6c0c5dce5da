import { Command } from "commander";
import { Failure, usage } from "../failure.ts";
import { readText, replaceText } from "../files.ts";
import { existingLedgerOf, type LedgerFlags } from "../ledger-file.ts";
import { now } from "../now.ts";
import { orFail } from "../values.ts";

interface RevokeFlags extends LedgerFlags {
  readonly crt?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function revokeCommand(): Command {
  return new Command("revoke")
    .description(
      "Take back every certificate of a name, and print what pki.blocklist needs on each host: fingerprints in every form, and the key.",
    )
    .argument("[name]", "a name in the ledger; it may be given to another host afterwards")
    .option("--crt <path>", "instead of a name: a file with certificates, without a ledger")
    .option("--out <path>", "write the whole blocklist there, over the one that an earlier revoke wrote")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ledger <path>", "the ledger; without it: beside the authority's certificate")
    .option("--json", "print the entries as JSON")
    .action(revoke);
}

async function revoke(name: string | undefined, flags: RevokeFlags): Promise<void> {
  if ((name === undefined) === (flags.crt === undefined)) {
    throw usage("revoke", "it is not clear what", "give a name, or certificates with -crt");
  }
  if (flags.crt !== undefined && flags.out !== undefined) {
    throw usage("-out", "the whole blocklist comes from a ledger", "give a name, or add what is printed to the file");
  }
  if (flags.out === "-") throw usage("-out", "what is new goes to standard output anyway", "give a path");
  const { formatBlocklist, toJson } = await import("../../index.ts");
  const entries = name === undefined ? await ofFile(flags.crt ?? "") : await ofLedger(name, flags);
  process.stdout.write(flags.json ? `${toJson(entries)}\n` : formatBlocklist(entries));
}

async function ofFile(file: string) {
  const { blocklistEntriesOf, readCertificates, signedEntry } = await import("../../index.ts");
  const certificates = orFail(readCertificates(readText(file), file));
  if (certificates.some(({ isCa }) => isCa)) {
    throw new Failure({ what: file, why: "a blocklist blocks no CA", todo: "take the CA out of pki.ca on every host" });
  }
  return certificates.map((certificate) => blocklistEntriesOf(signedEntry(certificate, "")));
}

async function ofLedger(name: string, flags: RevokeFlags) {
  const { blocklistOf, formatBlocklist } = await import("../../index.ts");
  const { nearest } = await import("../../../src/core/base/suggest.ts");
  const file = existingLedgerOf(flags);
  const { names } = await file.read();
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    const todo = meant === undefined ? "see list -all" : `did you mean ${JSON.stringify(meant)}?`;
    throw new Failure({ what: JSON.stringify(name), why: "the ledger does not have this name", todo });
  }
  if (flags.out !== undefined) refuseForeign(flags.out);
  const { seconds } = now();
  await file.append({ event: "revoked", at: new Date(Number(seconds) * 1000).toISOString(), name });
  const whole = blocklistOf((await file.read()).recorded, Number(seconds));
  if (flags.out !== undefined) replaceText(flags.out, HEADER + formatBlocklist(whole));
  return whole.filter((entries) => entries.name === name);
}

const HEADER =
  "# The blocklist of this authority's ledger, written by lacis-cert revoke -out. Changes are lost at the next one.\n";

/** Only a file that this command wrote is written over. */
function refuseForeign(file: string): void {
  let text: string;
  try {
    text = readText(file);
  } catch {
    return;
  }
  if (text !== "" && !text.startsWith(HEADER)) {
    throw new Failure({ what: file, why: "it is not a blocklist that revoke wrote", todo: "give another path" });
  }
}

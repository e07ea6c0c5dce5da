import { Command } from "commander";
import { momentText } from "../../../src/core/base/moment.ts";
import type { SigningBatch } from "../../enrolment/signing/batch.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { Failure, usage } from "../failure.ts";
import { readText, refuseExisting, writeFiles } from "../files.ts";
import { ledgerOf } from "../ledger.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { dayOf, sayMade } from "../made.ts";
import { now } from "../now.ts";
import { orFail, parseList } from "../values.ts";

interface SignBatchFlags extends CaFileFlags, LedgerFlags {
  readonly in: string;
  readonly out: string;
  readonly except?: string;
  readonly json?: boolean;
}

export function signBatchCommand(): Command {
  return new Command("sign-batch")
    .description(
      "Sign everything that waits at an enrolment service, where the authority's key is: what pending -export has written. Each host is printed with its key, to be compared.",
    )
    .requiredOption("--in <path>", "the batch; - for standard input")
    .requiredOption("--out <path>", "where to write what is signed, for upload; - for standard output")
    .option("--except <list>", "ids that are left out: deny them at the service")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--ledger <path>", "record it there; without it: beside the authority's certificate, if there is one")
    .option("--no-ledger", "do not look at a ledger, and leave no trace in it")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print what was signed as JSON")
    .action(signAll);
}

async function signAll(flags: SignBatchFlags): Promise<void> {
  if (flags.out === "-" && flags.json) throw usage("-json", "standard output has what is signed", "give -out a path");
  refuseExisting(flags.out);
  const batch = without(await readBatch(flags.in), flags.except);
  const { signBatch } = await import("../../enrolment/signing/sign-batch.ts");
  const { keyFingerprint } = await import("../../enrolment/issuer.ts");
  const { certificateToPem, formatBulletin, handOut } = await import("../../index.ts");
  const clock = now();
  const authority = await openCa(flags, clock.wall);
  const signed = signBatch(authority, batch, Number(clock.seconds));
  if (!signed.ok) throw new Failure(signed.reason);
  const { certificates, revocations, debugAccess } = signed.value;
  const content = [...certificates.map(({ certificate }) => certificateToPem(certificate))];
  for (const bulletin of [revocations, debugAccess]) if (bulletin) content.push(formatBulletin(bulletin));
  const write = (): void => writeFiles({ file: flags.out, content: content.join("") });
  // The invitation has said which groups are meant.
  const knownGroups = certificates.flatMap(({ certificate }) => certificate.groups);
  await using ledger = await ledgerOf(flags);
  const all = certificates.map(({ certificate }) => certificate);
  orFail(await handOut(all, { ledger, nowSeconds: clock.seconds, knownGroups, write }));
  const rows = certificates.map(({ wanted: { id, name, networks, groups, publicKey }, certificate }) => ({
    id,
    name,
    networks,
    groups,
    keyFingerprint: keyFingerprint(publicKey),
    until: Number(certificate.notAfter),
  }));
  for (const { id, name, networks, groups, keyFingerprint: key, until } of rows) {
    const where = `${networks.join(", ")}, ${groups.length === 0 ? "in no group" : `in ${groups.join(", ")}`}`;
    sayMade(`${name} (${id}) with ${where}, key ${key}, until ${dayOf(BigInt(until))}`, [flags.out]);
  }
  const list = revocations?.head.number;
  if (list !== undefined) sayMade(`the revocation list ${list}`, [flags.out]);
  const guests = debugAccess ? await guestsIn(debugAccess.body) : [];
  for (const { name, targets, until } of guests)
    sayMade(`debug access of ${name} to ${targets.join(", ")}, until ${momentText(until)}`, [flags.out]);
  const made = { file: flags.out, certificates: rows, list: list ?? null, debugAccess: guests };
  if (flags.json) process.stdout.write(`${JSON.stringify(made)}\n`);
}

/** Who is let in to debug what, for whoever signs it. */
async function guestsIn(body: Uint8Array) {
  const { decodeDebugAccess } = await import("../../../src/core/policy/debug-access.ts");
  const { targetText } = await import("../../enrolment/debug-access.ts");
  const access = decodeDebugAccess(body);
  if (!access.ok) return [];
  return access.value.map(({ name, until, targets }) => ({ name, until, targets: targets.map(targetText) }));
}

async function readBatch(file: string): Promise<SigningBatch> {
  const { parseBatch } = await import("../../enrolment/signing/batch.ts");
  const batch = parseBatch(readText(file));
  if (batch.ok) return batch.value;
  throw new Failure({
    what: file,
    why: `this is nothing to sign: ${batch.reason}`,
    todo: "have it written where the service is: lacis-cert pending -export FILE",
  });
}

function without(batch: SigningBatch, except: string | undefined): SigningBatch {
  const left = parseList(except);
  const unknown = left.find((id) => !batch.certificates.some((each) => each.id === id));
  if (unknown !== undefined) throw usage("-except", `nothing in the batch has the id ${unknown}`, "see what it holds");
  const certificates = batch.certificates.filter(({ id }) => !left.includes(id));
  if (certificates.length > 0 || batch.revocations || batch.debugAccess) return { ...batch, certificates };
  throw new Failure({ what: "the batch", why: "there is nothing in it to sign", todo: "nobody waits" });
}

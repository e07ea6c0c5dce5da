import { Command } from "commander";
import { HOST_NAME } from "../../../src/core/enrolment/name.ts";
import type { BlocklistEntries } from "../../ledger/blocklist.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { Failure, usage } from "../failure.ts";
import { readText, replaceText } from "../files.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { sayMade } from "../made.ts";
import { now } from "../now.ts";
import { RemoteService, withRemote } from "../remote.ts";
import { withBook } from "../revocation-book.ts";
import { type StoreFlags, withStore } from "../service-files.ts";
import { orFail } from "../values.ts";

interface RevokeFlags extends LedgerFlags, StoreFlags, CaFileFlags {
  readonly remote?: string;
  readonly crt?: string;
  readonly out?: string;
  readonly bulletin?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export function revokeCommand(): Command {
  return withRemote(withStore(new Command("revoke")))
    .description(
      "Take back every certificate of a name, and print what pki.blocklist needs on each host: fingerprints in every form, and the key.",
    )
    .argument("[name]", "a name in the ledger; it may be given to another host afterwards")
    .option("--crt <path>", "instead of a name: a file with certificates, without a ledger")
    .option("--out <path>", "write the whole blocklist there, over the one that an earlier revoke wrote")
    .option(
      "--bulletin <path>",
      "sign the whole list with the authority's key and write it there, for lacis publish; without a name: the list as it is",
    )
    .option("--ca-key <path>", "private key of the authority, for -bulletin", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--ledger <path>", "the ledger; without it: beside the authority's certificate")
    .option("--reason <text>", "why, for the audit log of an enrolment service")
    .option("--json", "print the entries as JSON; with -bulletin also its number, and the hosts that are to apply it")
    .action(revoke);
}

async function revoke(name: string | undefined, flags: RevokeFlags): Promise<void> {
  if (flags.remote !== undefined) return revokeThere(name, flags.remote, flags);
  const fromFile = flags.crt !== undefined;
  if (name === undefined ? !fromFile && flags.bulletin === undefined : fromFile) {
    throw usage("revoke", "it is not clear what", "give a name, or certificates with -crt");
  }
  if (fromFile && (flags.out !== undefined || flags.bulletin !== undefined)) {
    const flag = flags.out === undefined ? "-bulletin" : "-out";
    throw usage(flag, "the whole list comes from a ledger", "give a name, or add what is printed to the file");
  }
  if (flags.out === "-" || flags.bulletin === "-") {
    const flag = flags.out === "-" ? "-out" : "-bulletin";
    throw usage(flag, "what is new goes to standard output anyway", "give a path");
  }
  const { formatBlocklist, toJson } = await import("../../index.ts");
  if (flags.crt !== undefined) {
    const entries = await ofFile(flags.crt);
    process.stdout.write(flags.json ? `${toJson(entries)}\n` : formatBlocklist(entries));
    return;
  }
  const { entries, signed } = await ofBook(name, flags);
  if (flags.json) process.stdout.write(`${toJson(signed ? { ...signed, revoked: entries } : entries)}\n`);
  else process.stdout.write(formatBlocklist(entries));
}

/** The service elsewhere signs the list and gives it to the network, as far as it can; the list is written where somebody else must. */
async function revokeThere(name: string | undefined, remote: string, flags: RevokeFlags): Promise<void> {
  const { crt, out, bulletin, json, reason = "" } = flags;
  if (name === undefined || crt !== undefined || out !== undefined)
    throw usage("-remote", "the service revokes names", "give a name, and neither -crt nor -out");
  const { revokeAnswer } = await import("../../enrolment/http/operator-shapes.ts");
  const { toldText } = await import("../told-text.ts");
  if (!HOST_NAME.test(name))
    throw usage(JSON.stringify(name), "it is no name of a host", "see who is there: GET /v1/hosts");
  const asked = { method: "POST", path: `/v1/hosts/${name}/revoke`, body: { reason }, answer: revokeAnswer } as const;
  const { list } = orFail(await new RemoteService(remote).ask(asked));
  if (bulletin !== undefined && list.bulletin !== undefined) {
    replaceText(bulletin, list.bulletin);
    sayMade(`the revocation list ${list.number}`, [bulletin]);
  }
  process.stdout.write(json ? `${JSON.stringify({ name, list })}\n` : `${name} is revoked: ${toldText(list)}\n`);
}

async function ofFile(file: string): Promise<readonly BlocklistEntries[]> {
  const { blocklistEntriesOf, readCertificates, signedEntry } = await import("../../index.ts");
  const certificates = orFail(readCertificates(readText(file), file));
  if (certificates.some(({ isCa }) => isCa)) {
    throw new Failure({ what: file, why: "a blocklist blocks no CA", todo: "take the CA out of pki.ca on every host" });
  }
  return certificates.map((certificate) => blocklistEntriesOf(signedEntry(certificate, "")));
}

/** What a signed list says about itself. */
interface SignedList {
  readonly number: number;
  readonly file: string;
  /** Names that have a certificate which counts. */
  readonly hosts: readonly string[];
}

/** `name` undefined: nobody else than before. */
async function ofBook(
  name: string | undefined,
  flags: RevokeFlags,
): Promise<{ readonly entries: readonly BlocklistEntries[]; readonly signed: SignedList | undefined }> {
  const { blocklistOf, formatBlocklist, formatBulletin, signRevocations } = await import("../../index.ts");
  // Before anything is entered: nothing is left half done because a key is missing or a file is somebody else's.
  const authority = flags.bulletin === undefined ? undefined : await openCa(flags, now().wall);
  if (flags.out !== undefined) refuseForeign(flags.out);
  const seconds = Number(now().seconds);
  const { content, list } = await withBook(flags, async (book) => {
    if (name !== undefined) await book.revoke(name, flags.reason ?? "");
    const content = await book.read();
    const list = authority && orFail(signRevocations(authority, content, seconds));
    if (list) await book.keepList(list);
    return { content, list };
  });
  const whole = blocklistOf(content.recorded, seconds);
  if (flags.out !== undefined) replaceText(flags.out, HEADER + formatBlocklist(whole));
  const entries = whole.filter((each) => each.name === name);
  const { bulletin: file } = flags;
  if (!list || file === undefined) return { entries, signed: undefined };
  const { number } = list.head;
  replaceText(file, formatBulletin(list));
  sayMade(`the revocation list ${number}`, [file]);
  const hosts = [...new Set(content.inUse(seconds).map((entry) => entry.name))];
  return { entries, signed: { number, file, hosts } };
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

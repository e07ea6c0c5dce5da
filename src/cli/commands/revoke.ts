import { join } from "node:path";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { authorityWithKey } from "../../enrol/authority-here.ts";
import { passphraseFlags, runAuthority } from "../../enrol/authority-tool.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { say, sayJson } from "../output.ts";
import { spread, spreadText } from "../spread.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";
import { readBulletin } from "./publish.ts";

const BY_HAND = "lacis-cert revoke -crt HOST.crt prints what goes into pki.blocklist of every host";

interface RevokeFlags extends TargetOptions {
  readonly dir?: string;
  readonly reason?: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** What `lacis-cert revoke -bulletin -json` prints. */
interface Signed {
  readonly number: number;
  readonly file: string;
  readonly hosts: readonly string[];
  readonly revoked: readonly unknown[];
}

/** `lacis revoke`: a host is out, and everybody knows. */
export function revokeCommand(): Command {
  return withTarget(new Command("revoke"))
    .description("Take a host out of the network, at once and everywhere; on the machine with the network's authority.")
    .argument("[name]", "the host's name; without it, the list as it is is signed and published again")
    .option("--reason <text>", "why, for the audit log")
    .option("--dir <dir>", `where the network's files are; without it: ${thisPlatform().places.configBase}`)
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Its certificates and its key are put on a list, which the authority signs and hosts hand to each other. Whoever applies it
closes the tunnel at once. After three seconds at most it says on how many hosts that is so; those that are away hear of it
when they come back. Hosts that run Nebula need a file: lacis-cert revoke -out (docs/CERTS.md).

Example:  sudo lacis revoke laptop`,
    )
    .action(revoke);
}

async function revoke(name: string | undefined, flags: RevokeFlags): Promise<void> {
  const what = name === undefined ? "cannot sign the list" : `cannot revoke ${name}`;
  const elsewhere = `lacis-cert revoke${name === undefined ? "" : ` ${name}`} in that folder enters it; then lacis-cert pending -export, sign-batch where the key is, and upload`;
  const authority = authorityWithKey(flags.dir ?? thisPlatform().places.configBase, what, elsewhere, BY_HAND);
  const file = join(authority, "revocations.pem");
  const given = [
    ...(name === undefined ? [] : [name]),
    "-bulletin",
    file,
    "-json",
    ...(flags.reason === undefined ? [] : ["-reason", flags.reason]),
    ...passphraseFlags(flags.passphraseFile),
  ];
  const signed = JSON.parse(await runAuthority(authority, "revoke", ...given)) as Signed;
  const told = await waiting("telling the network", published(flags, file));
  // Whoever has been away since this daemon began is known to the ledger alone.
  const unheard = Math.max(0, signed.hosts.length - told.hosts);
  if (flags.json) return sayJson({ schema: ADMIN_SCHEMA, name: name ?? null, ...signed, unheard, bulletin: told });
  say(`${name === undefined ? "the list is published" : `${name} is revoked`}: ${spreadText(told)}`);
  if (unheard > 0)
    say(`${unheard === 1 ? "1 host" : `${unheard} hosts`} more in the ledger: not seen since the daemon here started`);
}

/** What stands in the ledger stands; that it was not told says what is left to do. */
async function published(flags: RevokeFlags, file: string) {
  try {
    return await spread(adminSocket(flags, true), readBulletin(file));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const { why, todo } = error.complaint;
    const later = `then: lacis publish ${file}, here or on any other host of the network`;
    const what = "it stands in the ledger, and the list is signed, but the network was not told";
    throw new OperatorError(error.code, { what, why, todo: `${todo}; ${later}` }, error.exitCode);
  }
}

import { Command } from "commander";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { type OpenDesk, withDesk } from "../desk.ts";
import { usage } from "../failure.ts";
import { dayOf, sayMade } from "../made.ts";
import { now } from "../now.ts";
import { withRemote } from "../remote.ts";
import { localOperator, type StoreFlags, withStore } from "../service-files.ts";
import { type SigningDeskFlags, withSigningDesk } from "../signing-desk.ts";
import { orFail } from "../values.ts";

interface ApproveFlags extends CaFileFlags, StoreFlags {
  readonly json?: boolean;
}

export function approveCommand(): Command {
  return withStore(new Command("approve"))
    .description("Sign for a host that waits. The authority's key is needed here, and nowhere else.")
    .argument("<id>", "as pending shows it")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print what was given as JSON")
    .action(approve);
}

async function approve(id: string, flags: ApproveFlags): Promise<void> {
  const authority = await openCa(flags, now().wall);
  const atDesk = async ({ desk }: OpenDesk): Promise<void> => {
    const { name, networks, groups, certificate, notAfter } = orFail(await desk.approve(id, localOperator()));
    sayMade(`${name} with ${networks.join(", ")}, until ${dayOf(BigInt(notAfter))}`, [
      "it fetches its certificate now",
    ]);
    if (flags.json) process.stdout.write(`${JSON.stringify({ name, networks, groups, certificate, notAfter })}\n`);
  };
  await withDesk(flags, atDesk, authority);
}

interface DenyFlags extends SigningDeskFlags {
  readonly reason?: string;
}

export function denyCommand(): Command {
  return withRemote(withStore(new Command("deny")))
    .description("Deny a host that waits. It is told why.")
    .argument("<id>", "as pending shows it")
    .option("--reason <text>", "what the host is told (required)")
    .action(deny);
}

async function deny(id: string, flags: DenyFlags): Promise<void> {
  if (flags.reason === undefined || flags.reason === "") {
    throw usage("-reason", "the host is told why", "give a sentence");
  }
  const { reason } = flags;
  await withSigningDesk(flags, async (desk) => orFail(await desk.deny(id, reason)));
}

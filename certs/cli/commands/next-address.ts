import { Command } from "commander";
import { Failure, usage } from "../failure.ts";
import { readText } from "../files.ts";
import { existingLedger } from "../ledger.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { now } from "../now.ts";
import { orFail, parseWholeNetworks } from "../values.ts";

interface NextAddressFlags extends LedgerFlags {
  readonly network?: string;
  readonly json?: boolean;
}

export function nextAddressCommand(): Command {
  return new Command("next-address")
    .description("The lowest address that no host in the ledger has, ready for sign -networks.")
    .option("--network <prefix>", "look in this network; without it: in each of the authority's")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ledger <path>", "the ledger; without it: beside the authority's certificate")
    .option("--json", "print the address as JSON")
    .action(showNextAddress);
}

async function showNextAddress(flags: NextAddressFlags): Promise<void> {
  const { formatPrefix, nextAddress, readCertificates, toJson } = await import("../../index.ts");
  await using ledger = await existingLedger(flags);
  const taken = (await ledger.readWhole()).takenAddresses(Number(now().seconds));
  const networks =
    flags.network === undefined
      ? orFail(readCertificates(readText(flags.caCrt), flags.caCrt)).flatMap(({ networks }) => networks)
      : parseWholeNetworks(flags.network, "-network");
  if (networks.length === 0) throw usage("-network", "the authority names none", "give one like 10.77.0.0/16");
  const free = networks.map((network) => nextAddress(network, taken)).find((address) => address !== undefined);
  if (!free) {
    const what = networks.map(formatPrefix).join(", ");
    throw new Failure({ what, why: "every address has an owner", todo: "revoke who is gone, or take another network" });
  }
  process.stdout.write(
    `${flags.json ? toJson({ network: formatPrefix(free), address: free.address }) : formatPrefix(free)}\n`,
  );
}

import { Command } from "commander";
import { toHex } from "../../../src/core/base/bytes.ts";
import { GROUP_NAME, HOST_NAME } from "../../../src/core/enrolment/name.ts";
import { formatPrefix } from "../../../src/core/netip/prefix.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { usage } from "../failure.ts";
import { readText } from "../files.ts";
import { now } from "../now.ts";
import { localOperator, type StoreFlags, withDatabase, withStore } from "../service-files.ts";
import { orFail, parseDuration, parseList, parseNetworks } from "../values.ts";

interface EnrolFlags extends CaFileFlags, StoreFlags {
  readonly networks: string;
  readonly groups?: string;
  readonly duration?: string;
  readonly inPub: string;
}

export function enrolCommand(): Command {
  return withStore(new Command("enrol"))
    .description(
      "Make a host of a key that the enrolment service renews, without a token: the first one of a network, or one that was signed by hand until now. Prints a bundle, with which that host renews: show it to nobody else.",
    )
    .argument("<name>", "the host's name")
    .requiredOption("--networks <list>", "its addresses, each with the length of its network: 10.77.0.1/24")
    .requiredOption("--in-pub <path>", "public key that the host has made (keygen); - for standard input")
    .option("--groups <list>", "groups it is in")
    .option("--duration <duration>", "how long its certificates are valid; without it 30d")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .action(enrol);
}

async function enrol(name: string, flags: EnrolFlags): Promise<void> {
  const { readHostPublicKey } = await import("../../index.ts");
  const { enrolHere } = await import("../../enrolment/enrol-here.ts");
  const { DEFAULT_LIFETIME_SECONDS } = await import("../../enrolment/invitation.ts");
  const { Registrar } = await import("../../enrolment/registrar.ts");
  if (!HOST_NAME.test(name))
    throw usage(JSON.stringify(name), "it is no name for a host", "use letters, digits, dashes and dots, at most 63");
  const groups = parseList(flags.groups);
  const odd = groups.find((group) => !GROUP_NAME.test(group));
  if (odd !== undefined) throw usage(JSON.stringify(odd), "it is no name for a group", "use letters, digits and ._:-");
  const networks = parseNetworks(flags.networks, "-networks").map(formatPrefix);
  if (networks.length === 0) throw usage("-networks", "a host needs an address", "give one like 10.77.1.2/16");
  const { curve, publicKey } = orFail(readHostPublicKey(readText(flags.inPub), flags.inPub));
  const lifetime = flags.duration === undefined ? DEFAULT_LIFETIME_SECONDS : Number(parseDuration(flags.duration));
  const authority = await openCa(flags, now().wall);
  const host = { name, networks, groups, lifetime, curve, publicKey: toHex(publicKey), version: "" };
  await withDatabase(flags, async (database) => {
    const registrar = new Registrar(database, authority);
    const bundle = orFail(await enrolHere(database, registrar, { authority, host, operator: localOperator() }));
    process.stdout.write(`${JSON.stringify(bundle, undefined, 2)}\n`);
  });
}

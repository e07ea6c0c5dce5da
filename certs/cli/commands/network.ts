import { Command } from "commander";
import { type LighthousePlan, type NetworkPlan, networkPlan } from "../../../src/core/enrolment/messages.ts";
import { overlayDoubt, unusable } from "../../../src/core/netip/overlay-network.ts";
import { formatPrefix, masked, type Prefix } from "../../../src/core/netip/prefix.ts";
import { usage } from "../failure.ts";
import { readText, writeFiles } from "../files.ts";
import { ledgerBeside } from "../ledger-file.ts";
import { sayMade } from "../made.ts";
import {
  exists,
  localOperator,
  openIdentity,
  type StoreFlags,
  serviceKeyFile,
  withDatabase,
  withStore,
} from "../service-files.ts";
import { orFail, parseCount, parseDuration, parseList, parseWholeNetworks } from "../values.ts";

interface NetworkFlags extends StoreFlags {
  readonly serviceKey?: string;
  readonly name?: string;
  readonly networks?: string;
  readonly lighthouse?: readonly string[];
  readonly relays?: string;
  readonly port?: string;
  readonly service?: string;
  readonly debugMax?: string;
  readonly json?: boolean;
}

const PORT = 4242;

export function networkCommand(): Command {
  return withStore(new Command("network"))
    .description(
      "Set up an enrolment service for this authority, or change what it tells hosts of the network; without flags, show it. The key that the service shows is made at first, and an existing ledger is taken over.",
    )
    .option("--name <name>", "the network's name; without it the authority's")
    .option("--networks <list>", "where addresses come from: 10.77.0.0/24; without it the authority's networks")
    .option(
      "--lighthouse <overlay=host:port,...>",
      "a lighthouse: its address in the mesh, and where it is reached; may be given again",
      collect,
    )
    .option("--relays <list>", "addresses in the mesh of hosts that relay for others")
    .option("--port <port>", `UDP port that hosts listen on (default: ${PORT})`)
    .option("--service <list>", "where hosts reach this service, host:port, the best first")
    .option("--debug-max <duration>", "how long hosts may be let in to debug at most; without it 24h")
    .option(
      "--service-key <path>",
      "the key that the service shows; without it enrolment.key beside the authority's certificate",
    )
    .option("--json", "print it as JSON")
    .action(network);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function network(flags: NetworkFlags): Promise<void> {
  const { readCertificates } = await import("../../index.ts");
  const { readFacts } = await import("../../enrolment/facts.ts");
  const { setUp } = await import("../../enrolment/setup.ts");
  const authorities = readText(flags.caCrt);
  const certificates = orFail(readCertificates(authorities, flags.caCrt)).filter(({ isCa }) => isCa);
  const [authority] = certificates;
  if (!authority) throw usage("-ca-crt", `${flags.caCrt} holds no authority`, "give the authority's certificate");
  await withDatabase(flags, async (database) => {
    const before = await readFacts(database);
    const isShown = ["name", "networks", "lighthouse", "relays", "port", "service", "debugMax"].every(
      (flag) => !(flag in flags),
    );
    if (!before || !isShown) {
      const wanted = planOf(flags, before?.network, authority.name, authority.networks);
      if (!exists(serviceKeyFile(flags))) await makeServiceKey(flags);
      const { serviceKey } = await openIdentity(flags);
      const signing = certificates.find(({ fingerprint }) => fingerprint === before?.authority) ?? authority;
      const debugSecondsMax =
        flags.debugMax === undefined ? undefined : Number(parseDuration(flags.debugMax, "-debug-max"));
      const facts = {
        network: wanted,
        authorities,
        authority: signing.fingerprint,
        serviceKey,
        policy: 0,
        debugSecondsMax,
      };
      const file = ledgerBeside(flags.caCrt);
      await setUp(database, { facts, ledger: exists(file) ? readText(file) : undefined }, localOperator());
    }
    const facts = await readFacts(database);
    if (!facts) return;
    process.stdout.write(
      flags.json ? `${JSON.stringify(facts, undefined, 2)}\n` : show(facts.network, facts.serviceKey),
    );
  });
}

async function makeServiceKey(flags: NetworkFlags): Promise<void> {
  const { generateServiceKey } = await import("../../enrolment/identity.ts");
  const file = serviceKeyFile(flags);
  writeFiles({ file, content: generateServiceKey() });
  sayMade("the key of the enrolment service", [file]);
}

/** Hosts are to have addresses of it. */
function usable(network: Prefix): Prefix {
  const why = unusable(network);
  if (why !== undefined) throw usage("-networks", `${formatNetwork(network)}: ${why}`, "give 10.77.0.0/24");
  const doubt = overlayDoubt(network);
  if (doubt)
    process.stderr.write(`lacis-cert: the network ${formatNetwork(network)} - ${doubt.why} - give 10.77.0.0/24\n`);
  return network;
}

function planOf(
  flags: NetworkFlags,
  before: NetworkPlan | undefined,
  caName: string,
  caNetworks: readonly Prefix[],
): NetworkPlan {
  const networks =
    flags.networks === undefined
      ? (before?.networks ?? caNetworks.map(formatNetwork))
      : parseWholeNetworks(flags.networks, "-networks").map(usable).map(formatNetwork);
  if (networks.length === 0)
    throw usage("-networks", "the authority has none that addresses could come from", "give 10.77.0.0/24");
  const plan = {
    name: flags.name ?? before?.name ?? caName,
    networks,
    lighthouses: flags.lighthouse?.map(parseLighthouse) ?? before?.lighthouses ?? [],
    relays: flags.relays === undefined ? (before?.relays ?? []) : parseList(flags.relays),
    port: flags.port === undefined ? (before?.port ?? PORT) : parseCount(flags.port, "-port"),
    service: flags.service === undefined ? (before?.service ?? []) : parseList(flags.service),
  };
  const read = networkPlan.read(plan, "");
  if (!read.ok) throw usage(read.reason.path, `${read.reason.wanted} is wanted`, "see lacis-cert network -help");
  if (plan.service.length === 0) {
    throw usage("-service", "hosts must know where this service is", "give host:port, as they reach it from outside");
  }
  return read.value;
}

function formatNetwork(prefix: Prefix): string {
  return formatPrefix(masked(prefix));
}

/** "10.77.0.1=vpn.example.org:4242,[2001:db8::1]:4242". */
function parseLighthouse(text: string): LighthousePlan {
  const [overlay = "", endpoints] = text.split("=", 2);
  if (endpoints === undefined) {
    throw usage(
      "-lighthouse",
      `${JSON.stringify(text)} does not say where it is`,
      "write it like 10.77.0.1=vpn.example.org:4242",
    );
  }
  return { overlay: overlay.split("+"), endpoints: parseList(endpoints) };
}

function show(plan: NetworkPlan, serviceKey: string): string {
  const rows = [
    ["network", plan.name],
    ["addresses", plan.networks.join(", ")],
    ...plan.lighthouses.map(({ overlay, endpoints }) => [
      "lighthouse",
      `${overlay.join(", ")} at ${endpoints.join(", ")}`,
    ]),
    ["relays", plan.relays.join(", ") || "none"],
    ["port", String(plan.port)],
    ["service", plan.service.join(", ")],
    ["service key", serviceKey],
  ];
  return rows.map(([what = "", value = ""]) => `${what.padEnd(12)} ${value}\n`).join("");
}

import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import type { NetworkPlan } from "../../core/enrolment/messages.ts";
import { NETWORK_NAME } from "../../core/enrolment/name.ts";
import { overlayDoubt, unusable } from "../../core/netip/overlay-network.ts";
import { formatPrefix, masked, type Prefix, parsePrefix } from "../../core/netip/prefix.ts";
import { authorityCommand } from "../../enrol/authority-tool.ts";
import { Children } from "../../enrol/children.ts";
import { type Endpoints, endpointsOf } from "../../enrol/endpoints.ts";
import { type HostFiles, hostFilesIn } from "../../enrol/host-files.ts";
import { hostNameFrom, hostNameGiven } from "../../enrol/host-name.ts";
import { init } from "../../enrol/init.ts";
import { isListening, refuseWithoutPrivilege, refuseWithoutTun } from "../../enrol/local-checks.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import {
  AUTHORITY_SERVICE,
  chooseStart,
  daemonCommand,
  daemonSocket,
  HOST_SERVICE,
  RELOAD_MS,
  type Start,
  type StartOptions,
  stayInForeground,
  whenRunning,
} from "../host-start.ts";
import { complain, say, sayJson } from "../output.ts";

interface InitFlags extends StartOptions {
  readonly endpoint?: readonly string[];
  readonly network?: Prefix;
  readonly name?: string;
  readonly port: number;
  readonly curve: "25519" | "P256";
  readonly encrypt?: boolean;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** What everybody who knows Nebula expects. */
const PORT = 4242;

/** `lacis init`: a network, and this machine as its first host. */
export function initCommand(): Command {
  return new Command("init")
    .description("Found a network: an authority, and this machine as its first host, lighthouse and relay.")
    .argument("<name>", "what the network is called", networkName)
    .option(
      "--endpoint <host[:port]>",
      "where others reach this machine; again for more; without it: its own addresses",
      collect,
    )
    .option(
      "--network <cidr>",
      "the addresses of the mesh; without it: a /24 below 10.0.0.0/8 that is free here",
      wholeNetwork,
    )
    .option("--name <name>", "the name of this host; without it: the machine's")
    .option("--port <port>", "UDP and TCP port", portNumber, PORT)
    .addOption(
      new Option("--curve <curve>", "the curve of all certificates").choices(["25519", "P256"]).default("25519"),
    )
    .option("--encrypt", "encrypt the authority's key with a passphrase: who joins then waits for lacis-cert approve")
    .option("--passphrase-file <path>", "file whose first line is that passphrase; without it: environment, terminal")
    .option("--dir <dir>", `where its files are to be; without it: ${thisPlatform().places.configBase}`)
    .addOption(
      new Option(
        "--foreground",
        "be the host for as long as this command runs, also where services can be started",
      ).conflicts("start"),
    )
    .option("--no-start", "only write the files")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Writes Nebula's own files, for people to read and to keep. Whoever is killed at whatever moment runs the same line again. The port must be
open for UDP (the mesh) and TCP (joining), here and in the router or at the provider.

Example:  sudo lacis init home --endpoint vpn.example.org`,
    )
    .action(found);
}

async function found(name: string, flags: InitFlags): Promise<void> {
  const start = chooseStart(flags, [HOST_SERVICE, AUTHORITY_SERVICE]);
  if (start !== "none" || flags.dir === undefined)
    refuseWithoutPrivilege("cannot found a network", `lacis init ${name}`);
  if (start !== "none") refuseWithoutTun();
  const files = hostFilesIn(flags.dir ?? thisPlatform().places.configBase);
  const reached = await endpointsOf(flags.endpoint ?? [], flags.port);
  const doubt = flags.network && overlayDoubt(flags.network);
  if (flags.network && doubt)
    complain(`lacis: the network ${formatPrefix(flags.network)} - ${doubt.why} - without --network one is chosen`);
  const { plan, hasChanged } = await init({
    network: name,
    files,
    name: flags.name === undefined ? hostNameFrom(hostname()) : hostNameGiven(flags.name),
    endpoints: reached.endpoints,
    port: reached.port,
    overlay: flags.network,
    curve: flags.curve === "P256" ? "P256" : "CURVE25519",
    encrypt: flags.encrypt ?? false,
    passphraseFile: flags.passphraseFile,
    owner: start === "service" ? thisPlatform().supervisor.ownerOf(HOST_SERVICE) : undefined,
    leftBehind: ({ message }) => complain(`lacis: ${message}`),
    now: () => BigInt(Math.floor(Date.now() / 1000)),
  });
  if (hasChanged) {
    complain("lacis: this host's certificate renews itself from now on");
    const socket = daemonSocket(files);
    if (socket !== undefined) await askDaemon(socket, { verb: "reload" }, RELOAD_MS);
  }
  await begin({ start, files, port: plan.port, isOffline: flags.encrypt ?? false }, () =>
    tell(plan, files, reached, { ...flags, start: start !== "none" }),
  );
}

interface Beginning {
  readonly start: Start;
  readonly files: HostFiles;
  readonly port: number;
  /** The service has no key to sign with. */
  readonly isOffline: boolean;
}

async function begin({ start, files, port, isOffline }: Beginning, tellAll: () => void): Promise<void> {
  const children = new Children();
  if (start === "service") {
    const { supervisor } = thisPlatform();
    for (const service of [AUTHORITY_SERVICE, HOST_SERVICE]) await supervisor.start(service);
  }
  if (start === "foreground") {
    children.obeySignals();
    // What outlived a run that was killed goes on.
    if (!(await isListening(port))) {
      const given = ["-publish", resolve(files.config), ...(isOffline ? ["-offline"] : [])];
      children.start("authority", authorityCommand("serve", ...given), files.authority);
    }
    if (daemonSocket(files) === undefined) children.start("host", daemonCommand(files.config));
  }
  try {
    if (start !== "none") await whenRunning(files, () => children.isWhole);
    tellAll();
  } catch (error) {
    children.stop();
    await children.end();
    throw error;
  }
  if (children.hasBegun) await stayInForeground(children);
}

function tell(plan: NetworkPlan, files: HostFiles, reached: Endpoints, flags: InitFlags): void {
  const { dir, json, start, encrypt } = flags;
  const where = dir === undefined ? "" : ` --dir ${dir}`;
  const next = `lacis invite HOST${where}`;
  const key = join(files.authority, "ca.key");
  if (json) {
    sayJson({
      schema: ADMIN_SCHEMA,
      started: start,
      network: plan,
      config: files.config,
      authority: files.authority,
      next,
    });
    return;
  }
  const [first] = plan.lighthouses;
  say(
    `founded ${plan.name}, ${plan.networks.join(", ")} - this host is ${first?.overlay.join(", ")}, reached at ${first?.endpoints.join(", ")}`,
  );
  say(`the authority's key is ${key}${encrypt ? ", encrypted" : ""}: back it up; whoever has it decides who is in`);
  if (reached.isNearbyOnly) {
    complain(
      "lacis: others reach this host only from nearby - it has private addresses alone - from elsewhere: --endpoint HOST, before anybody joins",
    );
  }
  if (!start)
    say(`start it with: sudo lacis run --config ${files.config}, and: (cd ${files.authority}; sudo lacis-cert serve)`);
  say(`next: sudo ${next}`);
}

function networkName(text: string): string {
  if (NETWORK_NAME.test(text)) return text;
  throw new InvalidArgumentError(
    "Letters, digits, spaces, dots, hyphens and underscores make a network's name, 64 at most.",
  );
}

function wholeNetwork(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (!prefix || formatPrefix(masked(prefix)) !== formatPrefix(prefix))
    throw new InvalidArgumentError("A network is needed, such as 10.77.0.0/24.");
  const why = unusable(prefix);
  if (why !== undefined) throw new InvalidArgumentError(`${text}: ${why} - a network such as 10.77.0.0/24 is needed.`);
  return prefix;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError("1 to 65535 are possible.");
  return port;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

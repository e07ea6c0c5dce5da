import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../test/netns/lab/command.ts";
import { ALLOW_ALL, DEVICE, type FirewallRule, formatHostConfig, PORT } from "../../test/netns/lab/host-config.ts";
import { findNebulaProgram, LACIS, type LacisBuild, nebulaVersion } from "../../test/netns/lab/implementation.ts";
import type { Machine } from "../../test/netns/lab/network.ts";
import {
  CLIENT,
  type Ends,
  type Engine,
  OVERLAY_MTU,
  PREFIX_LENGTH,
  type Running,
  SERVER,
  type Setup,
  SOCKET_BUFFER_BYTES,
  TRANSMIT_QUEUE,
} from "./engine.ts";

/** Whatever is told by Nebula's configuration file: ours and theirs. */
class ConfiguredEngine implements Engine {
  readonly name: string;
  readonly version: string;
  readonly #daemon: (configPath: string) => readonly [string, ...string[]];
  readonly #more: Sections;

  constructor(
    name: string,
    version: string,
    daemon: (configPath: string) => readonly [string, ...string[]],
    more: Sections = {},
  ) {
    this.name = name;
    this.version = version;
    this.#daemon = daemon;
    this.#more = more;
  }

  cipher({ cipher }: Setup): string {
    return cipher === "aes" ? "AES-256-GCM" : "ChaCha20-Poly1305";
  }

  async start({ server, client, authority }: Ends, setup: Setup): Promise<Running> {
    const subject = (name: string, address: string) => ({ name, overlay: [`${address}/${PREFIX_LENGTH}`], groups: [] });
    const hosts = [
      { machine: server, overlay: SERVER, peer: client, peerOverlay: CLIENT },
      { machine: client, overlay: CLIENT, peer: server, peerOverlay: SERVER },
    ];
    const daemons = hosts.map(async ({ machine, overlay, peer, peerOverlay }) => {
      const directory = await authority.issue(subject(machine.name, overlay), [1]);
      if (setup.trusted !== undefined) await trustAlso(directory, setup.trusted);
      const path = join(machine.directory, "config.yml");
      const staticHosts = { [peerOverlay]: `${peer.addresses[0]}:${PORT}` };
      await writeFile(path, configuration(directory, setup, staticHosts, this.#more));
      const [command, ...args] = this.#daemon(path);
      const daemon = machine.start(this.name, command, args);
      await daemon.becomes("its device is up", () => deviceIsUp(machine, DEVICE, overlay));
      await daemon.becomes("its UDP port is bound", () => machine.hasUdpPort(PORT));
      return daemon;
    });
    const started = await Promise.all(daemons);
    return {
      reload: () => {
        for (const daemon of started) daemon.signal("SIGHUP");
      },
    };
  }
}

/** Hosts of earlier rounds have the same folder. */
async function trustAlso(directory: string, authority: string): Promise<void> {
  const bundle = join(directory, "ca.crt");
  const trusted = await readFile(bundle, "utf8");
  if (!trusted.includes(authority)) await writeFile(bundle, `${trusted.trimEnd()}\n${authority}`);
}

/** Sections of a configuration that only one engine has. */
type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function configuration(
  directory: string,
  setup: Setup,
  staticHosts: Readonly<Record<string, string>>,
  more: Sections,
): string {
  return formatHostConfig({
    directory,
    cipher: setup.cipher,
    lighthouse: "none",
    staticHosts,
    tun: true,
    inbound: rules(setup.rules),
    outbound: ALLOW_ALL,
    more: {
      ...more,
      tun: { mtu: OVERLAY_MTU, tx_queue: TRANSMIT_QUEUE, use_offloads: true },
      // Nebula knows no limit.
      ...(setup.flows === undefined ? {} : { firewall: { conntrack: { max_flows: setup.flows } } }),
      listen: { read_buffer: SOCKET_BUFFER_BYTES, write_buffer: SOCKET_BUFFER_BYTES, udp_offloads: true },
    },
  });
}

/** One rule that allows everything, and before it so many that fit nothing which is sent. */
function rules(count: number): readonly FirewallRule[] {
  const unfit = Array.from({ length: count - 1 }, (_, i): FirewallRule => {
    return { port: String(20_000 + (i % 10_000)), proto: i < 10_000 ? "tcp" : "udp", host: "any" };
  });
  return [...unfit, ...ALLOW_ALL];
}

/** Whether a device stands with its address on it. */
export async function deviceIsUp(machine: Machine, device: string, address: string): Promise<boolean> {
  const shown = await machine.run("ip", ["-brief", "address", "show", "dev", device]);
  return shown.status === 0 && shown.stdout.includes(`${address}/`);
}

/** Ours: it chooses the library that seals, and says which. */
class LacisEngine extends ConfiguredEngine {
  readonly #build: LacisBuild;
  /** By what a configuration calls the cipher. */
  #libraries: ReadonlyMap<string, string> = new Map();

  constructor(build: LacisBuild, version: string, environment: readonly string[] = [], more: Sections = {}) {
    super(build.name, version, (configPath) => ["env", ...environment, ...build.daemon(configPath)], more);
    this.#build = build;
  }

  override cipher(setup: Setup): string {
    const library = this.#libraries.get(setup.cipher);
    return library === undefined ? super.cipher(setup) : `${super.cipher(setup)} by ${library}`;
  }

  override async start(ends: Ends, setup: Setup): Promise<Running> {
    const running = await super.start(ends, setup);
    if (this.#libraries.size === 0) this.#libraries = parseLibraries(await this.#status(ends.client));
    const flows = async (machine: Machine) => parseFlows(await this.#status(machine));
    return { ...running, flows: async () => Math.min(await flows(ends.server), await flows(ends.client)) };
  }

  async #status(machine: Machine): Promise<string> {
    const [node, ...args] = this.#build.cli("status", "--json", "--config", join(machine.directory, "config.yml"));
    return await machine.must(node, args);
  }
}

/** Which library seals with which cipher; builds of before do not say. */
function parseLibraries(status: string): ReadonlyMap<string, string> {
  const told: { dataPlane?: { ciphers?: readonly { cipher: string; library: string }[] } } = JSON.parse(status);
  return new Map(told.dataPlane?.ciphers?.map(({ cipher, library }) => [cipher, library]));
}

function parseFlows(status: string): number {
  const told: { counters: { flows: number } | null } = JSON.parse(status);
  return told.counters?.flows ?? 0;
}

/** A build of ours. */
export async function lacisEngine(build: LacisBuild): Promise<Engine> {
  return new LacisEngine(build, await versionOf(build));
}

/** Ours, with a data plane that seals nothing (`npm run build:null-cipher`): what everything but the cipher costs. */
export async function nullCipherEngine(dataPlane: string): Promise<Engine> {
  const environment = [`LACIS_DATAPLANE=${dataPlane}`, "LACIS_NULL_CIPHER=1"];
  return new LacisEngine({ ...LACIS, name: "lacis-null" }, await versionOf(LACIS), environment);
}

/** Ours, without a flow log: what that costs. */
export async function unloggedEngine(): Promise<Engine> {
  const build = { ...LACIS, name: "lacis-unlogged" };
  return new LacisEngine(build, await versionOf(LACIS), [], { flow_log: { megabytes: 0 } });
}

async function versionOf(build: LacisBuild): Promise<string> {
  const [node, ...args] = build.cli("version");
  return (await run(node, args)).stdout.trim().split("\n")[0] ?? "";
}

/** Any Nebula, by its program. */
export async function nebulaEngine(name: string, program: string): Promise<Engine> {
  return new ConfiguredEngine(name, await nebulaVersion(program), (configPath) => [program, "-config", configPath]);
}

/** A released Nebula that `scripts/fetch-peers` has put into the cache. */
export async function releasedNebula(release: "1.6" | "1.11"): Promise<Engine | undefined> {
  const program = findNebulaProgram(release);
  return program === undefined ? undefined : await nebulaEngine(`nebula-${release}`, program);
}

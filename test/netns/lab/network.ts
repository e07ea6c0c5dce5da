import { readFileSync, readlinkSync, statSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Cable } from "./cable.ts";
import { type CommandOptions, type CommandResult, must, run } from "./command.ts";
import { Daemon } from "./daemon.ts";

/** Where everything that a lab writes lives: a tmpfs that goes away with the lab. */
const ROOT = "/run/lab";

/** The segment that every network has: what is public is there. */
const PUBLIC = "lan";

/** Where a device of a machine is plugged in. */
export interface Plug {
  /** Its name on the machine. */
  readonly device: string;
  readonly segment: string;
  /** Each "address/prefix length". */
  readonly addresses: readonly string[];
}

/**
 * One Ethernet segment with machines on it, each a network namespace:
 *
 *     machine a [net] ---\
 *     machine b [net] ----[bridge `lan` in the namespace NAME.lan]
 *     machine c [net] ---/
 *
 * There is no router unless a test adds one (router.ts, nat/nat-router.ts): what leaves the segment is lost. Routers have segments of their own behind
 * them, more bridges in the same namespace.
 */
export class TestNetwork {
  readonly name: string;
  readonly directory: string;
  readonly #machines: Machine[] = [];
  /** The bridge of each segment; device names are shorter than what segments are called. */
  readonly #bridges = new Map<string, string>();
  readonly #plugs = new Map<string, { readonly port: string; readonly bridge: string }>();
  readonly #cables: Cable[] = [];

  private constructor(name: string) {
    this.name = name;
    this.directory = join(ROOT, name);
  }

  static async open(name: string): Promise<TestNetwork> {
    if (process.env["LACIS_LAB"] !== "inside") throw new Error("not in a lab: start this through scripts/lab");
    const network = new TestNetwork(name);
    await mkdir(network.directory, { recursive: true });
    await must("ip", ["netns", "add", network.#lan]);
    await batch(network.#lan, ["link set lo up"]);
    await network.segment(PUBLIC);
    return network;
  }

  /** Adds a segment on which nobody is yet. */
  async segment(name: string): Promise<void> {
    const bridge = name === PUBLIC ? PUBLIC : `segment${this.#bridges.size}`;
    this.#bridges.set(name, bridge);
    await batch(this.#lan, [`link add ${bridge} type bridge forward_delay 0`, `link set ${bridge} up`]);
  }

  /** Adds a machine with the given underlay addresses, each "address/prefix length", on the public segment unless it is said otherwise. */
  async machine(name: string, addresses: readonly string[], where: Partial<Plug> = {}): Promise<Machine> {
    const machine = await this.#add(name, addresses);
    await this.attach(machine, { device: "net", segment: PUBLIC, addresses, ...where });
    return machine;
  }

  /** Adds two machines with one cable between them, on no segment: nothing else is on the way of what they tell each other. */
  async couple(names: readonly [string, string], addresses: readonly [string, string]): Promise<[Machine, Machine]> {
    const left = await this.#add(names[0], [addresses[0]]);
    const right = await this.#add(names[1], [addresses[1]]);
    await batch(left.namespace, [`link add net type veth peer name net netns ${right.namespace}`]);
    await bringUp(left, "net", [addresses[0]]);
    await bringUp(right, "net", [addresses[1]]);
    return [left, right];
  }

  /** A machine that nothing is plugged into. */
  async #add(name: string, addresses: readonly string[]): Promise<Machine> {
    const machine = new Machine(this, name, addresses);
    await must("ip", ["netns", "add", machine.namespace]);
    this.#machines.push(machine);
    await mkdir(machine.directory, { recursive: true });
    await batch(machine.namespace, ["link set lo up"]);
    return machine;
  }

  /** Gives a machine a device, and plugs it in. */
  async attach(machine: Machine, { device, segment, addresses }: Plug): Promise<void> {
    const bridge = this.#bridges.get(segment);
    if (bridge === undefined) throw new Error(`no segment ${segment} in this network`);
    const port = `port${this.#plugs.size}`;
    this.#plugs.set(`${machine.name} ${device}`, { port, bridge });
    await batch(this.#lan, [
      `link add ${port} type veth peer name ${device} netns ${machine.namespace}`,
      `link set ${port} master ${bridge}`,
      `link set ${port} up`,
    ]);
    await bringUp(machine, device, addresses);
  }

  /** Puts a cable that can be bad between a device of a machine and its segment; it does nothing until it is told what to do. */
  async cable(machine: Machine, device = "net"): Promise<Cable> {
    const plug = this.#plugs.get(`${machine.name} ${device}`);
    if (!plug) throw new Error(`${machine.name} has no ${device} in this network`);
    // What the kernel would cut into packets later must suffer as those packets do.
    await batch(machine.namespace, [`link set ${device} gso_max_segs 1`]);
    const far = `far-${plug.port}`;
    await batch(this.#lan, [
      `link set ${plug.port} nomaster`,
      `link add ${far} type veth peer name ${far}-b`,
      `link set ${far}-b gso_max_segs 1 master ${plug.bridge}`,
      `link set ${far}-b up`,
      `link set ${far} up`,
    ]);
    const cable = await Cable.lay({
      namespace: this.#lan,
      inside: plug.port,
      outside: far,
      directory: machine.directory,
    });
    this.#cables.push(cable);
    return cable;
  }

  /** Ends what runs on the machines and removes all of it. Safe to call twice. */
  async close(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.endAll()));
    await Promise.all(this.#cables.splice(0).map((cable) => cable.remove()));
    for (const machine of this.#machines.splice(0)) await must("ip", ["netns", "delete", machine.namespace]);
    await run("ip", ["netns", "delete", this.#lan]);
    await rm(this.directory, { recursive: true, force: true });
  }

  get #lan(): string {
    return `${this.name}.lan`;
  }
}

/** A network namespace that stands for a computer: its underlay device is called `net`. */
export class Machine {
  readonly name: string;
  readonly namespace: string;
  readonly directory: string;
  /** Underlay addresses without the prefix length. */
  readonly addresses: readonly string[];
  readonly #daemons: Daemon[] = [];

  constructor(network: TestNetwork, name: string, addresses: readonly string[]) {
    this.name = name;
    this.namespace = `${network.name}.${name}`;
    this.directory = join(network.directory, name);
    this.addresses = addresses.map((address) => address.replace(/\/.*/, ""));
  }

  run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run("nsenter", this.#enter(command, args), options);
  }

  must(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return must("nsenter", this.#enter(command, args), options);
  }

  /** Starts a long-running program; its output goes to `<label>.log` in the machine's directory. */
  start(label: string, command: string, args: readonly string[]): Daemon {
    // What a daemon keeps for its next start goes with the machine.
    const ours = ["env", `STATE_DIRECTORY=${this.directory}`, command] as const;
    const daemon = Daemon.start(
      label,
      "nsenter",
      this.#enter(ours[0], [...ours.slice(1), ...args]),
      join(this.directory, `${label}.log`),
    );
    this.#daemons.push(daemon);
    return daemon;
  }

  /** The names of the network devices, `lo` and the underlay device left out. */
  async devices(): Promise<readonly string[]> {
    const links: readonly { ifname: string }[] = JSON.parse(await this.must("ip", ["-json", "link", "show"]));
    return links.map((link) => link.ifname).filter((name) => name !== "lo" && name !== "net");
  }

  /** All routes of both families as `ip` prints them. */
  async routes(): Promise<string> {
    return `${await this.must("ip", ["-4", "route", "show", "table", "all"])}${await this.must("ip", ["-6", "route", "show", "table", "all"])}`;
  }

  /** Whether a UDP port is bound by anybody on this machine. */
  async hasUdpPort(port: number): Promise<boolean> {
    return (await this.netTables("udp", "udp6")).includes(`:${hexPort(port)} `);
  }

  /** Whether anybody on this machine listens on a TCP port. */
  async hasTcpListener(port: number): Promise<boolean> {
    return new RegExp(`:${hexPort(port)} [0-9A-F]+:0000 0A `).test(await this.netTables("tcp", "tcp6"));
  }

  /** Files of /proc/net as this machine has them. Whoever waits looks fifty times a second: a daemon of the machine lends its eyes, where one runs, and no process is started. */
  async netTables(...names: readonly string[]): Promise<string> {
    const namespace = `net:[${statSync(`/run/netns/${this.namespace}`).ino}]`;
    for (const daemon of this.#daemons) {
      if (!daemon.running) continue;
      try {
        const own = `/proc/${daemon.pid}`;
        // Until it has entered the machine it sees the lab's own.
        if (readlinkSync(`${own}/ns/net`) !== namespace) continue;
        return names.map((name) => readFileSync(`${own}/net/${name}`, "utf8")).join("");
      } catch {
        // It ended meanwhile.
      }
    }
    return this.must(
      "cat",
      names.map((name) => `/proc/net/${name}`),
    );
  }

  /** The processes that live in this machine's network namespace. */
  async processes(): Promise<readonly number[]> {
    return (await must("ip", ["netns", "pids", this.namespace])).split("\n").filter(Boolean).map(Number);
  }

  /** Kills every process of the machine, also the ones that a daemon left behind. */
  async endAll(): Promise<void> {
    for (const pid of await this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself in the meantime.
      }
    }
    await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.exited));
  }

  #enter(command: string, args: readonly string[]): string[] {
    return [`--net=/run/netns/${this.namespace}`, "--", command, ...args];
  }
}

/** A port as /proc/net writes it. */
function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

function bringUp(machine: Machine, device: string, addresses: readonly string[]): Promise<string> {
  return batch(machine.namespace, [
    ...addresses.map((address) => `address add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`),
    // Without a link-local address: it appears a second later, when duplicate address detection is through, and looks like a leftover.
    `link set ${device} addrgenmode none`,
    `link set ${device} up`,
  ]);
}

function batch(namespace: string, lines: readonly string[]): Promise<string> {
  return must("ip", ["-netns", namespace, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

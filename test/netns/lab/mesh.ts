import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Authority, CertificateVersion } from "./certificates.ts";
import type { CommandResult } from "./command.ts";
import type { Daemon, Exit } from "./daemon.ts";
import { DEVICE, formatHostConfig, type HostConfig, PORT } from "./host-config.ts";
import type { Implementation } from "./implementation.ts";
import { NatRouter } from "./nat/nat-router.ts";
import type { NatKind } from "./nat/recipe.ts";
import { type Machine, TestNetwork } from "./network.ts";
import { inspectProcess, isCalled, type ProcessFacts } from "./process.ts";

/** One host of a mesh that is to be built. The first of the list is the lighthouse. */
export interface HostPlan {
  readonly name: string;
  readonly implementation: Implementation;
  readonly versions?: readonly CertificateVersion[];
  readonly groups?: readonly string[];
  /** Its overlay addresses with their prefix lengths, in place of the usual ones. */
  readonly overlay?: readonly string[];
  /** Networks behind it. */
  readonly unsafe?: readonly string[];
  /** The router whose segment it is on; without one it is on the public segment. */
  readonly behind?: string;
  /** What differs from the usual configuration. */
  readonly config?: Partial<HostConfig>;
}

/** A router with a translator in it, on the public segment or on that of one that was named before it. */
export interface RouterPlan {
  readonly name: string;
  readonly nat: NatKind;
  readonly guard?: boolean;
  readonly behind?: string;
}

export interface MeshPlan {
  readonly cipher?: "aes" | "chachapoly";
  readonly authority: Authority;
  /** With v2 certificates every host also has an IPv6 overlay address. */
  readonly versions: readonly CertificateVersion[];
  readonly hosts: readonly [HostPlan, ...HostPlan[]];
  readonly routers?: readonly RouterPlan[];
}

/** A mesh on a network of its own: machines, certificates and configuration are made, nothing runs yet. */
export class Mesh {
  readonly network: TestNetwork;
  readonly #hosts: ReadonlyMap<string, MeshHost>;
  readonly #routers: ReadonlyMap<string, NatRouter>;

  private constructor(
    network: TestNetwork,
    hosts: ReadonlyMap<string, MeshHost>,
    routers: ReadonlyMap<string, NatRouter>,
  ) {
    this.network = network;
    this.#hosts = hosts;
    this.#routers = routers;
  }

  /**
   * Host number n has the underlay address 192.0.2.n and the overlay addresses 10.77.0.n and fd77::n, n from 1. Router number r is 192.0.2.(100+r), with
   * the segment 10.r.0.0/24 behind it, where host number n is 10.r.0.n and router number s 10.r.0.(100+s).
   */
  static async create(name: string, plan: MeshPlan): Promise<Mesh> {
    const network = await TestNetwork.open(name);
    try {
      const routers = new Map<string, NatRouter>();
      for (const [index, router] of (plan.routers ?? []).entries()) {
        routers.set(router.name, await buildRouter(network, router, index + 1, routers));
      }
      const hosts = new Map<string, MeshHost>();
      for (const [index, host] of plan.hosts.entries()) {
        hosts.set(host.name, await buildHost(network, plan, host, index + 1, routers));
      }
      return new Mesh(network, hosts, routers);
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  get hosts(): MeshHost[] {
    return [...this.#hosts.values()];
  }

  host(name: string): MeshHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`no host ${name} in this mesh`);
    return host;
  }

  router(name: string): NatRouter {
    return routerNamed(this.#routers, name);
  }

  async startAll(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.start()));
  }

  close(): Promise<void> {
    return this.network.close();
  }
}

/** A machine with an identity and a configuration, and the daemon on it once started. */
export class MeshHost {
  readonly name: string;
  readonly machine: Machine;
  /** Empty where it has none. */
  readonly overlay4: string;
  readonly overlay6: string | undefined;
  readonly configPath: string;
  readonly config: HostConfig;
  #implementation: Implementation;
  #daemon: Daemon | undefined;
  #port: number;
  #boundAt = 0;

  constructor(
    machine: Machine,
    implementation: Implementation,
    config: HostConfig,
    overlay: { readonly v4: string; readonly v6: string | undefined },
  ) {
    this.name = machine.name;
    this.machine = machine;
    this.#implementation = implementation;
    this.config = config;
    this.#port = config.port ?? PORT;
    this.configPath = join(machine.directory, "config.yml");
    this.overlay4 = overlay.v4;
    this.overlay6 = overlay.v6;
  }

  /** What it runs. */
  get implementation(): Implementation {
    return this.#implementation;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error(`${this.name} was not started`);
    return this.#daemon;
  }

  /** When the daemon was first seen to listen after its last start (Unix milliseconds). */
  get boundAt(): number {
    return this.#boundAt;
  }

  async configure(change: Partial<HostConfig> = {}): Promise<void> {
    this.#port = change.port ?? this.config.port ?? PORT;
    await writeFile(this.configPath, formatHostConfig({ ...this.config, ...change }));
  }

  /** Starts the daemon, perhaps another implementation from now on, and waits until its socket is bound and its device stands. */
  async start(implementation: Implementation = this.#implementation): Promise<Daemon> {
    this.#implementation = implementation;
    const [command, ...args] = implementation.daemon(this.configPath);
    const daemon = this.machine.start(`${this.name}-${implementation.name.split(" ")[0]}`, command, args);
    this.#daemon = daemon;
    await daemon.becomes("its UDP port is bound", () => this.machine.hasUdpPort(this.#port));
    this.#boundAt = Date.now();
    if (this.config.tun) await daemon.becomes("its device is up", () => this.#deviceIsUp());
    return daemon;
  }

  async stop(): Promise<Exit> {
    return this.daemon.stop();
  }

  /** The process id of the native data plane on this machine. */
  async dataPlane(): Promise<number | undefined> {
    return (await this.machine.processes()).find((pid) => isCalled(pid, "lacis-dataplane --socket"));
  }

  /** What /proc says about the daemon and its data plane, where it has one. */
  async inspect(): Promise<readonly ProcessFacts[]> {
    const dataPlane = await this.dataPlane();
    return [this.daemon.pid, ...(dataPlane === undefined ? [] : [dataPlane])].map(inspectProcess);
  }

  /** Kills everything on the machine without warning and starts the daemon again. */
  async crashAndRestart(): Promise<void> {
    await this.machine.endAll();
    await this.start();
  }

  /** Kills the daemon and what it started, but not the other programs on its machine. */
  async crashDaemon(): Promise<void> {
    await this.daemon.kill();
    const dataPlane = await this.dataPlane();
    if (dataPlane !== undefined) process.kill(dataPlane, "SIGKILL");
  }

  /** The same, and starts it again. */
  async crashAndRestartDaemon(): Promise<void> {
    await this.crashDaemon();
    await this.start();
  }

  async stopAndRestart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** How often a Lacis on it has told that it is ready: what its data plane kept open says nothing about a control plane that comes back. */
  get timesReady(): number {
    return this.daemon.log().split("code=ready").length - 1;
  }

  /** Pings until the first answer; the result's status is 0 when one came within the time. */
  ping(address: string, withinSeconds = 10): Promise<CommandResult> {
    return this.machine.run("ping", ["-n", "-c", "1", "-i", "0.2", "-w", String(withinSeconds), address]);
  }

  async #deviceIsUp(): Promise<boolean> {
    if (!(await this.machine.netTables("dev")).includes(`${DEVICE}:`)) return false;
    const shown = await this.machine.run("ip", ["-brief", "address", "show", "dev", DEVICE]);
    return shown.status === 0 && shown.stdout.includes(`${this.overlay4 || this.overlay6}/`);
  }
}

async function buildRouter(
  network: TestNetwork,
  { name, nat, guard, behind }: RouterPlan,
  number: number,
  routers: ReadonlyMap<string, NatRouter>,
): Promise<NatRouter> {
  const upstream = behind === undefined ? undefined : routerNamed(routers, behind);
  return NatRouter.add(network, {
    name,
    nat,
    ...(guard !== undefined && { guard }),
    ...(upstream && { upstream: { segment: upstream.name, gateway: upstream.gateway } }),
    wan: upstream ? upstream.place(100 + number) : `192.0.2.${100 + number}/24`,
    lan: `10.${number}.0.254/24`,
  });
}

function routerNamed(routers: ReadonlyMap<string, NatRouter>, name: string): NatRouter {
  const router = routers.get(name);
  if (router === undefined) throw new Error(`no router ${name} in this mesh`);
  return router;
}

async function placeHost(network: TestNetwork, name: string, number: number, router?: NatRouter): Promise<Machine> {
  if (!router) return network.machine(name, [`192.0.2.${number}/24`, `2001:db8::${number}/64`]);
  const machine = await network.machine(name, [router.place(number)], { segment: router.name });
  await machine.must("ip", ["route", "add", "default", "via", router.gateway]);
  return machine;
}

async function buildHost(
  network: TestNetwork,
  mesh: MeshPlan,
  plan: HostPlan,
  number: number,
  routers: ReadonlyMap<string, NatRouter>,
): Promise<MeshHost> {
  const router = plan.behind === undefined ? undefined : routerNamed(routers, plan.behind);
  const machine = await placeHost(network, plan.name, number, router);
  const versions = plan.versions ?? mesh.versions;
  const usual = [`10.77.0.${number}/24`, ...(versions.includes(2) ? [`fd77::${number}/64`] : [])];
  const overlay = plan.overlay ?? usual;
  const [v4, v6] = [false, true].map((six) => overlay.find((each) => each.includes(":") === six)?.replace(/\/.*/, ""));
  const subject = { name: plan.name, overlay, groups: plan.groups ?? [], ...(plan.unsafe && { unsafe: plan.unsafe }) };
  const directory = await mesh.authority.issue(subject, versions);
  const host = new MeshHost(
    machine,
    plan.implementation,
    {
      directory,
      cipher: mesh.cipher ?? "aes",
      lighthouse: number === 1 ? "self" : { overlay: "10.77.0.1", underlay: `192.0.2.1:${PORT}` },
      tun: number !== 1,
      ...plan.config,
    },
    { v4: v4 ?? "", v6 },
  );
  await host.configure();
  return host;
}

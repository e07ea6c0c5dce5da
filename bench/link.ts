import type { Authority } from "../test/netns/lab/certificates.ts";
import { LAB_TOOL } from "../test/netns/lab/implementation.ts";
import { type Machine, TestNetwork } from "../test/netns/lab/network.ts";
import { memoryBytes } from "../test/netns/lab/process.ts";
import { waitFor } from "../test/netns/lab/wait.ts";
import { type Engine, type Running, SERVER, type Setup } from "./engines/engine.ts";

/** How long the first packet may take to get through: a handshake may be repeated. */
const STANDS_WITHIN_MS = 20_000;

/** Two machines that an engine connects, its tunnel standing. */
export class Link implements AsyncDisposable {
  readonly server: Machine;
  readonly client: Machine;
  readonly authority: Authority;
  readonly serverAddress: string = SERVER;
  readonly #network: TestNetwork;
  #running: Running | undefined;
  readonly #engineProcesses: Map<Machine, readonly number[]> = new Map();

  private constructor(network: TestNetwork, server: Machine, client: Machine, authority: Authority) {
    this.#network = network;
    this.authority = authority;
    this.server = server;
    this.client = client;
  }

  static async open(label: string, engine: Engine, setup: Setup, authority: Authority): Promise<Link> {
    const network = await TestNetwork.open(label);
    try {
      const addresses = ["192.0.2.1/24", "192.0.2.2/24"] as const;
      const [server, client] = await network.couple(["server", "client"], addresses);
      const link = new Link(network, server, client, authority);
      link.#running = await engine.start({ server, client, authority }, setup);
      await waitFor(
        `a packet through ${engine.name}`,
        async () => (await client.run("ping", ["-n", "-c", "1", "-W", "1", SERVER])).status === 0,
        { withinMs: STANDS_WITHIN_MS },
      );
      for (const machine of [server, client]) link.#engineProcesses.set(machine, await machine.processes());
      return link;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network.close();
  }

  /** Has both hosts read their configuration again; undefined where the engine knows no such thing. */
  get reload(): (() => void) | undefined {
    return this.#running?.reload;
  }

  /** How many flows both hosts remember; undefined where the engine does not say. */
  async flows(): Promise<number | undefined> {
    return await this.#running?.flows?.();
  }

  /** Starts iperf3's server on a machine. */
  async listenToStreams(machine: Machine = this.server): Promise<void> {
    const daemon = machine.start("iperf3", "iperf3", ["-s"]);
    await daemon.becomes("it listens", () => machine.hasTcpListener(5201));
  }

  /** Runs iperf3 from the client to the server. */
  async streams(seconds: number, ...how: readonly string[]): Promise<StreamsReport> {
    const args = ["-c", SERVER, "-C", "cubic", "-t", String(seconds), ...how, "-J"];
    const report = await waitFor(
      "a server that has ended the streams before",
      async () => {
        const said = await this.client.must("iperf3", args, { timeoutMs: seconds * 1000 + 30_000 });
        const told: { readonly end: StreamsReport; readonly error?: string } = JSON.parse(said);
        if (told.error?.includes("busy")) return undefined;
        // It ends with status 0 all the same.
        if (told.error !== undefined) throw new Error(`iperf3 ${args.join(" ")}: ${told.error}`);
        return told;
      },
      { withinMs: 5_000, everyMs: 100 },
    );
    return report.end;
  }

  /** Starts a serving verb of the lab's tool on the server. */
  async serve(verb: "sink" | "echo" | "greet", port: number, ...more: readonly number[]): Promise<void> {
    const daemon = this.server.start(verb, LAB_TOOL, [verb, port, ...more].map(String));
    await daemon.becomes("it listens", () =>
      verb === "greet" ? this.server.hasTcpListener(port) : this.server.hasUdpPort(port),
    );
  }

  /** Runs a measuring verb of the lab's tool from the client to the server. */
  async ask<Report>(verb: string, port: number, ...more: readonly (string | number)[]): Promise<Report> {
    const args = [verb, SERVER, port, ...more].map(String);
    return JSON.parse(await this.client.must(LAB_TOOL, args, { timeoutMs: 120_000 }));
  }

  /** Memory of one host, all processes of the engine together; of several the mean. */
  memory(hosts: readonly Machine[] = [this.server, this.client]): {
    readonly residentMb: number;
    readonly anonymousMb: number;
  } {
    const processes = hosts.flatMap((host) => this.#engineProcesses.get(host) ?? []);
    const mean = (field: "VmRSS" | "RssAnon"): number =>
      processes.reduce((sum, pid) => sum + memoryBytes(pid, field), 0) / hosts.length;
    return { residentMb: mean("VmRSS") / 1e6, anonymousMb: mean("RssAnon") / 1e6 };
  }
}

/** What iperf3 tells at the end. */
export interface StreamsReport {
  readonly sum_received: { readonly bits_per_second: number; readonly bytes: number };
  /** With `--bidir`: the other way. */
  readonly sum_received_bidir_reverse?: { readonly bits_per_second: number; readonly bytes: number };
}

import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../../../core/config/settings.ts";
import { familyOf } from "../../../core/netip/address.ts";
import { endpoint, endpointPort } from "../../../core/netip/endpoint.ts";
import type { OperatorEvent } from "../../../core/operator/event.ts";
import type { Confinement } from "../../confinement.ts";
import { listenAddress } from "../../listen-address.ts";
import { OperatorError } from "../../operator-error.ts";
import { afterRunning, runningTime } from "../../running-time.ts";
import type { StateDirectory } from "../../state/state-directory.ts";
import type { CipherLibrary, ReadyReport, ResultValue } from "../contract/codec.ts";
import type { Survivors } from "../data-plane.ts";
import { differences, isFresh, USER_SPACE_DEVICE } from "./adoption.ts";
import { CONFINE, HAND_OVER, QUEUES } from "./capabilities.ts";
import { isSpoken, spokenByIt, spokenHere } from "./contract-versions.ts";
import { type DeviceRequest, refusedDevice, silentDataPlane, wrongContract } from "./device-complaint.ts";
import { ConnectionLost, DataPlaneRefusal, NativeConnection } from "./native-connection.ts";
import {
  DataPlaneProcess,
  dataPlanePid,
  findDataPlaneBinary,
  killDataPlane,
  programDigest,
  shortDigest,
} from "./native-process.ts";
import { otherDevices, rememberDevices } from "./opened-devices.ts";

/** How long a data plane may take from its start until it listens. */
const LISTEN_MS = 3_000;
const LISTEN_POLL_MS = 5;

/** How long a data plane may take for its farewells before it is ended without them. */
const FAREWELL_MS = 1_000;

/** How long one data plane may take to take over from another. */
const HAND_OVER_MS = 6_000;

interface Running {
  readonly connection: NativeConnection;
  readonly ready: ReadyReport;
}

/** A native data plane that forwards. */
export interface StartedDataPlane {
  readonly connection: NativeConnection;
  /** Undefined when it ran before. */
  readonly process: DataPlaneProcess | undefined;
  /** Whether its devices were open already. */
  readonly adopted: boolean;
  readonly build: string;
  readonly program: string | undefined;
  readonly startedAt: number | undefined;
  readonly contract: number;
  readonly capabilities: readonly string[];
  readonly ciphers: readonly CipherLibrary[];
  readonly pid: number | undefined;
  readonly confinement: Confinement | undefined;
  readonly device: string | undefined;
  readonly port: number;
  readonly survivors: Survivors;
}

/**
 * The way to a data plane that forwards: the one that runs in this state directory when its devices are those of the settings, else a new
 * one with its devices opened. Fails with an OperatorError and leaves none behind.
 */
export class NativeStart {
  readonly #settings: Settings;
  readonly #state: StateDirectory;
  readonly #tell: (event: OperatorEvent) => void;
  #connection: NativeConnection | undefined;
  #process: DataPlaneProcess | undefined;
  #cancelled = false;

  constructor(settings: Settings, state: StateDirectory, tell: (event: OperatorEvent) => void) {
    this.#settings = settings;
    this.#state = state;
    this.#tell = tell;
  }

  async run(): Promise<StartedDataPlane> {
    try {
      return await this.#run();
    } catch (error) {
      const why = this.#process?.ended;
      const listening = error instanceof ConnectionLost ? undefined : this.#connection;
      if (!(listening && (await farewell(listening)))) {
        // By its number: one that is still being loaded is not known by its command line.
        this.#process?.kill();
        killDataPlane(this.#state);
      }
      if (!(error instanceof ConnectionLost)) throw error;
      throw silentDataPlane(findDataPlaneBinary(), why ?? error.message);
    }
  }

  /** Lets `run` fail soon. */
  cancel(): void {
    this.#cancelled = true;
    this.#connection?.close();
  }

  async #run(): Promise<StartedDataPlane> {
    const { connection, ready } = (await this.#takeOver()) ?? (await this.#spawn());
    const { tun, udp, sessions, relays } = ready.snapshot;
    const devices = udp
      ? { device: tun?.name, port: endpointPort(udp) }
      : await this.#openDevices(connection, ready.capabilities);
    const { build, contractVersion: contract, capabilities, ciphers } = ready;
    const program = ready.program === "" ? undefined : ready.program;
    const startedAt = ready.ageMs === 0 ? undefined : Date.now() - ready.ageMs;
    // Nothing is opened any more. One that ran before may have been confined already, and then says the same again.
    const confinement = capabilities.includes(CONFINE) ? await confined(connection) : undefined;
    const pid = dataPlanePid(this.#state);
    const about = {
      adopted: udp !== undefined,
      build,
      program,
      startedAt,
      contract,
      capabilities,
      ciphers,
      pid,
      confinement,
    };
    const process = this.#process;
    const survivors = { sessions, relays, ranBefore: process === undefined };
    return { connection, process, survivors, ...about, ...devices };
  }

  /** The data plane that runs here, if it can be used; otherwise it is asked to end. */
  async #takeOver(): Promise<Running | undefined> {
    const running = await this.#running();
    if (!running) return undefined;
    const { connection, ready } = running;
    const unfit = this.#unfit(ready);
    if (unfit.length === 0) return this.#upgraded(connection, ready);
    this.#tell({ code: "data-plane-replaced", differs: unfit });
    if (!(await farewell(connection))) killDataPlane(this.#state);
    return undefined;
  }

  /**
   * The program that is here now in place of the one that runs, if that is another one: it takes over devices, sessions and flows, and no packet is lost.
   * Where it does not, the older one goes on.
   */
  async #upgraded(connection: NativeConnection, ready: ReadyReport): Promise<Running | undefined> {
    const binary = otherProgram(ready);
    if (binary === undefined) return { connection, ready };
    const begun = runningTime();
    connection.close();
    const { dataPlaneSocket } = this.#state;
    const older = identityOf(dataPlaneSocket);
    const newer = new DataPlaneProcess(binary, this.#state, { takesOver: true });
    const giveUpAt = begun + HAND_OVER_MS;
    while (newer.ended === undefined && runningTime() < giveUpAt && !this.#cancelled) {
      const now = identityOf(dataPlaneSocket);
      if (now !== undefined && now !== older) break;
      await sleep(LISTEN_POLL_MS);
    }
    const running = await this.#running();
    if (running && running.ready.program !== ready.program) {
      newer.claim();
      this.#process = newer;
      const tookMs = Math.round(runningTime() - begun);
      this.#tell({ code: "data-plane-upgraded", before: nameOf(ready), after: nameOf(running.ready), tookMs });
      return running;
    }
    newer.kill();
    this.#tell({ code: "data-plane-kept", why: newer.ended ?? `it did not take over within ${HAND_OVER_MS / 1000} s` });
    return running;
  }

  async #running(): Promise<Running | undefined> {
    const connection = await this.#connect();
    return connection && { connection, ready: await connection.hello() };
  }

  #unfit(ready: ReadyReport): readonly string[] {
    if (!isSpoken(ready)) return [`it speaks ${spokenByIt(ready)}, and this lacis ${spokenHere()}`];
    const { snapshot } = ready;
    if (isFresh(snapshot)) return [];
    return [...differences(snapshot, this.#settings), ...otherDevices(this.#state, this.#settings.boot)];
  }

  async #spawn(): Promise<Running> {
    const binary = findDataPlaneBinary();
    const started = new DataPlaneProcess(binary, this.#state);
    this.#process = started;
    const giveUpAt = runningTime() + LISTEN_MS;
    while (started.ended === undefined && runningTime() < giveUpAt && !this.#cancelled) {
      const connection = await this.#connect();
      if (!connection) {
        await sleep(LISTEN_POLL_MS);
        continue;
      }
      const ready = await connection.hello();
      if (isSpoken(ready)) return { connection, ready };
      throw wrongContract(binary, spokenByIt(ready), spokenHere());
    }
    throw silentDataPlane(binary, started.ended ?? `it did not listen within ${LISTEN_MS / 1000} s`);
  }

  async #connect(): Promise<NativeConnection | undefined> {
    try {
      this.#connection = await NativeConnection.open(this.#state.dataPlaneSocket);
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      // No socket, or nobody behind it: nothing runs here.
      this.#connection = undefined;
    }
    return this.#connection;
  }

  /** The socket first: a port that is taken is found before a device exists. */
  async #openDevices(
    connection: NativeConnection,
    capabilities: readonly string[],
  ): Promise<{ device: string | undefined; port: number }> {
    const { listen, tun, queues } = this.#settings.boot;
    rememberDevices(this.#state, this.#settings.boot);
    const pairs = capabilities.includes(QUEUES) ? queues.pairs : 1;
    if (pairs < queues.pairs) this.#tell({ code: "data-plane-lacks", capability: QUEUES, key: "routines" });
    const { host, port, readBufferBytes, writeBufferBytes, batch, soMark } = listen;
    const buffers = { readBufferBytes, writeBufferBytes, batch };
    const opened = await refusable(
      connection.ask({
        kind: "open-udp",
        bind: endpoint(listenAddress(host), port),
        ...buffers,
        mark: soMark,
        queues: pairs,
        offloads: queues.udpOffloads,
      }),
      { device: "udp", port },
    );
    const bound = opened?.kind === "udp-opened" ? endpointPort(opened.bound) : port;
    if (tun.disabled) return { device: undefined, port: bound };
    const { txQueue } = tun;
    const name = tun.inUserSpace ? USER_SPACE_DEVICE : tun.device;
    const { identity, tun: live } = this.#settings.live;
    const { mtu } = live;
    const addresses = identity.credential.networks;
    const { pinned, cpus } = queues.threads;
    const threads = { pinned, cpus, seed: this.#seedOfThreads(bound) };
    const offloads = queues.tunOffloads;
    const made = await refusable(
      connection.ask({
        kind: "open-tun",
        name,
        mtu,
        txQueue,
        addresses,
        queues: tun.inUserSpace ? 1 : pairs,
        offloads,
        threads,
        streamsSocket: tun.inUserSpace ? this.#state.streamsSocket : undefined,
      }),
      { device: "tun", name, ipv6: addresses.some(({ address }) => familyOf(address) === 6) },
    );
    return { device: made?.kind === "tun-opened" ? made.name : name, port: bound };
  }

  /** Without a wish, the port where it is fixed: it stays the same over restarts, and two hosts on one machine have two. */
  #seedOfThreads(bound: number): number {
    const { listen, queues } = this.#settings.boot;
    const { seed } = queues.threads;
    return seed === "pid" || (seed === "" && listen.port === 0) ? process.pid : bound;
  }
}

/** The program of this installation, when the one that runs is another one and can be replaced without loss. */
function otherProgram({ program, capabilities, snapshot }: ReadyReport): string | undefined {
  if (program === "" || !capabilities.includes(HAND_OVER) || isFresh(snapshot)) return undefined;
  try {
    const binary = findDataPlaneBinary();
    return programDigest(binary) === program ? undefined : binary;
  } catch {
    // Without a program here the one that runs is all there is.
    return undefined;
  }
}

function nameOf({ build, program }: ReadyReport): string {
  return `${build} (${shortDigest(program)})`;
}

/** Another one for each socket that is made there. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.ctimeNs}`;
}

/** Asks a data plane to close its sessions and end; false when it did not in time. */
export async function farewell(connection: NativeConnection): Promise<boolean> {
  const inTime = new Promise<boolean>((resolve) => {
    const tooLate = afterRunning(FAREWELL_MS, () => resolve(false));
    const lost = (): void => {
      tooLate();
      resolve(true);
    };
    connection.listen({ event: () => {}, tell: () => {}, lost });
  });
  connection.ask({ kind: "shutdown", sendClose: true }).catch(() => {});
  const isGone = await inTime;
  connection.close();
  return isGone;
}

/** Ends the data plane that a killed control plane of other settings may have left here. */
export async function endOrphan(state: StateDirectory): Promise<void> {
  const orphan = await NativeConnection.open(state.dataPlaneSocket).catch(() => undefined);
  if (!orphan) return;
  // Whatever it says: it is asked to end.
  await orphan.hello().catch(() => undefined);
  if (!(await farewell(orphan))) killDataPlane(state);
}

/** A data plane that cannot is used all the same, and `lacis status --verbose` says why it could not. */
async function confined(connection: NativeConnection): Promise<Confinement> {
  try {
    const answer = await connection.ask({ kind: "confine" });
    if (answer?.kind !== "confinement") return unconfined("it did not say what it has given up");
    const { holds, lacking, systemCalls } = answer;
    return { holds, lacking, systemCalls };
  } catch (error) {
    if (!(error instanceof DataPlaneRefusal)) throw error;
    return unconfined(error.message);
  }
}

function unconfined(why: string): Confinement {
  return { holds: [], lacking: [{ measure: CONFINE, why }], systemCalls: undefined };
}

async function refusable(
  answer: Promise<ResultValue | undefined>,
  about: DeviceRequest,
): Promise<ResultValue | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof DataPlaneRefusal)) throw error;
    throw refusedDevice(findDataPlaneBinary(), about, { code: error.code, error: error.message });
  }
}

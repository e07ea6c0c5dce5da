import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../core/config/settings.ts";
import { CONTRACT_VERSION, type DataPlaneCommand, type TunnelSnapshot } from "../core/dataplane/contract.ts";
import { endpoint, endpointPort } from "../core/netip/endpoint.ts";
import type { Notice } from "../core/notice.ts";
import { differences, isFresh } from "./adoption.ts";
import type { ReadyReport } from "./contract-codec.ts";
import type { DataPlane, DataPlaneDescription, DataPlaneListener } from "./data-plane.ts";
import { type DeviceRequest, refusedDevice, silentDataPlane, wrongContract } from "./device-complaint.ts";
import { ConnectionLost, DataPlaneRefusal, NativeConnection } from "./native-connection.ts";
import { DataPlaneProcess, findDataPlaneBinary, killDataPlane } from "./native-process.ts";
import type { StateDirectory } from "./state-directory.ts";

/** How long a data plane may take from its start until it listens. */
const LISTEN_MS = 3_000;
const LISTEN_POLL_MS = 5;

/** Pause before a data plane that died is started again; doubles with each failure. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 5_000;
/** One that has run for so long did not die of its start: the next pause is the short one again. */
const STEADY_MS = 10_000;

/** How long a data plane may take for its farewells before it is ended without them. */
const FAREWELL_MS = 1_000;

/**
 * `lacis-dataplane`, a process of its own. It is started when none runs for this state directory, taken over when one does and its devices
 * are those of the settings, and replaced when they are not. Its death shows in the socket that closes; it is then started again, for ever.
 */
export class NativeDataPlane implements DataPlane {
  readonly #settings: Settings;
  readonly #state: StateDirectory;
  #listener: DataPlaneListener | undefined;
  #connection: NativeConnection | undefined;
  #process: DataPlaneProcess | undefined;
  #description: DataPlaneDescription = {
    kind: "native",
    state: "starting",
    build: undefined,
    device: undefined,
    port: 0,
    adopted: false,
    restarts: 0,
    lastError: undefined,
  };
  #upSince = 0;
  #pauseMs = RESTART_MS;
  #restart: NodeJS.Timeout | undefined;

  constructor(settings: Settings, state: StateDirectory) {
    this.#settings = settings;
    this.#state = state;
  }

  async start(listener: DataPlaneListener): Promise<void> {
    this.#listener = listener;
    try {
      await this.#bringUp();
    } catch (error) {
      const why = this.#process?.ended;
      // One that was started for nothing must not stay behind.
      await this.stop();
      if (!(error instanceof ConnectionLost)) throw error;
      throw silentDataPlane(findDataPlaneBinary(), why ?? error.message);
    }
  }

  command(command: DataPlaneCommand): void {
    if (this.#description.state === "up") this.#connection?.command(command);
  }

  describe(): DataPlaneDescription {
    return this.#description;
  }

  async stop(): Promise<void> {
    this.#description = { ...this.#description, state: "stopped" };
    clearTimeout(this.#restart);
    if (!(this.#connection && (await farewell(this.#connection)))) killDataPlane(this.#state);
    this.#connection = undefined;
  }

  /** From nothing to forwarding. */
  async #bringUp(): Promise<void> {
    let ready = await this.#attach();
    const reopened = isFresh(ready.snapshot) ? [] : differences(ready.snapshot, this.#settings);
    if (this.#connection && reopened.length > 0) {
      this.#listener?.notice(replacing(reopened));
      await farewell(this.#connection);
      ready = await this.#attach();
    }
    const { tun, udp, tunnels } = ready.snapshot;
    const adopted = udp !== undefined;
    const devices = adopted ? { device: tun?.name, port: endpointPort(udp) } : await this.#openDevices();
    this.#description = {
      ...this.#description,
      ...devices,
      state: "up",
      build: ready.build,
      adopted,
      lastError: undefined,
    };
    this.#upSince = performance.now();
    this.#announce(devices.port, tunnels);
  }

  /** Connects to the data plane that runs here, or starts one, and introduces itself. One of another release is replaced. */
  async #attach(): Promise<ReadyReport> {
    const running = await this.#connect();
    if (running) {
      this.#connection = running;
      const ready = await running.hello();
      if (ready.contractVersion === CONTRACT_VERSION) return ready;
      this.#listener?.notice(replacing(["contract version"]));
      await farewell(running);
    }
    this.#connection = await this.#spawn();
    const ready = await this.#connection.hello();
    if (ready.contractVersion === CONTRACT_VERSION) return ready;
    throw wrongContract(findDataPlaneBinary(), ready.contractVersion, CONTRACT_VERSION);
  }

  async #connect(): Promise<NativeConnection | undefined> {
    try {
      return await NativeConnection.open(this.#state.dataPlaneSocket);
    } catch {
      // No socket, or nobody behind it: nothing runs here.
      return undefined;
    }
  }

  async #spawn(): Promise<NativeConnection> {
    const binary = findDataPlaneBinary();
    const started = new DataPlaneProcess(binary, this.#state);
    this.#process = started;
    const giveUpAt = performance.now() + LISTEN_MS;
    while (started.ended === undefined && performance.now() < giveUpAt) {
      const connection = await this.#connect();
      if (connection) return connection;
      await sleep(LISTEN_POLL_MS);
    }
    const why = started.ended ?? `it did not listen within ${LISTEN_MS / 1000} s`;
    killDataPlane(this.#state);
    throw silentDataPlane(binary, why);
  }

  /** The socket first: a port that is taken is found before a device exists. */
  async #openDevices(): Promise<{ device: string | undefined; port: number }> {
    const { listen, tun, identity } = this.#settings;
    const { host, port, readBufferBytes, writeBufferBytes, batch, soMark } = listen;
    const bind = endpoint(host, port);
    const about = { device: "udp", port } as const;
    const request = { kind: "open-udp", bind, readBufferBytes, writeBufferBytes, batch, mark: soMark } as const;
    const opened = await this.#open(about, (connection) => connection.ask(request));
    const bound = opened?.kind === "udp-opened" ? endpointPort(opened.bound) : port;
    if (tun.disabled) return { device: undefined, port: bound };
    const { device: name, mtu, txQueue } = tun;
    const addresses = identity.credential.networks;
    const made = await this.#open({ device: "tun", name }, (connection) =>
      connection.ask({ kind: "open-tun", name, mtu, txQueue, addresses }),
    );
    return { device: made?.kind === "tun-opened" ? made.name : name, port: bound };
  }

  async #open<Value>(
    about: DeviceRequest,
    ask: (connection: NativeConnection) => Promise<Value>,
  ): Promise<Value | undefined> {
    try {
      return this.#connection && (await ask(this.#connection));
    } catch (error) {
      if (!(error instanceof DataPlaneRefusal)) throw error;
      throw refusedDevice(findDataPlaneBinary(), about, { code: error.code, error: error.message });
    }
  }

  /** Tells the node; then come the events, those first that came while the devices were opened. */
  #announce(port: number, tunnels: readonly TunnelSnapshot[]): void {
    const listener = this.#listener;
    if (!listener) return;
    listener.up(port, tunnels);
    this.#connection?.listen({
      event: (event) => listener.event(event),
      notice: (notice) => listener.notice(notice),
      lost: (reason) => this.#died(reason),
    });
  }

  #died(reason: string): void {
    if (this.#description.state === "stopped") return;
    if (this.#connection?.frozen) killDataPlane(this.#state);
    const why = this.#process?.ended ?? reason;
    const restarts = this.#description.restarts + 1;
    this.#description = { ...this.#description, state: "starting", restarts, lastError: why };
    this.#listener?.notice({
      level: "error",
      code: "data-plane-lost",
      text: "the data plane ended by itself",
      fields: { why },
    });
    this.#listener?.down();
    if (performance.now() - this.#upSince >= STEADY_MS) this.#pauseMs = RESTART_MS;
    this.#restartLater();
  }

  #restartLater(): void {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, RESTART_MS_MAX);
    this.#restart = setTimeout(() => void this.#restartNow(), pauseMs);
  }

  async #restartNow(): Promise<void> {
    try {
      await this.#bringUp();
      const { device, port } = this.#description;
      const fields = { device: device ?? "none", port };
      this.#listener?.notice({ level: "info", code: "data-plane-up", text: "the data plane runs again", fields });
    } catch (error) {
      this.#connection?.close();
      killDataPlane(this.#state);
      const why = error instanceof Error ? error.message : String(error);
      this.#description = { ...this.#description, lastError: why };
      this.#listener?.notice({
        level: "error",
        code: "data-plane-failed",
        text: "the data plane could not be started",
        fields: { why },
      });
      if (this.#description.state !== "stopped") this.#restartLater();
    }
  }
}

/** Ends the data plane that a killed control plane of other settings may have left here. */
export async function endOrphan({ dataPlaneSocket }: StateDirectory): Promise<void> {
  const orphan = await NativeConnection.open(dataPlaneSocket).catch(() => undefined);
  if (!orphan) return;
  // Whatever it says: it is asked to end.
  await orphan.hello().catch(() => undefined);
  await farewell(orphan);
}

/** Asks a data plane to close its sessions and end; false when it did not in time. */
async function farewell(connection: NativeConnection): Promise<boolean> {
  const gone = new Promise<true>((resolve) => {
    connection.listen({ event: () => {}, notice: () => {}, lost: () => resolve(true) });
  });
  connection.ask({ kind: "shutdown", sendClose: true }).catch(() => {});
  return Promise.race([gone, sleep(FAREWELL_MS, false as const, { ref: false })]);
}

function replacing(keys: readonly string[]): Notice {
  return {
    level: "warn",
    code: "data-plane-replaced",
    text: "the running data plane is not the one that is wanted: starting another",
    fields: { differs: keys },
  };
}

import type { Settings } from "../../../core/config/settings.ts";
import type { DataPlaneCommand } from "../../../core/dataplane/contract.ts";
import type { IpAddress } from "../../../core/netip/address.ts";
import type { Ending } from "../../service.ts";
import type { StateDirectory } from "../../state/state-directory.ts";
import type { DataPlane, DataPlaneDescription, DataPlaneListener } from "../data-plane.ts";
import { killDataPlane } from "./native-process.ts";
import { farewell, NativeStart, type StartedDataPlane } from "./native-start.ts";

/** Pause before a data plane that died is started again; doubles with each failure. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 5_000;
/** One that has run for so long did not die of its start: the next pause is the short one again. */
const STEADY_MS = 10_000;

/**
 * `lacis-dataplane`, a process of its own, kept alive: its death shows in the connection that ends, and then it is started again, for
 * ever. How one comes to run: native-start.ts.
 */
export class NativeDataPlane implements DataPlane {
  readonly #settings: Settings;
  readonly #state: StateDirectory;
  #listener: DataPlaneListener = nobody;
  #starting: NativeStart | undefined;
  #started: StartedDataPlane | undefined;
  #description: DataPlaneDescription = {
    kind: "native",
    state: "starting",
    build: undefined,
    program: undefined,
    startedAt: undefined,
    contract: undefined,
    capabilities: [],
    ciphers: [],
    pid: undefined,
    confinement: undefined,
    device: undefined,
    port: 0,
    adopted: false,
    restarts: 0,
    lastError: undefined,
  };
  #upSince = 0;
  #pauseMs = RESTART_MS;
  #restart: NodeJS.Timeout | undefined;
  #replacing: Promise<void> | undefined;
  #stopped = false;

  constructor(settings: Settings, state: StateDirectory) {
    this.#settings = settings;
    this.#state = state;
  }

  async start(listener: DataPlaneListener): Promise<void> {
    this.#listener = listener;
    await this.#start();
  }

  command(command: DataPlaneCommand): void {
    this.#started?.connection.command(command);
  }

  describe(): DataPlaneDescription {
    return this.#description;
  }

  /** What it is asked changes nothing, and is answered by what carries out every other command. */
  async answers(): Promise<boolean> {
    const { connection } = this.#started ?? {};
    if (!connection) return false;
    return connection.ask({ kind: "drop-parked", destination: NOBODY }).then(
      () => true,
      () => false,
    );
  }

  /** One that has given up its powers cannot make another device: another process does. */
  renew(): void {
    const { device } = this.#description;
    const started = this.#started;
    if (!started || device === undefined) return;
    this.#listener.tell({ code: "device-gone", device });
    this.#replacing = this.#replace(started, `somebody has removed ${device}`);
  }

  async stop(ending: Ending = "asked"): Promise<void> {
    this.#stopped = true;
    this.#description = { ...this.#description, state: "stopped" };
    clearTimeout(this.#restart);
    // A start that is under way fails, and cleans up after itself.
    this.#starting?.cancel();
    const started = this.#started;
    this.#started = undefined;
    await this.#replacing;
    if (ending === "replaced") started?.connection.close();
    else if (started && !(await farewell(started.connection))) killDataPlane(this.#state);
  }

  async #start(): Promise<void> {
    this.#starting = new NativeStart(this.#settings, this.#state, (event) => this.#listener.tell(event));
    const started = await this.#starting.run().finally(() => {
      this.#starting = undefined;
    });
    if (this.#stopped) {
      await farewell(started.connection);
      return;
    }
    const { connection: _, process: _process, survivors: _survivors, ...known } = started;
    this.#description = { ...this.#description, state: "up", ...known, lastError: undefined };
    this.#started = started;
    this.#upSince = performance.now();
    this.#announce(started);
  }

  /** Tells the node; then come the events, those first that came while the devices were opened. */
  #announce({ connection, port, survivors }: StartedDataPlane): void {
    this.#listener.up(port, survivors);
    connection.listen({
      event: (event) => this.#listener.event(event),
      behind: (ms) => this.#listener.behind?.(ms),
      tell: (event) => {
        // Nothing will ever come through it again.
        if (event.code === "device-error") this.renew();
        else this.#listener.tell(event);
      },
      lost: (reason) => this.#died(reason),
    });
  }

  #died(reason: string): void {
    const { connection, process } = this.#started ?? {};
    if (connection?.frozen) killDataPlane(this.#state);
    const why = process?.ended ?? reason;
    this.#listener.tell({ code: "data-plane-lost", why });
    this.#isDown(why);
    this.#startLater();
  }

  async #replace({ connection }: StartedDataPlane, why: string): Promise<void> {
    this.#isDown(why);
    if (!(await farewell(connection))) killDataPlane(this.#state);
    if (!this.#stopped) this.#startLater();
  }

  #isDown(why: string): void {
    this.#started = undefined;
    const { restarts } = this.#description;
    this.#description = { ...this.#description, state: "starting", restarts: restarts + 1, lastError: why };
    this.#listener.down();
    if (performance.now() - this.#upSince >= STEADY_MS) this.#pauseMs = RESTART_MS;
  }

  #startLater(): void {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, RESTART_MS_MAX);
    this.#restart = setTimeout(() => void this.#startAgain(), pauseMs);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.#start();
      const { device, port } = this.#description;
      if (!this.#stopped) this.#listener.tell({ code: "data-plane-up", device, port });
    } catch (error) {
      if (this.#stopped) return;
      const why = error instanceof Error ? error.message : String(error);
      this.#description = { ...this.#description, lastError: why };
      this.#listener.tell({ code: "data-plane-failed", why });
      this.#startLater();
    }
  }
}

/** Nothing is ever parked for it. */
const NOBODY = "0.0.0.0" as IpAddress;

const nobody: DataPlaneListener = { up: () => {}, event: () => {}, down: () => {}, tell: () => {} };

import type { Settings } from "../../core/config/settings.ts";
import type { DataPlaneCommand, DataPlaneEvent, Relay, SessionSnapshot } from "../../core/dataplane/contract.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { Confinement } from "../confinement.ts";
import type { SocketBuffers } from "../platform/platform.ts";
import type { Ending } from "../service.ts";
import type { CipherLibrary } from "./contract/codec.ts";

/**
 * A data plane as the driver sees it: `native/native-data-plane.ts` (a process of its own, TUN and UDP) or `udp-data-plane.ts` (in this process, UDP
 * only). It keeps itself alive: after `start` it reports each death as `down` and each return as `up`.
 */
export interface DataPlane {
  /** Opens the devices, or takes over those of one that already runs. Resolves after the first `up`; rejects with an OperatorError. */
  start(listener: DataPlaneListener): Promise<void>;
  /** Lost without a word while the data plane is down: everything is said again after the next `up`. */
  command(command: DataPlaneCommand): void;
  describe(): DataPlaneDescription;
  /** Whether it runs and answers now; never rejects. */
  answers(): Promise<boolean>;
  /** Its device is gone: closes every session and starts anew with another, of the same name where it has one. Without a device nothing happens. */
  renew(): void;
  /** Closes every session, removes the device and ends. One with a process of its own goes on without us when we are replaced. */
  stop(ending?: Ending): Promise<void>;
}

/** What a data plane that went on running still holds. */
export interface Survivors {
  readonly sessions: readonly SessionSnapshot[];
  readonly relays: readonly Relay[];
  /** It has counted before this process came. */
  readonly ranBefore?: boolean;
  /** It ends with this process: nothing will survive. */
  readonly isShortLived?: boolean;
}

export interface DataPlaneListener {
  /** `udpPort`: the bound port. */
  up(udpPort: number, survivors: Survivors): void;
  event(event: DataPlaneEvent): void;
  /** From now on what it tells is heard so many milliseconds after it happened; 0: at once, as in the beginning. */
  behind?(ms: number): void;
  down(): void;
  tell(event: OperatorEvent): void;
}

/** What the native data plane asks for where the configuration does not say (native/dataplane, udp.rs). */
const NATIVE_READ_BUFFER_BYTES: number = 8 << 20;

/** The buffers of its socket, as it asks the system for them. It opens its socket with the right that the device needs, too. */
export function socketBuffers(plane: DataPlane, { boot: { listen } }: Settings): SocketBuffers {
  const forced = plane.describe().kind === "native";
  const { writeBufferBytes } = listen;
  const readBufferBytes = listen.readBufferBytes || (forced ? NATIVE_READ_BUFFER_BYTES : 0);
  return { readBufferBytes, writeBufferBytes, forced };
}

/** For `lacis status`. */
export interface DataPlaneDescription {
  readonly kind: "native" | "typescript";
  readonly state: "up" | "starting" | "stopped";
  /** Version it reports, undefined before it did. */
  readonly build: string | undefined;
  /** SHA-256 of the program that runs, in hexadecimal digits; undefined before it is known, for one that does not tell, and for one in this process. */
  readonly program: string | undefined;
  /** When its process was started (Unix milliseconds); undefined likewise. */
  readonly startedAt: number | undefined;
  /** Version of the contract in use, undefined before there is one. */
  readonly contract: number | undefined;
  /** What it can do beyond that, as it names it (SEMANTICS 13). */
  readonly capabilities: readonly string[];
  /** Whose code seals and opens, of each cipher; empty before it is known, and for one that does not tell. */
  readonly ciphers: readonly CipherLibrary[];
  /** Its process; undefined when it has none of its own, or none that is known. */
  readonly pid: number | undefined;
  /** What its process has given up; undefined before, and for one that cannot. */
  readonly confinement: Confinement | undefined;
  /** TUN device; undefined without one. */
  readonly device: string | undefined;
  /** Bound UDP port; 0 before. */
  readonly port: number;
  /** Whether it ran before this control plane did. */
  readonly adopted: boolean;
  /** Deaths since the control plane started. */
  readonly restarts: number;
  /** Why it is not up. */
  readonly lastError: string | undefined;
}

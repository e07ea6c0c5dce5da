import type { CarrierDescription } from "../runtime/carrier/carrier-service.ts";
import type { DataPlaneDescription } from "../runtime/dataplane/data-plane.ts";
import type { GuardDescription } from "../runtime/guard/guard.ts";
import type { ServiceStatus } from "../runtime/service.ts";
import type { ProcessReport } from "./process-report.ts";

/** Facts about the daemon that the node does not know. */
export interface DaemonFacts {
  readonly version: string;
  readonly pid: number;
  /** Whose code computes handshakes. */
  readonly handshakeLibrary: string;
  readonly config: string;
  readonly stateDirectory: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly dataPlane: DataPlaneDescription;
  readonly carriers: CarrierDescription;
  /** Undefined on a host without a device. */
  readonly guard: GuardDescription | undefined;
  /** Longest packet of the device. */
  readonly mtu: number;
  readonly services: readonly ServiceStatus[];
  readonly processes: readonly ProcessReport[];
  /** The last reload, when it was refused; undefined when it was taken or there was none. */
  readonly refusedReload: string | undefined;
  /** Changed in the file since the start, but only a restart applies them. */
  readonly needsRestart: readonly string[];
}

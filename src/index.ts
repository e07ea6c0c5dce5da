import { createLighthouse } from "../lighthouse/index.ts";
import { Daemon } from "./runtime/daemon.ts";
import { renewalServices } from "./runtime/renewal/renewal-service.ts";
import type { Service } from "./runtime/service.ts";

// Lacis as a library: run a host of the mesh in this process, or use the pure core on its own.

export interface OpenOptions {
  /** Configuration file or folder. */
  readonly config: string;
  /** Folder for lock and sockets; otherwise it follows from the configuration's path. */
  readonly stateDirectory?: string;
  /** Services of yours: started when the host runs, stopped before it does, asked with every reload. */
  readonly services?: (daemon: Daemon) => readonly Service[];
}

/**
 * Starts a host: reads the configuration, takes the lock, starts the data plane or takes over the one that runs, and resolves once packets
 * can move. Rejects with an `OperatorError` that says what to do. The caller ends it with `stop`.
 *
 * ```ts
 * import { openNode } from "lacis";
 *
 * const node = await openNode({ config: "/etc/lacis/config.yml" });
 * const answer = await node.ping({ by: "name", name: "server" }, 5_000);
 * await node.stop();
 * ```
 */
export async function openNode({ config, stateDirectory, services }: OpenOptions): Promise<Daemon> {
  return Daemon.start({
    config,
    stateDirectory,
    services: (daemon) => [...renewalServices(daemon), ...(services?.(daemon) ?? [])],
    lighthouse: (settings) => createLighthouse({ ownNetworks: settings.live.identity.credential.networks }),
  });
}

export { createLighthouse } from "../lighthouse/index.ts";
export type { Settings } from "./core/config/settings.ts";
export type { LighthouseService } from "./core/discovery/service.ts";
export type { Deadline, Input, NodeStatus, Output, PeerStatus, PingResult, PingTarget } from "./core/io.ts";
export { Node } from "./core/node.ts";
export type { Notice } from "./core/notice.ts";
export type { EventCode, EventOf, OperatorEvent } from "./core/operator/event.ts";
export { render } from "./core/operator/render.ts";
export { checkConfig, type LoadedSettings, loadSettings } from "./runtime/config/config-file.ts";
export type { ReloadOutcome } from "./runtime/config/running-config.ts";
export { Daemon } from "./runtime/daemon.ts";
export { nodeSuite, osEntropy } from "./runtime/node-crypto.ts";
export { ExitCode, OperatorError } from "./runtime/operator-error.ts";
export type { Health, Service } from "./runtime/service.ts";

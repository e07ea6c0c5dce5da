import type { Confinement } from "../runtime/confinement.ts";
import { daemonSuite } from "../runtime/crypto/daemon-suite.ts";
import type { Daemon } from "../runtime/daemon.ts";
import { packageVersion } from "../runtime/package-root.ts";
import type { DaemonFacts } from "./daemon-facts.ts";
import { processReports } from "./process-report.ts";

/** `confinement`: what this process has given up. */
export function factsOf(daemon: Daemon, confinement: Confinement | undefined): DaemonFacts {
  return {
    version: packageVersion(),
    pid: process.pid,
    handshakeLibrary: daemonSuite().name,
    config: daemon.config,
    stateDirectory: daemon.state.path,
    startedAt: daemon.startedAt,
    dataPlane: daemon.dataPlane(),
    carriers: daemon.carriers(),
    guard: daemon.guard(),
    mtu: daemon.settings.live.tun.mtu,
    services: daemon.services(),
    // A file for each thread: only for those who ask, and health is looked at every second.
    get processes() {
      return processReports(process.pid, confinement, daemon.dataPlane());
    },
    refusedReload: daemon.refusedReload,
    needsRestart: daemon.needsRestart,
  };
}

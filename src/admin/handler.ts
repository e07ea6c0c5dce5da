import { CONTRACT_VERSION } from "../core/dataplane/contract.ts";
import type { PingTarget } from "../core/io.ts";
import { parseAddress } from "../core/netip/address.ts";
import type { Daemon } from "../runtime/daemon.ts";
import { packageVersion } from "../runtime/package-root.ts";
import { pingReport } from "./ping-report.ts";
import type { AdminHandler } from "./server.ts";
import { statusReport } from "./status-report.ts";

/** What the admin sockets answer for a daemon. */
export function adminHandler(daemon: Daemon): AdminHandler {
  return async (request) => {
    switch (request.verb) {
      case "status":
        return statusReport(daemon.status(), factsOf(daemon), Date.now());
      case "version":
        return { version: packageVersion(), contract: CONTRACT_VERSION, node: process.versions.node };
      case "ping":
        return pingReport(await daemon.ping(targetOf(request.target), request.timeoutMs));
      case "reload":
        return daemon.reload();
    }
  };
}

function factsOf(daemon: Daemon): Parameters<typeof statusReport>[1] {
  return {
    version: packageVersion(),
    pid: process.pid,
    config: daemon.config,
    stateDirectory: daemon.state.path,
    startedAt: daemon.startedAt,
    dataPlane: daemon.dataPlane(),
    refusedReload: daemon.refusedReload,
    needsRestart: daemon.needsRestart,
  };
}

function targetOf(text: string): PingTarget {
  const address = parseAddress(text);
  return address === undefined ? { by: "name", name: text } : { by: "address", address };
}

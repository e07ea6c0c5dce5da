import type { Confinement } from "../runtime/confinement.ts";
import type { Daemon } from "../runtime/daemon.ts";
import type { Service } from "../runtime/service.ts";
import { stateEnvironment } from "../runtime/state/state-directory.ts";
import { factsOf } from "./facts-of.ts";
import { HealthWatch } from "./health/watch.ts";
import { AdminServer } from "./server.ts";
import { adminVerbs } from "./verbs.ts";

/** The admin sockets of a daemon: one for those who may look, one for its owner. `confinement`: what this process has given up. */
export function adminService(daemon: Daemon, confinement?: Confinement): Service {
  const health = new HealthWatch(() => ({
    node: daemon.status("troubled"),
    daemon: factsOf(daemon, confinement),
    nowMs: Date.now(),
  }));
  const verbs = adminVerbs(daemon, health, confinement);
  const { controlSocket, ownerSocket } = daemon.state;
  const { readersGid } = stateEnvironment();
  const servers = [
    new AdminServer({ path: controlSocket, mode: 0o660, gid: readersGid, who: "reader" }, verbs),
    new AdminServer({ path: ownerSocket, mode: 0o600, who: "owner" }, verbs),
  ];
  const close = (): void => {
    health.stop();
    for (const server of servers) server.close();
  };
  return {
    name: "admin",
    async start() {
      try {
        health.start();
        await Promise.all(servers.map(async (server) => server.listen()));
      } catch (error) {
        close();
        throw error;
      }
    },
    stop: close,
  };
}

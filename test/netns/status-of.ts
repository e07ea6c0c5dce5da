import { askDaemon } from "../../src/admin/client.ts";
import type { PeerReport, StatusReport } from "../../src/admin/status-report.ts";
import { daemonOf } from "../../src/runtime/state/find-daemons.ts";
import { stateEnvironment } from "../../src/runtime/state/state-directory.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { waitFor } from "./lab/wait.ts";

/** `lacis status --json` of a host that runs or is just starting, without the time that a program takes to start. */
export async function statusOf(host: MeshHost): Promise<StatusReport> {
  const look = () => daemonOf(host.configPath, stateEnvironment()).state;
  const state = await waitFor(`somebody who runs ${host.configPath}`, look, { withinMs: 5_000 });
  return (await askDaemon(state.ownerSocket, { verb: "status" }, 5_000)) as StatusReport;
}

/** What a host says about another one, or about who has that address. */
export async function peerOf(host: MeshHost, other: MeshHost | string): Promise<PeerReport | undefined> {
  const address = typeof other === "string" ? other : other.overlay4;
  return (await statusOf(host)).peers.find(({ addresses }) => addresses.includes(address));
}

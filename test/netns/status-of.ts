import { askDaemon } from "../../src/admin/client.ts";
import type { PeerReport, StatusReport } from "../../src/admin/status-report.ts";
import { daemonOf } from "../../src/runtime/state/find-daemons.ts";
import { stateEnvironment } from "../../src/runtime/state/state-directory.ts";
import type { MeshHost } from "./lab/mesh.ts";

/** `lacis status --json` of a host, without the time that a program takes to start. */
export async function statusOf(host: MeshHost): Promise<StatusReport> {
  const { state } = daemonOf(host.configPath, stateEnvironment());
  if (!state) throw new Error(`nobody runs ${host.configPath}`);
  return (await askDaemon(state.ownerSocket, { verb: "status" }, 5_000)) as StatusReport;
}

/** What a host says about another one, or about who has that address. */
export async function peerOf(host: MeshHost, other: MeshHost | string): Promise<PeerReport | undefined> {
  const address = typeof other === "string" ? other : other.overlay4;
  return (await statusOf(host)).peers.find(({ addresses }) => addresses.includes(address));
}

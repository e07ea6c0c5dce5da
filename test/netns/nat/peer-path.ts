import type { MeshHost } from "../lab/mesh.ts";
import { peerOf } from "../status-of.ts";

/** Whether a host sends to another one straight, by its own account. */
export async function isDirect(host: MeshHost, other: MeshHost): Promise<boolean> {
  const peer = await peerOf(host, other);
  return peer?.state === "up" && peer.path !== null && peer.relay === null;
}

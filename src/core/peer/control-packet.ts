import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { Path } from "../path/path.ts";
import { PacketType } from "../wire/header.ts";
import type { Session } from "./session.ts";

/** Sends a control message on this session; it goes to `to` instead of along its path. */
export function controlPacket(
  { localIndex }: Session,
  body: Uint8Array,
  to?: Path,
): Extract<DataPlaneCommand, { kind: "seal-and-send" }> {
  return { kind: "seal-and-send", localIndex, type: PacketType.control, subtype: 0, body, ...(to && { to }) };
}

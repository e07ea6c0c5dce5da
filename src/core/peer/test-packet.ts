import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { Path } from "../path/path.ts";
import { PacketType, type TestSubtype } from "../wire/header.ts";
import type { Session } from "./session.ts";

/** Sends a test packet on this session; it goes to `to` instead of along its path. */
export function testPacket(
  { localIndex }: Session,
  subtype: (typeof TestSubtype)[keyof typeof TestSubtype],
  body: Uint8Array,
  to?: Path,
): Extract<DataPlaneCommand, { kind: "seal-and-send" }> {
  return { kind: "seal-and-send", localIndex, type: PacketType.test, subtype, body, ...(to && { to }) };
}

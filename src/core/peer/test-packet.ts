import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { Path } from "../path/path.ts";
import { PacketType, TestSubtype } from "../wire/header.ts";
import type { Session } from "./session.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

/** Asks whether the peer answers, here or at `to`: where its reply comes from, the path goes. */
export function testRequest(session: Session, to?: Path): ReturnType<typeof testPacket> {
  return testPacket(session, TestSubtype.request, EMPTY, to);
}

/** Sends a test packet on this session; it goes to `to` instead of along its path. */
export function testPacket(
  { localIndex }: Session,
  subtype: (typeof TestSubtype)[keyof typeof TestSubtype],
  body: Uint8Array,
  to?: Path,
): Extract<DataPlaneCommand, { kind: "seal-and-send" }> {
  return { kind: "seal-and-send", localIndex, type: PacketType.test, subtype, body, ...(to && { to }) };
}

import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "../../../../src/core/base/bytes.ts";
import { decodeHeader, encodeHeader, PacketType, recvErrorFor } from "../../../../src/core/wire/header.ts";
import { hex } from "../../../vectors/hex.ts";

const header = {
  type: PacketType.message,
  subtype: 1,
  reserved: 0xabcd,
  remoteIndex: 0xfffffffe,
  counter: 2n ** 63n + 1n,
};

test("every field has its place, and the reserved bytes come out as they went in", () => {
  expect(toHex(encodeHeader(header))).toBe("1101abcdfffffffe8000000000000001");
  expect(decodeHeader(concatBytes(encodeHeader(header), hex("00ff")))).toEqual({ ok: true, value: header });
});

describe("a datagram is refused by name", () => {
  test.each([
    ["of no bytes", "", "punch"],
    ["of one byte", "00", "punch"],
    ["of two bytes", "1100", "short-header"],
    ["of fifteen bytes", "11".repeat(15), "short-header"],
    ["of version 0", "0000".padEnd(32, "0"), "bad-version"],
    ["of version 2", "2000".padEnd(32, "0"), "bad-version"],
    ["of type 7", "1700".padEnd(32, "0"), "unknown-type"],
    ["of type 15", "1f00".padEnd(32, "0"), "unknown-type"],
    ["of the handshake that is not IX", "1001".padEnd(32, "0"), "unknown-type"],
    ["of a message that is neither packet nor relay frame", "1102".padEnd(32, "0"), "unknown-type"],
    ["of a seventh kind of test", "1406".padEnd(32, "0"), "unknown-type"],
    ["of a control with a subtype", "1601".padEnd(32, "0"), "unknown-type"],
  ])("%s", (_, bytes, reason) => {
    expect(decodeHeader(hex(bytes))).toEqual({ ok: false, reason });
  });
});

test("the answer to an unknown index is no longer than the shortest question", () => {
  expect(recvErrorFor(1).length).toBe(16);
});

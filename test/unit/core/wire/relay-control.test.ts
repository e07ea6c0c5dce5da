import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/core/base/bytes.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { decodeRelayControl, encodeRelayControl, type RelayControl } from "../../../../src/core/wire/relay-control.ts";
import { hex } from "../../../vectors/hex.ts";

const ip = (text: string) => text as IpAddress;
const ends = { from: ip("10.77.1.2"), to: ip("10.77.1.3") };

/** What hosts and a relay of the reference said to each other when one reached another through a third (protocol 7.3). */
const SEEN: readonly (readonly [string, RelayControl])[] = [
  ["0801108180a8d50a208382b452288282b452", { kind: "request", initiatorIndex: 0xaaaa0001, ...ends }],
  ["0801108ab0f3c908208382b452288282b452", { kind: "request", initiatorIndex: 0x893cd80a, ...ends }],
  [
    "0802108ab0f3c908188180ecdd0b208382b452288282b452",
    { kind: "response", initiatorIndex: 0x893cd80a, responderIndex: 0xbbbb0001, ...ends },
  ],
  [
    "0802108180a8d50a18dbd1bad10e208382b452288282b452",
    { kind: "response", initiatorIndex: 0xaaaa0001, responderIndex: 0xea2ea8db, ...ends },
  ],
];

test.each(SEEN)("%s is read as the reference means it, and written as it writes", (text, message) => {
  expect(decodeRelayControl(hex(text))).toEqual({ ok: true, value: { message, dialect: 1 } });
  expect(toHex(encodeRelayControl(message, 1)!)).toBe(text);
});

test("in dialect 2 both ends are whole addresses, IPv4 ones IPv4-mapped", () => {
  const message: RelayControl = { kind: "request", initiatorIndex: 0xaaaa0001, ...ends };
  const text = "0801108180a8d50a3208108382b4d2f0ff3f3a08108282b4d2f0ff3f";
  expect(toHex(encodeRelayControl(message, 2)!)).toBe(text);
  expect(decodeRelayControl(hex(text))).toEqual({ ok: true, value: { message, dialect: 2 } });
});

test("dialect 1 has no words for an IPv6 address", () => {
  expect(
    encodeRelayControl({ kind: "request", initiatorIndex: 7, from: ends.from, to: ip("fd00::1") }, 1),
  ).toBeUndefined();
  expect(
    encodeRelayControl({ kind: "request", initiatorIndex: 7, from: ip("fd00::1"), to: ends.to }, 1),
  ).toBeUndefined();
  expect(encodeRelayControl({ kind: "request", initiatorIndex: 7, from: ip("fd00::1"), to: ends.to }, 2)).toBeDefined();
});

describe("a message is refused", () => {
  const v1 = (type: number) => new ProtobufWriter().varint(1, type);
  test.each([
    ["without one of the ends", v1(1).varint(2, 7).varint(4, 0x0a4d0103).finish(), "both ends"],
    ["without any end", v1(1).varint(2, 7).finish(), "both ends"],
    ["without its index", v1(1).varint(4, 1).varint(5, 2).finish(), "no index"],
    ["that answers without an index of its own", v1(2).varint(2, 7).varint(4, 1).varint(5, 2).finish(), "who answers"],
    ["of kind 0", v1(0).varint(2, 7).varint(4, 1).varint(5, 2).finish(), "does not exist"],
    ["of kind 3", v1(3).varint(2, 7).varint(4, 1).varint(5, 2).finish(), "does not exist"],
    [
      "with an index of more than 32 bits",
      v1(1)
        .varint(2, 2n ** 32n)
        .varint(4, 1)
        .varint(5, 2)
        .finish(),
      "well formed",
    ],
    ["that is empty", new Uint8Array(), "both ends"],
    ["with a malformed address", v1(1).varint(2, 7).bytes(6, hex("ff")).bytes(7, hex("ff")).finish(), "both ends"],
  ])("%s", (_, bytes, reason) => {
    const decoded = decodeRelayControl(bytes);
    expect(decoded.ok).toBe(false);
    expect(!decoded.ok && decoded.reason).toContain(reason);
  });
});

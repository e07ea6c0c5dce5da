import { describe, expect, test } from "vitest";
import { concatBytes } from "../../../../src/core/base/bytes.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { decodeLighthouseMessage, encodeLighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { hex } from "../../../vectors/hex.ts";

const ip = (text: string) => text as IpAddress;
const endpoints = (count: number) => Array.from({ length: count }, (_, i) => `10.0.0.${i + 1}:4242` as Endpoint);
const v6Endpoints = (count: number) => Array.from({ length: count }, (_, i) => `[fd00::${i + 1}]:4242` as Endpoint);
const nowhere = { endpoints: [], relays: [] };

describe("limits", () => {
  test("of each family and of the relays the first ten are taken, in their order", () => {
    const relays = Array.from({ length: 14 }, (_, i) => ip(`10.77.0.${i + 1}`));
    const message = {
      kind: "host-update" as const,
      address: undefined,
      endpoints: [...endpoints(15), ...v6Endpoints(12)],
      relays,
    };
    expect(decoded(encodeLighthouseMessage(message, 2)!)).toEqual({
      ...message,
      endpoints: [...endpoints(10), ...v6Endpoints(10)],
      relays: relays.slice(0, 10),
    });
    const v1 = decoded(encodeLighthouseMessage({ ...message, address: ip("10.77.1.2") }, 1)!);
    expect(v1).toMatchObject({ relays: relays.slice(0, 10) });
  });

  test("old relays stand before new ones, and ten is the limit of both together", () => {
    const details = new ProtobufWriter()
      .varint(1, 0x0a4d0102)
      .packedUint32s(
        5,
        [1, 2, 3, 4, 5, 6].map((i) => 0x0a4d0000 + i),
      )
      .message(7, new ProtobufWriter().varint(2, 0xffff_0a4d_0100n).finish());
    for (let i = 1; i < 6; i++)
      details.message(7, new ProtobufWriter().varint(2, 0xffff_0a4d_0100n + BigInt(i)).finish());
    expect(decoded(reply(details.finish()))).toMatchObject({
      relays: [1, 2, 3, 4, 5, 6].map((i) => `10.77.0.${i}`).concat([0, 1, 2, 3].map((i) => `10.77.1.${i}`)),
    });
  });

  test("an unusable entry takes its place among the ten and is left out", () => {
    const details = new ProtobufWriter().varint(1, 0x0a4d0102);
    for (let i = 0; i < 9; i++) details.message(2, new ProtobufWriter().varint(1, 0x0a000001).finish());
    details.message(2, new ProtobufWriter().varint(2, 4242).finish());
    details.message(2, new ProtobufWriter().varint(1, 0x0a000002).varint(2, 4242).finish());
    expect(decoded(reply(details.finish()))).toMatchObject({ endpoints: [] });
  });
});

describe("what a sender may write", () => {
  test("relays one by one instead of packed", () => {
    expect(decoded(hex("0802" + "120f" + "088282b452" + "288180b452" + "288980b452"))).toMatchObject({
      relays: ["10.77.0.1", "10.77.0.9"],
    });
  });

  test("an IPv4 address that is mapped into IPv6 is the IPv4 address", () => {
    const endpoint = new ProtobufWriter().varint(2, 0xffff_c000_0201n).varint(3, 4242).finish();
    const details = new ProtobufWriter().varint(1, 0x0a4d0102).message(4, endpoint).finish();
    expect(decoded(reply(details))).toMatchObject({ endpoints: ["192.0.2.1:4242"] });
  });

  test("a port of more than 16 bits, which is cut to them", () => {
    const endpoint = new ProtobufWriter().varint(1, 0x0a000001).varint(2, 0x11092).finish();
    const details = new ProtobufWriter().varint(1, 0x0a4d0102).message(2, endpoint).finish();
    expect(decoded(reply(details))).toMatchObject({ endpoints: ["10.0.0.1:4242"] });
  });

  test("both kinds of address: the old one wins, and says which dialect is spoken", () => {
    const address = new ProtobufWriter().varint(2, 0xffff_0a4d_0109n).finish();
    const details = new ProtobufWriter().varint(1, 0x0a4d0102).message(6, address).finish();
    expect(decodeLighthouseMessage(message(1, details))).toEqual({
      ok: true,
      value: { message: { kind: "host-query", target: "10.77.1.2" }, dialect: 1 },
    });
  });

  test("types that nobody sends, and those to come", () => {
    for (const type of [0, 4, 6, 7, 8, 9, 11, 4_000]) {
      expect(decoded(message(type, hex("ff")))).toEqual({ kind: "ignored", type });
    }
  });
});

describe("a message is refused", () => {
  test.each([
    ["that is cut off", "0801120508"],
    ["whose details are not well formed", "0801120208ff"],
    ["that asks for nobody", "08011200"],
    ["without details", "0801"],
    ["that asks for the unspecified address", "080112023200"],
    ["that replies about nobody", "08021200"],
    ["that announces nobody", "08051200"],
  ])("%s", (_, bytes) => {
    expect(decodeLighthouseMessage(hex(bytes))).toMatchObject({ ok: false });
  });

  test.each([
    ["an IPv6 target", { kind: "host-query", target: ip("fd00::1") } as const],
    ["an update without an address", { kind: "host-update", address: undefined, ...nowhere } as const],
    ["an acknowledgement without an address", { kind: "host-update-ack", address: undefined, seen: [] } as const],
    ["a message to be ignored", { kind: "ignored", type: 4 } as const],
  ])("in the v1 dialect, when it has %s", (_, value) => {
    expect(encodeLighthouseMessage(value, 1)).toBeUndefined();
  });
});

test("the v1 dialect leaves IPv6 relays out", () => {
  const relays = [ip("fd00::9"), ip("10.77.0.9")];
  const bytes = encodeLighthouseMessage({ kind: "host-punch", address: ip("10.77.1.2"), endpoints: [], relays }, 1);
  expect(decoded(bytes!)).toMatchObject({ relays: ["10.77.0.9"] });
});

function message(type: number, details: Uint8Array): Uint8Array {
  return concatBytes(new ProtobufWriter().varint(1, type).finish(), new ProtobufWriter().message(2, details).finish());
}

function reply(details: Uint8Array): Uint8Array {
  return message(2, details);
}

function decoded(bytes: Uint8Array) {
  const result = decodeLighthouseMessage(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.value.message;
}

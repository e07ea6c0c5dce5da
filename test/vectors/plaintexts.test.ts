import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/base/bytes.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { decodeHeader, encodeHeader, recvErrorFor } from "../../src/core/wire/header.ts";
import {
  decodeLighthouseMessage,
  encodeLighthouseMessage,
  type LighthouseMessage,
} from "../../src/core/wire/lighthouse.ts";
import { ProtobufWriter } from "../../src/core/wire/protobuf.ts";
import { PLAINTEXTS } from "./appendix-a.ts";
import { hex } from "./hex.ts";

const ip = (text: string) => text as IpAddress;
const at = (text: string) => text as Endpoint;

const repeatedBody = {
  endpoints: [at("127.0.0.1:15001"), at("10.0.0.5:4242"), at("127.0.0.1:15001")],
  relays: [],
};

const messages: readonly { name: keyof typeof PLAINTEXTS; dialect: 1 | 2; message: LighthouseMessage }[] = [
  { name: "v1HostQuery", dialect: 1, message: { kind: "host-query", target: ip("10.77.1.2") } },
  {
    name: "v1HostUpdate",
    dialect: 1,
    message: {
      kind: "host-update",
      address: ip("10.77.1.3"),
      endpoints: [at("192.0.2.2:14243"), at("[fd00::2]:14243")],
      relays: [],
    },
  },
  {
    name: "v1HostQueryReply",
    dialect: 1,
    message: { kind: "host-query-reply", target: ip("10.77.1.2"), ...repeatedBody },
  },
  { name: "v1HostPunch", dialect: 1, message: { kind: "host-punch", address: ip("10.77.1.2"), ...repeatedBody } },
  {
    name: "v1HostUpdateWithRelays",
    dialect: 1,
    message: {
      kind: "host-update",
      address: ip("10.77.1.2"),
      endpoints: [at("10.0.0.5:4242")],
      relays: [ip("10.77.0.1"), ip("10.77.0.9")],
    },
  },
  { name: "v2HostQuery", dialect: 2, message: { kind: "host-query", target: ip("10.77.1.2") } },
  { name: "v2HostQueryV6", dialect: 2, message: { kind: "host-query", target: ip("fd00:77::2") } },
  {
    name: "v2HostUpdate",
    dialect: 2,
    message: {
      kind: "host-update",
      address: undefined,
      endpoints: [at("10.0.0.5:4242"), at("[2001:db8::1]:4242")],
      relays: [ip("10.77.0.1")],
    },
  },
  { name: "v2UpdateAck", dialect: 2, message: { kind: "host-update-ack", address: undefined, seen: [] } },
  { name: "v1UpdateAck", dialect: 1, message: { kind: "host-update-ack", address: ip("10.77.1.2"), seen: [] } },
];

describe("lighthouse messages of appendix A.8", () => {
  test.each(messages)("$name decodes", ({ name, dialect, message }) => {
    expect(decodeLighthouseMessage(hex(PLAINTEXTS[name]))).toEqual({ ok: true, value: { message, dialect } });
  });

  test.each(messages)("$name encodes to the same bytes", ({ name, dialect, message }) => {
    expect(toHex(encodeLighthouseMessage(message, dialect)!)).toBe(PLAINTEXTS[name]);
  });
});

test("A.8: relay requests, whose fields our writer lays out as the reference does", () => {
  const request = (): ProtobufWriter => new ProtobufWriter().varint(1, 1).varint(2, 0xaaaa0001);
  const mapped = (address: bigint): Uint8Array => new ProtobufWriter().varint(2, 0xffff_0000_0000n | address).finish();
  const [to, from] = [0x0a4d0103n, 0x0a4d0102n];
  expect(toHex(request().varint(4, to).varint(5, from).finish())).toBe(PLAINTEXTS.v1CreateRelayRequest);
  expect(toHex(request().message(6, mapped(to)).message(7, mapped(from)).finish())).toBe(
    PLAINTEXTS.v2CreateRelayRequest,
  );
});

test("A.8: an IPv4 address and port by themselves", () => {
  expect(toHex(new ProtobufWriter().varint(1, 0x0a010101).varint(2, 10).finish())).toBe("0881828450100a");
});

test("A.8: the recv_error for an index", () => {
  expect(toHex(recvErrorFor(0xdeadbeef))).toBe(PLAINTEXTS.recvError);
});

test("1.1: the reference's own header vector has version 5, which we refuse; with version 1 it is ours", () => {
  expect(decodeHeader(hex("54000000" + "0000000a" + "0000000000000009"))).toEqual({ ok: false, reason: "bad-version" });
  const header = { type: 4, subtype: 0, reserved: 0, remoteIndex: 10, counter: 9n } as const;
  expect(toHex(encodeHeader(header))).toBe("140000000000000a0000000000000009");
  expect(decodeHeader(encodeHeader(header))).toEqual({ ok: true, value: header });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/core/base/base64.ts";
import { utf8Decode, utf8Encode } from "../../src/core/base/bytes.ts";
import { addressBytes, addressFromBytes, type IpAddress, parseAddress } from "../../src/core/netip/address.ts";
import { endpointAddress, endpointPort, parseEndpoint } from "../../src/core/netip/endpoint.ts";
import { contains, formatPrefix, masked, parsePrefix } from "../../src/core/netip/prefix.ts";
import { DerReader, derElement, derInteger, parseDerInteger } from "../../src/core/wire/der.ts";
import { decodeHandshakePayload, encodeHandshakePayload } from "../../src/core/wire/handshake-payload.ts";
import { decodeHeader, encodeHeader, PacketType } from "../../src/core/wire/header.ts";
import { parseInnerPacket } from "../../src/core/wire/inner-packet.ts";
import {
  ADDRESSES_MAX,
  decodeLighthouseMessage,
  encodeLighthouseMessage,
  type LighthouseMessage,
} from "../../src/core/wire/lighthouse.ts";
import type { NatReport } from "../../src/core/wire/nat-report.ts";
import { ProtobufReader, ProtobufWriter } from "../../src/core/wire/protobuf.ts";
import { decodeRelayControl, encodeRelayControl } from "../../src/core/wire/relay-control.ts";
import { anyAddress, anyEndpoint, mutated, mutation, v4Address } from "./arbitraries.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = fc.uint8Array({ maxLength: 300 });

describe("what is encoded decodes to the same", () => {
  test("headers", () => {
    const known = fc.constantFrom(
      { type: PacketType.handshake, subtype: 0 },
      { type: PacketType.message, subtype: 0 },
      { type: PacketType.message, subtype: 1 },
      { type: PacketType.recvError, subtype: 0 },
      { type: PacketType.lighthouse, subtype: 0 },
      { type: PacketType.test, subtype: 1 },
      { type: PacketType.closeTunnel, subtype: 0 },
      { type: PacketType.control, subtype: 0 },
    );
    const header = fc.record({ reserved: fc.integer({ min: 0, max: 0xffff }), remoteIndex: u32, counter: u64 });
    fc.assert(
      fc.property(known, header, (kind, rest) => {
        const value = { ...kind, ...rest };
        expect(decodeHeader(encodeHeader(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test("handshake payloads", () => {
    const payload = fc.record({
      certificate: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      certificateVersion: fc.constantFrom(1 as const, 2 as const),
      initiatorIndex: u32.filter((index) => index !== 0),
      responderIndex: u32,
      time: u64,
    });
    fc.assert(
      fc.property(payload, (value) => {
        expect(decodeHandshakePayload(encodeHandshakePayload(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test("lighthouse messages in the v2 dialect, which carries everything; IPv4 endpoints come first", () => {
    fc.assert(
      fc.property(messageWith(anyAddress), (message) => {
        const encoded = encodeLighthouseMessage(message, 2);
        expect(decodeLighthouseMessage(encoded!)).toEqual({
          ok: true,
          value: { message: sorted(message), dialect: 2 },
        });
      }),
    );
  });

  test("relay messages, in the v1 dialect as far as there are only IPv4 addresses", () => {
    const index = u32.filter((value) => value !== 0);
    const usable = anyAddress.filter((address) => address !== "0.0.0.0" && address !== "::");
    const message = fc.oneof(
      fc.record({ kind: fc.constant("request" as const), initiatorIndex: index, from: usable, to: usable }),
      fc.record({
        kind: fc.constant("response" as const),
        initiatorIndex: index,
        responderIndex: index,
        from: usable,
        to: usable,
      }),
    );
    fc.assert(
      fc.property(message, fc.constantFrom(1 as const, 2 as const), (value, dialect) => {
        const encoded = encodeRelayControl(value, dialect);
        const isOld = value.from.includes(".") && value.to.includes(".");
        if (dialect === 1 && !isOld) expect(encoded).toBeUndefined();
        else expect(decodeRelayControl(encoded!)).toEqual({ ok: true, value: { message: value, dialect } });
      }),
    );
  });

  test("lighthouse messages in the v1 dialect, as far as there are only IPv4 overlay addresses", () => {
    fc.assert(
      fc.property(messageWith(v4Address), (message) => {
        const encoded = encodeLighthouseMessage(message, 1);
        if ("address" in message && message.address === undefined) {
          expect(encoded).toBeUndefined();
          return;
        }
        expect(decodeLighthouseMessage(encoded!)).toEqual({
          ok: true,
          value: { message: sorted(message), dialect: 1 },
        });
      }),
    );
  });

  test("UTF-8, as the platform has it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const encoded = utf8Encode(value);
        expect(encoded).toEqual(new TextEncoder().encode(value));
        expect(utf8Decode(encoded)).toBe(decodeFatal(encoded));
      }),
    );
    fc.assert(
      fc.property(bytes, (value) => {
        expect(utf8Decode(value)).toBe(decodeFatal(value));
      }),
      { numRuns: 2_000 },
    );
  });

  test("base64, as the platform has it", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(toBase64(value)).toBe(Buffer.from(value).toString("base64"));
        expect(fromBase64(toBase64(value))).toEqual(value);
      }),
    );
  });

  test("protobuf numbers of every size and sign, and unknown fields are passed over", () => {
    fc.assert(
      fc.property(u64, bytes, (number, unknown) => {
        const reader = new ProtobufReader(new ProtobufWriter().message(9, unknown).varint(1, number).finish());
        let found = 0n;
        while (reader.next()) if (reader.field === 1) found = reader.uint64();
        expect(reader.failed).toBe(false);
        expect(found).toBe(number);
      }),
    );
  });

  test("DER elements and integers", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
        fc.uint8Array({ maxLength: 700 }),
        (number, content) => {
          expect(parseDerInteger(derInteger(number))).toBe(number);
          const reader = new DerReader(derElement(0x04, content));
          expect(reader.read(0x04)).toEqual(content);
          expect(reader.atEnd && !reader.failed).toBe(true);
        },
      ),
    );
  });

  test("addresses, endpoints and prefixes, as text and as bytes", () => {
    fc.assert(
      fc.property(anyAddress, anyEndpoint, fc.integer({ min: 0, max: 32 }), (address, socket, bits) => {
        expect(parseAddress(address)).toBe(address);
        expect(addressFromBytes(addressBytes(address))).toBe(address);
        expect(parseEndpoint(socket)).toBe(socket);
        expect(parseEndpoint(`${socket}`)).toBe(socket);
        expect(endpointPort(socket)).toBeGreaterThan(0);
        expect(parseAddress(endpointAddress(socket))).toBe(endpointAddress(socket));
        const prefix = { address, bits };
        expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
        expect(contains(masked(prefix), address)).toBe(true);
        expect(masked(masked(prefix))).toEqual(masked(prefix));
      }),
    );
  });
});

describe("whatever comes from the network", () => {
  test("no decoder throws, and none gives more than its limits", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        decodeHeader(value);
        decodeHandshakePayload(value);
        withinLimits(decodeLighthouseMessage(value));
        decodeRelayControl(value);
        parseInnerPacket(value, "inbound");
        parseInnerPacket(value, "outbound");
        new DerReader(value).read(value[0] ?? 0);
      }),
      { numRuns: 5_000 },
    );
  });

  test("no decoder throws on something that is nearly right", () => {
    const list = fc.array(mutation, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messageWith(anyAddress), list, (message, mutations) => {
        withinLimits(decodeLighthouseMessage(mutated(encodeLighthouseMessage(message, 2)!, mutations)));
      }),
      { numRuns: 2_000 },
    );
    const payload = encodeHandshakePayload({
      certificate: new Uint8Array(100).fill(7),
      certificateVersion: 2,
      initiatorIndex: 1,
      responderIndex: 2,
      time: 3n,
    });
    fc.assert(
      fc.property(list, (mutations) => void decodeHandshakePayload(mutated(payload, mutations))),
      { numRuns: 2_000 },
    );
  });

  test("an IP packet that is understood lies within its bytes and names its own addresses", () => {
    const packet = fc
      .tuple(fc.constantFrom(0x45, 0x46, 0x60), fc.uint8Array({ minLength: 40, maxLength: 120 }))
      .map(([first, rest]) => Uint8Array.of(first, 0, 0, rest.length % 100, ...rest));
    fc.assert(
      fc.property(packet, (value) => {
        const inbound = parseInnerPacket(value, "inbound");
        const outbound = parseInnerPacket(value, "outbound");
        expect(inbound.ok).toBe(outbound.ok);
        if (!inbound.ok || !outbound.ok) return;
        expect(inbound.value.length).toBeLessThanOrEqual(value.length);
        expect(inbound.value.localAddress).toBe(outbound.value.remoteAddress);
        expect(inbound.value.remoteAddress).toBe(outbound.value.localAddress);
      }),
      { numRuns: 3_000 },
    );
  });
});

function messageWith(overlay: typeof anyAddress): fc.Arbitrary<LighthouseMessage> {
  const whereabouts = {
    endpoints: fc.array(anyEndpoint, { maxLength: 5 }),
    relays: fc.array(overlay, { maxLength: 10 }),
  };
  const withWays = <Head extends object>(head: { [Key in keyof Head]: fc.Arbitrary<Head[Key]> }) =>
    fc
      .tuple(fc.record(head), fc.record(whereabouts), fc.option(natReport, { nil: undefined }))
      .map(([start, ways, nat]) => ({ ...start, ...ways, ...(nat && { nat }) }));
  const optional = fc.option(overlay, { nil: undefined });
  return fc.oneof(
    fc.record({ kind: fc.constant("host-query" as const), target: overlay }),
    withWays({ kind: fc.constant("host-query-reply" as const), target: overlay }),
    withWays({ kind: fc.constant("host-update" as const), address: optional }),
    fc.record({ kind: fc.constant("host-update-ack" as const), address: optional, seen: whereabouts.endpoints }),
    withWays({ kind: fc.constant("host-punch" as const), address: overlay }),
  );
}

const anyPort = fc.integer({ min: 0, max: 65_535 });
const natReport: fc.Arbitrary<NatReport> = fc.record({
  mapping: fc.constantFrom<NatReport["mapping"]>("unknown", "none", "endpoint-independent", "sequential", "random"),
  filtering: fc.constantFrom<NatReport["filtering"]>("unknown", "endpoint-independent", "address-and-port-dependent"),
  delta: anyPort,
  lastPort: anyPort,
  learned: fc.constantFrom<IpAddress | undefined>(undefined, "198.51.100.7" as IpAddress),
  roundTripMs: anyPort,
});

function sorted(message: LighthouseMessage): LighthouseMessage {
  const isV6 = (value: string) => value.startsWith("[");
  const inOrder = <Value extends string>(values: readonly Value[]) => [
    ...values.filter((value) => !isV6(value)),
    ...values.filter(isV6),
  ];
  if (message.kind === "host-update-ack") return { ...message, seen: inOrder(message.seen) };
  return "endpoints" in message ? { ...message, endpoints: inOrder(message.endpoints) } : message;
}

function withinLimits(decoded: ReturnType<typeof decodeLighthouseMessage>): void {
  if (!decoded.ok || !("endpoints" in decoded.value.message)) return;
  const { endpoints, relays } = decoded.value.message;
  expect(endpoints.length).toBeLessThanOrEqual(2 * ADDRESSES_MAX);
  expect(relays.length).toBeLessThanOrEqual(ADDRESSES_MAX);
}

function decodeFatal(value: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}

import { describe, expect, test } from "vitest";
import { concatBytes, writeUint16 } from "../../../../src/core/base/bytes.ts";
import { parseInnerPacket } from "../../../../src/core/wire/inner-packet.ts";
import { icmpPacket, ipPacket, tcpPacket, udpPacket } from "../../../conformance/inner-packets.ts";
import { hex } from "../../../vectors/hex.ts";

const v4 = { from: "10.77.1.2", to: "10.77.0.1" };
const v6 = { from: "fd00:77::2", to: "fd00:77::1" };
const ports = { fromPort: 50_000, toPort: 443 };
const portBytes = hex("c35001bb");

describe.each([
  { family: 4, ...v4 },
  { family: 6, ...v6 },
])("over IPv$family", ({ family, from, to }) => {
  test("local and remote change places with the direction, addresses and ports alike", () => {
    const packet = tcpPacket({ from, to, ...ports });
    const common = { family, protocol: 6, tcpFlags: 0, upperOffset: packet.length - 20, length: packet.length };
    expect(parsed(packet, "outbound")).toEqual({
      ...common,
      localAddress: from,
      remoteAddress: to,
      localPort: 50_000,
      remotePort: 443,
      icmpIn: 0,
      part: undefined,
      isRest: false,
    });
    expect(parsed(packet, "inbound")).toEqual({
      ...common,
      localAddress: to,
      remoteAddress: from,
      localPort: 443,
      remotePort: 50_000,
      icmpIn: 0,
      part: undefined,
      isRest: false,
    });
  });

  test("an echo has its identifier for a remote port in both directions, other ICMP has none", () => {
    const [request, reply, unreachable] = family === 4 ? [8, 0, 3] : [128, 129, 1];
    for (const direction of ["inbound", "outbound"] as const) {
      for (const type of [request!, reply!]) {
        const packet = icmpPacket({ from, to, type, identifier: 0xbeef });
        expect(parsed(packet, direction)).toMatchObject({ localPort: 0, remotePort: 0xbeef });
      }
      expect(parsed(icmpPacket({ from, to, type: unreachable!, identifier: 0xbeef }), direction)).toMatchObject({
        localPort: 0,
        remotePort: 0,
      });
    }
  });

  test("a question of ours lets in its answer, and a question of theirs more of them", () => {
    const [request, reply, unreachable] = family === 4 ? [8, 0, 3] : [128, 129, 1];
    const icmpIn = (type: number, direction: "inbound" | "outbound") =>
      parsed(icmpPacket({ from, to, type, identifier: 7 }), direction).icmpIn;
    expect([icmpIn(request!, "outbound"), icmpIn(reply!, "inbound")]).toEqual([reply, reply]);
    expect([icmpIn(request!, "inbound"), icmpIn(reply!, "outbound")]).toEqual([request, request]);
    expect([icmpIn(unreachable!, "inbound"), icmpIn(unreachable!, "outbound")]).toEqual([unreachable, unreachable]);
    const empty = ipPacket({ from, to, protocol: family === 4 ? 1 : 58, upper: new Uint8Array() });
    expect(parsed(empty, "inbound").icmpIn).toBe(255);
  });

  test("ICMP of the other family has no identifier", () => {
    const protocol = family === 4 ? 58 : 1;
    const packet = ipPacket({ from, to, protocol, upper: hex("0800000012340000") });
    expect(parsed(packet, "inbound")).toMatchObject({ protocol, localPort: 0, remotePort: 0 });
  });

  test("protocols without ports have none, whatever stands there", () => {
    for (const protocol of [47, 50, 132, 59, 253]) {
      expect(parsed(ipPacket({ from, to, protocol, upper: portBytes }), "inbound")).toMatchObject({
        protocol,
        localPort: 0,
        remotePort: 0,
      });
    }
  });

  test("ports that are not all there make a bad packet, and so does an echo without its identifier", () => {
    for (const protocol of [6, 17]) {
      expect(reasonFor(ipPacket({ from, to, protocol, upper: portBytes.subarray(0, 3) }))).toBe("bad-packet");
    }
    const echo = family === 4 ? hex("0800000012") : hex("8000000012");
    expect(reasonFor(ipPacket({ from, to, protocol: family === 4 ? 1 : 58, upper: echo }))).toBe("bad-packet");
  });

  test("what follows the packet is not part of it; what is missing makes it bad", () => {
    const packet = udpPacket({ from, to, ...ports });
    expect(parsed(concatBytes(packet, hex("ffff")), "inbound").length).toBe(packet.length);
    for (let length = 0; length < packet.length; length++)
      expect(reasonFor(packet.subarray(0, length))).toBe("bad-packet");
  });
});

describe("IPv4", () => {
  test("options stand between the header and the ports", () => {
    const packet = concatBytes(udpPacket({ ...v4, ...ports }).subarray(0, 20), new Uint8Array(8), portBytes);
    packet[0] = 0x47;
    writeUint16(packet, 2, packet.length);
    expect(parsed(packet, "outbound")).toMatchObject({ localPort: 50_000, remotePort: 443 });
  });

  test("the first part of a packet has its ports, the others have none", () => {
    const packet = udpPacket({ ...v4, ...ports, data: new Uint8Array(8) });
    writeUint16(packet, 4, 0x1234);
    for (const [flagsAndOffset, from, isLast] of [
      [0x2000, 0, false],
      [0x2001, 8, false],
      [0x0001, 8, true],
    ] as const) {
      writeUint16(packet, 6, flagsAndOffset);
      const part = { id: 0x1234, protocol: 17, from, to: from + 16, isLast };
      const remotePort = from === 0 ? 443 : 0;
      expect(parsed(packet, "outbound")).toMatchObject({ part, isRest: from > 0, remotePort });
    }
    writeUint16(packet, 6, 0x1fff);
    expect(reasonFor(packet)).toBe("bad-fragment");
    for (const flags of [0x4000, 0x8000, 0xc000]) {
      writeUint16(packet, 6, flags);
      expect(parsed(packet, "outbound")).toMatchObject({ part: undefined, remotePort: 443 });
    }
  });

  test.each([
    ["a header of less than 20 bytes", 0, 0x44],
    ["a header that is longer than the packet", 0, 0x4f],
    ["a total length that is shorter than the header", 3, 19],
    ["a total length that is longer than the packet", 3, 200],
    ["another version", 0, 0x55],
  ])("%s makes a bad packet", (_, index, value) => {
    const packet = udpPacket({ ...v4, ...ports });
    packet[index] = value;
    expect(reasonFor(packet)).toBe("bad-packet");
  });
});

describe("IPv6", () => {
  const headers = {
    hopByHop: { number: 0, bytes: "0000000000000000" },
    routing: { number: 43, bytes: "0001".padEnd(32, "0") },
    destinationOptions: { number: 60, bytes: "0000000000000000" },
    authentication: { number: 51, bytes: "0002".padEnd(32, "0") },
    /** A packet in one part is whole (RFC 6946). */
    onlyPart: { number: 44, bytes: "0000000000000001" },
  };

  test.each(Object.entries(headers))("the ports are found behind a %s header", (_, header) => {
    expect(parsed(chain([header], 17), "outbound")).toMatchObject({ protocol: 17, localPort: 50_000, remotePort: 443 });
  });

  test("eight extension headers are walked, nine are not", () => {
    const { onlyPart, ...others } = headers;
    const list = [onlyPart, ...Object.values(others), ...Object.values(others)];
    expect(parsed(chain(list.slice(0, 8), 6), "outbound").remotePort).toBe(443);
    expect(reasonFor(chain(list, 6))).toBe("bad-packet");
  });

  test("nobody divides a part again: two fragment headers make a bad packet", () => {
    expect(reasonFor(chain([headers.onlyPart, headers.hopByHop, headers.onlyPart], 6))).toBe("bad-packet");
  });

  test.each([
    ["the first", "0000000100000001"],
    ["a later", "0000000900000001"],
    ["the last", "0000000800000001"],
  ])("%s part is told from a whole packet, wherever its header stands", (_, bytes) => {
    const number = 44;
    const offset = bytes.startsWith("00000001") ? 0 : 8;
    const part = { id: 1, protocol: 17, from: offset, isLast: bytes.startsWith("00000008") };
    for (const before of [[], [headers.hopByHop]])
      expect(
        parsed(chain([...before, { number, bytes }], 17, concatBytes(portBytes, portBytes)), "outbound"),
      ).toMatchObject({ part, isRest: offset > 0 });
  });

  test("a header that is cut off makes a bad packet", () => {
    expect(reasonFor(chain([{ number: 60, bytes: "0005" }], 59))).toBe("bad-packet");
    const onlyFirstByte = ipPacket({ ...v6, protocol: 60, upper: hex("11") });
    expect(reasonFor(onlyFirstByte)).toBe("bad-packet");
  });

  test("an IPv4-mapped address does not pass for the IPv4 address", () => {
    const packet = udpPacket({ ...v6, ...ports });
    packet.set(hex("00000000000000000000ffff0a4d0102"), 8);
    expect(reasonFor(packet)).toBe("bad-packet");
  });

  /** Each header names the next; its first byte is filled in here. */
  function chain(list: readonly { number: number; bytes: string }[], protocol: number, upper = portBytes): Uint8Array {
    const parts = list.map(({ bytes }, i) => {
      const part = hex(bytes);
      part[0] = list[i + 1]?.number ?? protocol;
      return part;
    });
    return ipPacket({ ...v6, protocol: list[0]!.number, upper: concatBytes(...parts, upper) });
  }
});

function parsed(packet: Uint8Array, direction: "inbound" | "outbound") {
  const result = parseInnerPacket(packet, direction);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function reasonFor(packet: Uint8Array): string {
  const result = parseInnerPacket(packet, "inbound");
  return result.ok ? "accepted" : result.reason;
}

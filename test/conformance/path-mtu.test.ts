import { expect, test } from "vitest";
import { concatBytes, readUint16, toHex } from "../../src/core/base/bytes.ts";
import type { PathMtu } from "../../src/core/dataplane/contract.ts";
import { datagrams, describeDataPlanes, kinds, packets } from "./data-planes.ts";
import { type FarEnd, facts, OWN_4, OWN_6, PEER, PEER_4, PEER_6 } from "./host.ts";
import { checksum, hasRightChecksum, icmpError, partsOf, tcpPacket, udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const DONT_FRAGMENT = 0x40;
const SYN = 2;
const ports = { fromPort: 1000, toPort: 53 };
const out4 = { from: OWN_4, to: PEER_4, ...ports };
const out6 = { from: OWN_6, to: PEER_6, ...ports };
const NOISE = Uint8Array.from({ length: 4000 }, (_, n) => n * 31);
/** A datagram that makes an inner packet of so many bytes. */
const sized4 = (bytes: number): Uint8Array => udpPacket({ ...out4, data: NOISE.subarray(0, bytes - 28) });
const sized6 = (bytes: number): Uint8Array => udpPacket({ ...out6, data: NOISE.subarray(0, bytes - 48) });

describeDataPlanes("a path that carries less", (open) => {
  const narrow = async (mtu: number, largeAbove = 0) => {
    const plane = await open();
    const peer = await plane.join();
    const set = (wanted: PathMtu) => plane.command({ kind: "set-path-mtu", localIndex: peer.localIndex, ...wanted });
    await set({ mtu, largeAbove });
    return { plane, peer, set };
  };

  test("carries what fits, and everything when nothing is known or no longer", async () => {
    const { plane, set } = await narrow(600);
    expect(kinds(await plane.tun(whole(sized4(600))))).toEqual(["udp"]);
    expect(kinds(await plane.tun(whole(sized4(601))))).toEqual(["drop-sample", "tun"]);
    await set({ mtu: 0, largeAbove: 0 });
    expect(kinds(await plane.tun(whole(sized4(3000))))).toEqual(["udp"]);
  });

  test("is told to whoever forbids to divide a packet of IPv4, with the length that fits", async () => {
    const { plane } = await narrow(600);
    const packet = whole(sized4(1000));
    const observed = await plane.tun(packet);
    expect(observed[0]).toMatchObject({
      event: { reason: "too-big", inbound: false, action: "reject", localIndex: 1 },
    });
    const [answer] = packets(observed);
    expect(toHex(answer!.subarray(0, 20))).toMatch(/^4500003800000000 ?4001....0a4d00020a4d0001$/);
    expect(toHex(answer!.subarray(20, 22))).toBe("0304");
    expect(toHex(answer!.subarray(24))).toBe(`00000258${toHex(packet.subarray(0, 28))}`);
    expect(hasRightChecksum(answer!)).toBe(true);
  });

  test("is told to whoever sends a long packet of IPv6, never with less than every link of IPv6 carries", async () => {
    const { plane, set } = await narrow(1400);
    for (const [mtu, told] of [
      [1400, "00000578"],
      [1000, "00000500"],
    ] as const) {
      await set({ mtu, largeAbove: 0 });
      const packet = sized6(1500);
      const [answer] = packets(await plane.tun(packet));
      expect(toHex(answer!.subarray(40, 42))).toBe("0200");
      expect(toHex(answer!.subarray(44))).toBe(`${told}${toHex(packet.subarray(0, 1000))}`);
      expect(hasRightChecksum(answer!)).toBe(true);
    }
  });

  test("gets a packet of IPv4 that may be divided in parts that make the packet", async () => {
    const { plane, peer } = await narrow(600);
    const packet = sized4(1400);
    const parts = bodies(peer, await plane.tun(packet));
    expect(parts.map(({ length }) => length)).toEqual([596, 596, 248]);
    for (const part of parts) expect(hasRightHeaderChecksum(part)).toBe(true);
    expect(parts.map((part) => readUint16(part, 6))).toEqual([0x2000, 0x2000 | 72, 144]);
    expect(toHex(concatBytes(...parts.map((part) => part.subarray(20))))).toBe(toHex(packet.subarray(20)));
    expect((await plane.flows())[0]).toMatchObject({ sentPackets: 1, sentBytes: 1400 });
  });

  test("gets the parts of a part where they belong", async () => {
    const { plane, peer } = await narrow(100);
    const packet = sized4(600);
    const [first, second, third] = partsOf(packet, 240, 7);
    const bytes = new Uint8Array(packet.length - 20);
    let isLast = 0;
    for (const part of [first!, second!, third!])
      for (const piece of bodies(peer, await plane.tun(part))) {
        expect(piece.length).toBeLessThanOrEqual(100);
        expect(readUint16(piece, 4)).toBe(7);
        bytes.set(piece.subarray(20), (readUint16(piece, 6) & 0x1fff) * 8);
        if (!(readUint16(piece, 6) & 0x2000)) isLast++;
      }
    expect([toHex(bytes), isLast]).toEqual([toHex(packet.subarray(20)), 1]);
  });

  test("gets options of IPv4 in every part only if they are meant for every part", async () => {
    const { plane, peer } = await narrow(100);
    // Security (copied), record route (not copied), end.
    const options = [130, 11, ...new Array<number>(9).fill(7), 7, 7, 4, 9, 9, 9, 0, 0, 0];
    options.length = 20;
    const plain = sized4(300);
    const packet = concatBytes(plain.subarray(0, 20), Uint8Array.from(options), plain.subarray(20));
    packet[0] = 0x4a;
    packet[2] = packet.length >> 8;
    packet[3] = packet.length & 255;
    const parts = bodies(peer, await plane.tun(packet));
    expect(parts.length).toBeGreaterThan(2);
    expect([...parts[0]!.subarray(20, 40)]).toEqual(options);
    for (const part of parts.slice(1)) {
      expect([...part.subarray(20, 31)]).toEqual(options.slice(0, 11));
      expect([...part.subarray(31, 38)]).toEqual(new Array(7).fill(1));
      expect(hasRightHeaderChecksum(part)).toBe(true);
    }
  });

  test("gets a packet of IPv6 that every link carries in parts, because its sender will not make it shorter", async () => {
    const { plane, peer } = await narrow(700);
    const packet = sized6(1280);
    const parts = bodies(peer, await plane.tun(packet));
    expect(parts.map(({ length }) => length)).toEqual([696, 640]);
    expect(toHex(parts[0]!.subarray(40, 48))).toBe("1100000100000001");
    expect(toHex(parts[1]!.subarray(40, 48))).toBe("1100028800000001");
    expect(toHex(concatBytes(...parts.map((part) => part.subarray(48))))).toBe(toHex(packet.subarray(40)));
    const [of1, of2] = partsOf(sized6(2000), 1000, 9).slice(0, 2);
    const again = [of1!, of2!].map(async (part) => bodies(peer, await plane.tun(part)));
    const [first, second] = [await again[0]!, await again[1]!];
    expect(first.map((part) => readUint16(part, 42))).toEqual([1, 648 + 1]);
    expect(second.map((part) => readUint16(part, 42))).toEqual([1001, 1648]);
  });

  test("is no reason to tell of an ICMP error, of what goes to many, or on a host without a device", async () => {
    const { plane } = await narrow(68);
    await plane.tun(sized4(60));
    const error = whole(icmpError({ from: OWN_4, to: PEER_4, type: 3, about: sized4(90), bytes: 90 }));
    expect(kinds(await plane.tun(error))).toEqual(["drop-sample"]);
    await plane.command(facts({ answerEcho: true }));
    expect(kinds(await plane.tun(whole(sized4(69))))).toEqual(["drop-sample"]);
  });

  test("is told a thousand times at once, and the rest is counted", async () => {
    const { plane } = await narrow(68);
    for (let i = 0; i < 1000; i++) expect(packets(await plane.tun(whole(sized4(69))))).toHaveLength(1);
    expect(packets(await plane.tun(whole(sized4(69))))).toEqual([]);
    expect([await plane.dropped("too-big"), await plane.dropped("reject-limited")]).toEqual([1001, 1]);
  });

  test("makes both ends of a connection that begins send segments that fit, with checksums that were right before", async () => {
    const { plane, peer } = await narrow(1000);
    for (const [shape, overhead] of [
      [out4, 40],
      [out6, 60],
    ] as const)
      for (const pad of [0, 1, 2, 3])
        for (const [flags, mss, expected] of [
          [SYN, 1460, 1000 - overhead],
          [SYN | 0x10, 65_535, 1000 - overhead],
          [SYN, 900, 900],
          [0x10, 1460, 1460],
        ] as const) {
          const options = [...new Array<number>(pad).fill(1), 2, 4, mss >> 8, mss & 255];
          options.push(...new Array<number>((4 - (pad % 4)) % 4).fill(1));
          const segment = { ...shape, flags, options: Uint8Array.from(options), data: NOISE.subarray(0, 5) };
          const [sent] = bodies(peer, await plane.tun(summed(tcpPacket(segment))));
          const back = { ...segment, from: shape.to, to: shape.from };
          const [written] = packets(await plane.udp(PEER, peer.message(summed(tcpPacket(back)))));
          for (const packet of [sent!, written!]) {
            expect(readUint16(packet, overhead - 20 + 20 + pad + 2)).toBe(expected);
            expect(hasRightChecksum(packet)).toBe(true);
          }
        }
  });

  test("leaves options that contradict themselves alone", async () => {
    const { plane, peer } = await narrow(200);
    for (const options of [
      [0, 0, 2, 4],
      [3, 0, 2, 4],
      [3, 1, 2, 4],
      [2, 3, 255, 2],
      [8, 40, 2, 4],
      [1, 1, 2, 4],
    ]) {
      const packet = tcpPacket({ ...out4, flags: SYN, options: Uint8Array.from(options) });
      expect(bodies(peer, await plane.tun(packet.slice())).map(toHex)).toEqual([toHex(packet)]);
    }
  });

  test("refuses lengths that no path has, and of sessions that are not there", async () => {
    const { plane, peer, set } = await narrow(68);
    expect(await set({ mtu: 67, largeAbove: 0 })).toMatchObject([{ out: "refused", code: "bad-request" }]);
    const other = { kind: "set-path-mtu", localIndex: (peer.localIndex + 1) as typeof peer.localIndex } as const;
    expect(await plane.command({ ...other, mtu: 68, largeAbove: 0 })).toMatchObject([
      { out: "refused", code: "unknown-session" },
    ]);
  });
});

describeDataPlanes("large packets", (open) => {
  test("are told of four times a second, before they leave, when somebody wants to know", async () => {
    const plane = await open();
    const { localIndex } = await plane.join();
    expect(kinds(await plane.tun(sized4(1000)))).toEqual(["udp"]);
    const set = (mtu: number, largeAbove: number) =>
      plane.command({ kind: "set-path-mtu", localIndex, mtu, largeAbove });
    await set(0, 999);
    expect(kinds(await plane.tun(sized4(999)))).toEqual(["udp"]);
    expect(kinds(await plane.tun(sized4(1000)))).toEqual(["large-sent", "udp"]);
    await plane.advance(249);
    expect(kinds(await plane.tun(sized4(1000)))).toEqual(["udp"]);
    await plane.advance(1);
    expect(kinds(await plane.tun(sized4(1000)))).toEqual(["large-sent", "udp"]);
    await plane.advance(250);
    await set(800, 790);
    expect(kinds(await plane.tun(whole(sized4(1000))))).toEqual(["drop-sample", "tun"]);
    expect(kinds(await plane.tun(sized4(1000)))).toEqual(["large-sent", "udp", "udp"]);
  });
});

/** It must not be divided. */
function whole(packet: Uint8Array): Uint8Array {
  packet[6]! |= DONT_FRAGMENT;
  packet.set([0, 0], 10);
  const sum = checksum(packet.subarray(0, 20));
  packet.set([sum >> 8, sum & 255], 10);
  return packet;
}

/** With the checksum of TCP. */
function summed(packet: Uint8Array): Uint8Array {
  const at = packet[0] === 0x45 ? 20 : 40;
  const addresses = packet.subarray(at === 20 ? 12 : 8, at);
  const length = packet.length - at;
  const sum = checksum(concatBytes(addresses, Uint8Array.of(length >> 8, length & 255, 0, 6), packet.subarray(at)));
  packet.set([sum >> 8, sum & 255], at + 16);
  return packet;
}

function hasRightHeaderChecksum(packet: Uint8Array): boolean {
  return checksum(packet.subarray(0, (packet[0]! & 15) * 4)) === 0;
}

/** What the peer reads. */
function bodies(peer: FarEnd, observed: readonly Observed[]): readonly Uint8Array[] {
  return datagrams(observed).map((datagram) => peer.open(datagram)?.body ?? new Uint8Array());
}

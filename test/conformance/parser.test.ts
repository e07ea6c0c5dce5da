import { expect, test } from "vitest";
import { concatBytes } from "../../src/core/base/bytes.ts";
import { type Driver, describeDataPlanes } from "./data-planes.ts";
import { type FarEnd, OWN_4, OWN_6, PEER, PEER_4, PEER_6, policies, programOf } from "./host.ts";
import { echoRequest, icmpPacket, ipPacket, tcpPacket, udpPacket } from "./inner-packets.ts";

/** What the rules are asked about, read from the sample of a packet that no rule allows: "protocol local-port remote-port". */
async function seen(plane: Driver, peer: FarEnd, packet: Uint8Array): Promise<string> {
  await plane.advance(1000);
  const [sample] = await plane.udp(PEER, peer.message(packet));
  if (sample?.out !== "event") return "nothing";
  const { reason, protocol, localPort, remotePort } = sample.event;
  const flow = `${protocol} ${localPort} ${remotePort}`;
  if (reason === "fragment") return `${flow}, a later part`;
  return reason === "no-matching-rule" ? flow : String(reason);
}

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const udp = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9000, toPort: 53 });
const udp6 = udpPacket({ from: PEER_6, to: OWN_6, fromPort: 9000, toPort: 53 });
const udpHeader = udp6.subarray(40);
const tcp = tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 9000, toPort: 22, data: new Uint8Array(20) });

/** An IPv6 packet with this chain of headers: [type, its bytes without the first one], then the upper protocol. */
function chain(headers: readonly (readonly [number, Uint8Array])[], protocol: number, upper: Uint8Array): Uint8Array {
  const types = [...headers.map(([type]) => type), protocol];
  const parts = headers.map(([, rest], i) => concatBytes(bytes(types[i + 1]!), rest));
  return ipPacket({ from: PEER_6, to: OWN_6, protocol: types[0]!, upper: concatBytes(...parts, upper) });
}

const eight = bytes(0, 0, 0, 0, 0, 0, 0);
const sixteen = bytes(1, ...new Array<number>(14).fill(0));

describeDataPlanes("the inner parser", (open) => {
  test.each<[string, Uint8Array, string]>([
    ["UDP", udp, "17 53 9000"],
    ["TCP", tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 9000, toPort: 22 }), "6 22 9000"],
    ["ICMP echo request", echoRequest(PEER_4, OWN_4, 700), "1 0 700"],
    ["ICMP echo reply", icmpPacket({ from: PEER_4, to: OWN_4, type: 0, identifier: 700 }), "1 0 700"],
    ["other ICMP", icmpPacket({ from: PEER_4, to: OWN_4, type: 3, identifier: 700 }), "1 0 0"],
    ["ICMP without a byte", ipPacket({ from: PEER_4, to: OWN_4, protocol: 1, upper: bytes() }), "1 0 0"],
    [
      "an echo without identifier",
      ipPacket({ from: PEER_4, to: OWN_4, protocol: 1, upper: bytes(8, 0, 0, 0, 0) }),
      "bad-packet",
    ],
    ["ICMPv6 in IPv4", ipPacket({ from: PEER_4, to: OWN_4, protocol: 58, upper: bytes(128, 0, 0, 0, 2, 3) }), "58 0 0"],
    ["GRE has no ports", ipPacket({ from: PEER_4, to: OWN_4, protocol: 47, upper: bytes(1, 2, 3, 4) }), "47 0 0"],
    [
      "UDP with half its ports",
      ipPacket({ from: PEER_4, to: OWN_4, protocol: 17, upper: bytes(1, 2, 3) }),
      "bad-packet",
    ],
    [
      "UDP with its ports and no more",
      ipPacket({ from: PEER_4, to: OWN_4, protocol: 17, upper: bytes(0, 1, 0, 2) }),
      "17 2 1",
    ],
    ["a first fragment", changed(udp, [6, 0x20]), "17 53 9000"],
    ["a later fragment", changed(udp, [6, 0x20], [7, 1]), "17 0 0, a later part"],
    ["a packet that must not be divided", changed(udp, [6, 0x40]), "17 53 9000"],
    ["a packet with the reserved flag", changed(udp, [6, 0x80]), "17 53 9000"],
    ["the last fragment", changed(udp, [6, 0x10], [7, 0xff]), "17 0 0, a later part"],
    ["a fragment beyond 65,535 bytes", changed(udp, [6, 0x1f], [7, 0xff]), "bad-fragment"],
    ["a fragment without bytes", changed(udp.subarray(0, 20), [3, 20], [6, 0x20]), "bad-fragment"],
    ["a first fragment that ends between units", changed(udp.subarray(0, 27), [3, 27], [6, 0x20]), "bad-fragment"],
    ["a later one that does", changed(udp.subarray(0, 27), [3, 27], [6, 0x20], [7, 1]), "bad-fragment"],
    ["a last one, which may", changed(udp.subarray(0, 27), [3, 27], [7, 1]), "17 0 0, a later part"],
    ["a first fragment without the flags of TCP", changed(tcp.subarray(0, 36), [3, 36], [6, 0x20]), "bad-fragment"],
    ["a first fragment with the header of TCP", changed(tcp.subarray(0, 44), [3, 44], [6, 0x20]), "6 22 9000"],
    ["one without its options", changed(tcp.subarray(0, 44), [3, 44], [6, 0x20], [32, 0x70]), "bad-fragment"],
    ["a header of 16 bytes", changed(udp, [0, 0x44]), "bad-packet"],
    ["a header beyond the packet", changed(udp, [0, 0x4f]), "bad-packet"],
    [
      "options",
      changed(concatBytes(udp.subarray(0, 20), bytes(1, 1, 1, 1), udp.subarray(20)), [0, 0x46], [3, 32]),
      "17 53 9000",
    ],
    ["a length below the header", changed(udp, [3, 19]), "bad-packet"],
    ["a length beyond the packet", changed(udp, [3, 29]), "bad-packet"],
    ["a length before the ports", changed(udp, [3, 22]), "bad-packet"],
    ["19 bytes", udp.subarray(0, 19), "bad-packet"],
    ["no byte", bytes(), "bad-packet"],
    ["version 5", changed(udp, [0, 0x55]), "bad-packet"],
  ])("reads IPv4: %s", async (_, packet, expected) => {
    const plane = await open();
    await plane.command(policies([programOf(1, [])]));
    expect(await seen(plane, await plane.join(), packet)).toBe(expected);
  });

  test.each<[string, Uint8Array, string]>([
    ["UDP", udp6, "17 53 9000"],
    ["ICMPv6 echo request", echoRequest(PEER_6, OWN_6, 700), "58 0 700"],
    ["ICMPv6 echo reply", icmpPacket({ from: PEER_6, to: OWN_6, type: 129, identifier: 700 }), "58 0 700"],
    ["neighbour discovery", icmpPacket({ from: PEER_6, to: OWN_6, type: 135, identifier: 700 }), "58 0 0"],
    ["ICMPv4 in IPv6", ipPacket({ from: PEER_6, to: OWN_6, protocol: 1, upper: bytes(8, 0, 0, 0, 2, 3) }), "1 0 0"],
    ["ICMPv6 without a byte", ipPacket({ from: PEER_6, to: OWN_6, protocol: 58, upper: bytes() }), "58 0 0"],
    [
      "an echo without identifier",
      ipPacket({ from: PEER_6, to: OWN_6, protocol: 58, upper: bytes(128, 0, 0, 0, 0) }),
      "bad-packet",
    ],
    ["no next header", ipPacket({ from: PEER_6, to: OWN_6, protocol: 59, upper: bytes() }), "59 0 0"],
    ["hop-by-hop options", chain([[0, eight]], 17, udpHeader), "17 53 9000"],
    ["a long header", chain([[60, sixteen]], 17, udpHeader), "17 53 9000"],
    [
      "an authentication header",
      chain([[51, bytes(1, ...new Array<number>(10).fill(0))]], 17, udpHeader),
      "17 53 9000",
    ],
    [
      "every kind in a row",
      chain(
        [
          [0, eight],
          [43, eight],
          [60, eight],
          [44, eight],
        ],
        17,
        udpHeader,
      ),
      "17 53 9000",
    ],
    ["eight headers", chain(new Array<[number, Uint8Array]>(8).fill([60, eight]), 17, udpHeader), "17 53 9000"],
    ["nine headers", chain(new Array<[number, Uint8Array]>(9).fill([60, eight]), 17, udpHeader), "bad-packet"],
    ["a first fragment", chain([[44, bytes(0, 0, 1, 0, 0, 0, 9)]], 17, udpHeader), "17 53 9000"],
    ["a later fragment", chain([[44, bytes(0, 0, 9, 0, 0, 0, 9)]], 17, udpHeader), "17 0 0, a later part"],
    ["a last fragment", chain([[44, bytes(0, 0x80, 0, 0, 0, 0, 9)]], 17, udpHeader), "17 0 0, a later part"],
    [
      "a later fragment behind options",
      chain(
        [
          [0, eight],
          [44, bytes(0, 0, 9, 0, 0, 0, 9)],
        ],
        17,
        udpHeader,
      ),
      "17 0 0, a later part",
    ],
    [
      "options in a first fragment",
      chain(
        [
          [44, bytes(0, 0, 1, 0, 0, 0, 9)],
          [60, eight],
        ],
        17,
        udpHeader,
      ),
      "17 53 9000",
    ],
    [
      "options in a later fragment",
      chain(
        [
          [44, bytes(0, 0, 9, 0, 0, 0, 9)],
          [60, eight],
        ],
        17,
        udpHeader,
      ),
      "60 0 0, a later part",
    ],
    [
      "options that the first fragment cuts off",
      chain(
        [
          [44, bytes(0, 0, 1, 0, 0, 0, 9)],
          [60, bytes(9, 0, 0, 0, 0, 0, 0)],
        ],
        17,
        udpHeader,
      ),
      "bad-packet",
    ],
    [
      "two fragment headers",
      chain(
        [
          [44, bytes(0, 0, 0, 0, 0, 0, 9)],
          [44, bytes(0, 0, 0, 0, 0, 0, 9)],
        ],
        17,
        udpHeader,
      ),
      "bad-packet",
    ],
    ["a fragment beyond 65,535 bytes", chain([[44, bytes(0, 0xff, 0xf8, 0, 0, 0, 9)]], 17, udpHeader), "bad-fragment"],
    ["a fragment without bytes", chain([[44, bytes(0, 0, 9, 0, 0, 0, 9)]], 17, bytes()), "bad-fragment"],
    [
      "a first fragment that ends between units",
      chain([[44, bytes(0, 0, 1, 0, 0, 0, 9)]], 17, bytes(0, 1, 0, 2, 0)),
      "bad-fragment",
    ],
    [
      "a first fragment without the flags of TCP",
      chain([[44, bytes(0, 0, 1, 0, 0, 0, 9)]], 6, new Uint8Array(16)),
      "bad-fragment",
    ],
    ["a packet in one fragment", chain([[44, bytes(0, 0, 0, 0, 0, 0, 9)]], 17, udpHeader), "17 53 9000"],
    ["reserved bits beside the offset", chain([[44, bytes(0, 0, 6, 0, 0, 0, 9)]], 17, udpHeader), "17 53 9000"],
    [
      "a fragment header says nothing of its length",
      chain([[44, bytes(255, 0, 0, 0, 0, 0, 9)]], 17, udpHeader),
      "17 53 9000",
    ],
    ["half a header", ipPacket({ from: PEER_6, to: OWN_6, protocol: 60, upper: bytes(17, 0, 0, 0) }), "bad-packet"],
    ["a header beyond the packet", chain([[60, bytes(9, 0, 0, 0, 0, 0, 0)]], 17, udpHeader), "bad-packet"],
    ["an experimental protocol ends the walk", chain([[253, eight]], 17, udpHeader), "253 0 0"],
    ["a length beyond the packet", changed(udp6, [5, 9]), "bad-packet"],
    ["a length before the ports", changed(udp6, [5, 3]), "bad-packet"],
    ["39 bytes", udp6.subarray(0, 39), "bad-packet"],
  ])("reads IPv6: %s", async (_, packet, expected) => {
    const plane = await open();
    await plane.command(policies([programOf(1, [])]));
    expect(await seen(plane, await plane.join(), packet)).toBe(expected);
  });
});

function changed(packet: Uint8Array, ...changes: readonly (readonly [number, number])[]): Uint8Array {
  const copy = new Uint8Array(packet);
  for (const [at, value] of changes) copy[at] = value;
  return copy;
}

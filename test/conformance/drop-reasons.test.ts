import { expect, test } from "vitest";
import type { RelayRole } from "../../src/core/dataplane/contract.ts";
import { DropReason } from "../../src/core/drop-reason.ts";
import { parsePrefix } from "../../src/core/netip/prefix.ts";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, describeDataPlanes, reasons } from "./data-planes.ts";
import {
  ELSEWHERE,
  FarEnd,
  facts,
  flipped,
  handshake,
  OWN_4,
  PEER,
  PEER_4,
  policies,
  prefixes,
  programOf,
  routes,
  ruleOf,
  STRANGER,
} from "./host.ts";
import { icmpError, ipPacket, partOf, udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

type Scene = (plane: Driver) => Promise<readonly Observed[]>;

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9, data: new Uint8Array(8) });
const DONT_FRAGMENT = 0x40;
const header = (first: number, subtype = 0): Uint8Array => bytes(first, subtype, ...new Array<number>(14).fill(0));

/** The shortest way to each reason that leaves a sample. */
const sampled: Partial<Record<DropReason, Scene>> = {
  "short-header": (plane) => plane.udp(STRANGER, bytes(0x11, 0)),
  "bad-version": (plane) => plane.udp(STRANGER, header(0x21)),
  "unknown-type": (plane) => plane.udp(STRANGER, header(0x11, 2)),
  oversized: (plane) => plane.udp(STRANGER, new Uint8Array(9002).fill(0x11, 0, 1)),
  "overlay-source": (plane) => plane.udp("10.77.3.4:4242" as typeof PEER, handshake(1n, 0)),
  "bad-handshake": (plane) => plane.udp(STRANGER, handshake(3n, 0)),
  "message-limited": async (plane) => {
    const peer = await plane.join();
    return last(501, () => plane.udp(PEER, peer.seal(3, 0, bytes())));
  },
  "icmp-error-limited": async (plane) => {
    await plane.command(policies([programOf(1, [ruleOf({ protocol: "udp" })])]));
    const peer = await plane.join();
    await plane.tun(toPeer);
    const error = icmpError({ from: PEER_4, to: OWN_4, type: 3, about: toPeer });
    return last(101, () => plane.udp(PEER, peer.message(error)));
  },
  "handshake-limited": (plane) => last(41, () => plane.udp(STRANGER, handshake(1n, 0))),
  "bad-recv-error": (plane) => plane.udp(STRANGER, bytes(...header(0x12), 0)),
  "recv-error-limited": (plane) => last(11, () => plane.udp(STRANGER, header(0x12))),
  "unknown-index": (plane) => plane.udp(STRANGER, header(0x11)),
  "short-packet": async (plane) => plane.udp(PEER, (await plane.join()).message(toUs).subarray(0, 31)),
  replayed: async (plane) => plane.udp(PEER, (await plane.join()).message(toUs, 2n)),
  "not-authentic": async (plane) => plane.udp(PEER, flipped((await plane.join()).message(toUs), 40)),
  "bad-packet": (plane) => plane.tun(bytes(0x45)),
  fragment: async (plane) => {
    await plane.command(policies([programOf(1, [ruleOf({ portFirst: 9, portLast: 9 })])]));
    await plane.join();
    return plane.tun(partOf(toPeer, { id: 1, from: 8, to: 16 }));
  },
  "bad-fragment": (plane) => plane.tun(partOf(toPeer, { id: 1, from: 0, to: 7 })),
  "fragment-overlap": async (plane) => {
    await plane.join();
    return last(2, () => plane.tun(partOf(toPeer, { id: 1, from: 0, to: 8 })));
  },
  "fragment-limited": async (plane) => {
    await plane.join();
    let id = 0;
    return last(341, () => plane.tun(partOf(toPeer, { id: id++, from: 0, to: 8 })));
  },
  multicast: async (plane) => {
    await plane.command(facts({ dropMulticast: true }));
    return plane.tun(udpPacket({ from: OWN_4, to: "239.1.2.3", fromPort: 1, toPort: 2 }));
  },
  broadcast: async (plane) => {
    await plane.command(facts({ dropLocalBroadcast: true }));
    return plane.tun(udpPacket({ from: OWN_4, to: "10.77.255.255", fromPort: 1, toPort: 2 }));
  },
  "own-address": (plane) => plane.tun(udpPacket({ from: OWN_4, to: OWN_4, fromPort: 1, toPort: 2 })),
  "local-address": (plane) => plane.tun(udpPacket({ from: "10.77.0.3", to: PEER_4, fromPort: 1, toPort: 2 })),
  "remote-address": async (plane) => {
    const peer = await plane.join();
    return plane.udp(PEER, peer.message(udpPacket({ from: "10.77.0.3", to: OWN_4, fromPort: 1, toPort: 2 })));
  },
  "no-route": (plane) => plane.tun(udpPacket({ from: OWN_4, to: "192.0.2.1", fromPort: 1, toPort: 2 })),
  "no-matching-rule": async (plane) => {
    await plane.command(policies([programOf(1, [])]));
    await plane.join();
    return plane.tun(toPeer);
  },
  "counter-exhausted": async (plane) => {
    await plane.command(new FarEnd(1, "aes").installation({ sendCounter: 2n ** 64n - 1n }));
    return plane.tun(toPeer);
  },
  "no-path": async (plane) => {
    await plane.command(new FarEnd(1, "aes").installation({ path: undefined }));
    return plane.tun(toPeer);
  },
  "no-device": async (plane) => {
    await plane.command(facts({ answerEcho: true }));
    return plane.udp(PEER, (await plane.join()).message(toUs));
  },
  "bad-source": async (plane) => plane.udp("192.0.2.9:0" as typeof PEER, (await plane.join()).message(toUs)),
  "unknown-relay": async (plane) => plane.udp(PEER, (await plane.join()).wrap(9, toUs)),
  "relay-mismatch": async (plane) => {
    const relay = await withRelay(plane, { kind: "terminal", peer: "10.77.0.3" as typeof PEER_4 });
    return plane.udp(PEER, relay.wrap(9, header(0x12)));
  },
  "relay-limited": async (plane) => {
    await plane.command(facts({ relayPeerKilobytes: 1 }));
    const next = new FarEnd(3, "aes");
    await plane.command(next.installation({ peerAddresses: ["10.77.0.3" as typeof PEER_4] }));
    const relay = await withRelay(plane, { kind: "forward", session: next.localIndex, relayIndex: 5 });
    return last(2, () => plane.udp(PEER, relay.wrap(9, new Uint8Array(8969))));
  },
  "bad-path-probe": async (plane) => plane.udp(PEER, (await plane.join()).seal(4, 2, new Uint8Array(15))),
  "path-not-allowed": async (plane) => {
    const [all] = prefixes("0.0.0.0/0");
    await plane.command(facts({ remoteAllowList: { everybody: [{ prefix: all!, allowed: false }], ranges: [] } }));
    return plane.udp(PEER, (await plane.join()).seal(4, 2, new Uint8Array(16)));
  },
  "too-big": async (plane) => {
    const { localIndex } = await plane.join();
    await plane.command({ kind: "set-path-mtu", localIndex, mtu: 68, largeAbove: 0 });
    const whole = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9, data: new Uint8Array(80) });
    whole[6] = DONT_FRAGMENT;
    return plane.tun(whole);
  },
  "parked-full": (plane) => last(101, () => plane.tun(toPeer)),
};

/** Counted only. */
const silent: Partial<Record<DropReason, Scene>> = {
  punch: (plane) => plane.udp(STRANGER, bytes(0)),
  "parked-expired": async (plane) => {
    await plane.tun(toPeer);
    return plane.advance(10_000);
  },
  "parked-dropped": async (plane) => {
    await plane.tun(toPeer);
    return plane.command({ kind: "drop-parked", destination: PEER_4 });
  },
  "reject-limited": async (plane) => {
    await plane.command(policies([{ ...programOf(1, []), refuse: { inbound: "reject", outbound: "drop" } }]));
    const peer = await plane.join();
    return last(101, () => plane.udp(PEER, peer.message(toUs)));
  },
  "flow-evicted": async (plane) => {
    await plane.join();
    const open = (flow: number) =>
      plane.tun(
        udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1 + (flow % 60_000), toPort: 1 + Math.floor(flow / 60_000) }),
      );
    for (let flow = 0; flow < 65_536; flow++) await open(flow);
    return open(65_536);
  },
};

test("every drop reason has its scene", () => {
  // What the operating system refuses to send, or the control plane does not read in time, is not for a data plane in memory to see, and `other` is what a later version calls a drop.
  const scenes = [
    ...Object.keys(sampled),
    ...Object.keys(silent),
    DropReason.sendFailed,
    DropReason.leftUnread,
    DropReason.other,
  ];
  expect(scenes.sort()).toEqual(Object.values(DropReason).sort());
});

describeDataPlanes("a drop", (open) => {
  test.each(Object.entries(sampled))("for the reason %s is counted and sampled", async (reason, scene) => {
    const plane = await open();
    expect(reasons(await scene(plane))).toEqual([reason]);
    expect(await plane.dropped(reason as DropReason)).toBe(1);
  });

  test.each(Object.entries(silent))("for the reason %s is counted and not sampled", async (reason, scene) => {
    const plane = await open();
    expect(reasons(await scene(plane))).toEqual([]);
    expect(await plane.dropped(reason as DropReason)).toBe(1);
  });

  test("is sampled twenty times at once and five times a second, and always counted", async () => {
    const plane = await open();
    const drop = async () => reasons(await plane.udp(STRANGER, header(0x21))).length;
    const sampledOf = async (drops: number) => {
      let samples = 0;
      for (let i = 0; i < drops; i++) samples += await drop();
      return samples;
    };
    expect(await sampledOf(30)).toBe(20);
    await plane.advance(1000);
    expect(await sampledOf(30)).toBe(5);
    expect(await plane.dropped("bad-version")).toBe(60);
  });

  test("says what is known: the source of who met no session", async () => {
    const plane = await open();
    const [sample] = await plane.udp(STRANGER, header(0x21));
    expect(sample).toMatchObject({
      event: { inbound: true, origin: directPath(STRANGER), localIndex: undefined, protocol: 0 },
    });
  });

  test("says what is known: the session and the packet, in our words", async () => {
    const plane = await open();
    const peer = await plane.join();
    const spoofed = udpPacket({ from: "10.77.0.3", to: OWN_4, fromPort: 9, toPort: 53 });
    const [sample] = await plane.udp(PEER, peer.message(spoofed));
    expect(sample).toEqual({
      out: "event",
      event: {
        kind: "drop-sample",
        reason: "remote-address",
        inbound: true,
        localAddress: OWN_4,
        remoteAddress: "10.77.0.3",
        protocol: 17,
        localPort: 53,
        remotePort: 9,
        localIndex: 1,
        origin: undefined,
        action: "drop",
      },
    });
  });
});

describeDataPlanes("a peer", (open) => {
  test("scenario 51: speaks for its own addresses only, and for those only where they are ours too", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    const peerAddresses = [PEER_4, "10.99.0.2" as typeof PEER_4];
    await plane.command(peer.installation({ peerAddresses }));
    const from = async (address: string) =>
      reasons(await plane.udp(PEER, peer.message(udpPacket({ from: address, to: OWN_4, fromPort: 1, toPort: 2 }))));
    expect(await from(PEER_4)).toEqual([]);
    expect(await from("10.99.0.2")).toEqual(["remote-address"]);
    expect(await from("10.77.0.3")).toEqual(["remote-address"]);
    await plane.command(facts({ networks: [parsePrefix("10.77.0.1/16")!, parsePrefix("10.99.0.1/16")!] }));
    await plane.command(routes({}, ["10.77.0.1/16", "10.99.0.1/16"]));
    expect(await from("10.99.0.2")).toEqual([]);
  });

  test("reaches our own addresses only", async () => {
    const plane = await open();
    const peer = await plane.join();
    const packet = udpPacket({ from: PEER_4, to: "10.77.0.9", fromPort: 1, toPort: 2 });
    expect(reasons(await plane.udp(ELSEWHERE, peer.message(packet)))).toEqual(["local-address"]);
  });

  test("does not pass for an IPv4 address in an IPv6 packet", async () => {
    const plane = await open();
    const peer = await plane.join();
    const packet = ipPacket({ from: "fd00:77::2", to: "fd00:77::1", protocol: 59, upper: new Uint8Array() });
    const mapped = new Uint8Array(packet);
    mapped.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, 2], 8);
    expect(reasons(await plane.udp(PEER, peer.message(packet)))).toEqual([]);
    expect(reasons(await plane.udp(PEER, peer.message(mapped)))).toEqual(["bad-packet"]);
  });
});

/** A peer on whose session a relay with index 9 is set. */
async function withRelay(plane: Driver, role: RelayRole): Promise<FarEnd> {
  const peer = await plane.join();
  await plane.command({ kind: "set-relay", relayIndex: 9, session: peer.localIndex, remoteIndex: 8, role });
  return peer;
}

async function last(times: number, act: () => Promise<readonly Observed[]>): Promise<readonly Observed[]> {
  let observed: readonly Observed[] = [];
  for (let i = 0; i < times; i++) observed = await act();
  return observed;
}

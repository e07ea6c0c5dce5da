import { expect, test } from "vitest";
import type { LocalIndex } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import { type Driver, describeDataPlanes, kinds } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, flipped, OWN_4, PEER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import { behindRelay, OURS, RELAY, relayed, toPeer, toUs } from "./relayed.ts";

const watch = (plane: Driver, afterMs: number, index = 1) =>
  plane.command({ kind: "watch-silence", localIndex: index as LocalIndex, afterMs });
const silent = (sinceMs: number, localIndex = 1) => ({
  out: "event",
  event: { kind: "silent", localIndex, sinceMs },
});

async function watched(open: () => Promise<Driver>, afterMs = 100) {
  const plane = await open();
  const peer = await plane.join();
  await watch(plane, afterMs);
  return { plane, peer };
}

describeDataPlanes("a watched session", (open) => {
  test("is silent from its first unanswered packet on, and that is told once", async () => {
    const { plane } = await watched(open);
    await plane.tun(toPeer);
    await plane.advance(60);
    await plane.tun(toPeer);
    expect(await plane.advance(39)).toEqual([]);
    expect(await plane.advance(1)).toEqual([silent(100)]);
    await plane.tun(toPeer);
    expect(await plane.advance(50_000)).toEqual([]);
  });

  test("is silent anew once it has been heard and sent into silence again", async () => {
    const { plane, peer } = await watched(open);
    await plane.tun(toPeer);
    expect(kinds(await plane.advance(130))).toEqual(["silent"]);
    await plane.udp(PEER, peer.message(toUs));
    expect(await plane.advance(1_000)).toEqual([]);
    await plane.tun(toPeer);
    expect(await plane.advance(250)).toEqual([silent(250)]);
  });

  test.each([
    ["a packet", (peer: FarEnd) => peer.message(toUs)],
    ["a test reply", (peer: FarEnd) => peer.seal(4, 1, new Uint8Array())],
    ["a path reply", (peer: FarEnd) => peer.seal(4, 3, new Uint8Array(16))],
    ["a path request", (peer: FarEnd) => peer.seal(4, 2, new Uint8Array(16))],
    ["a lighthouse message", (peer: FarEnd) => peer.seal(3, 0, new Uint8Array())],
  ])("is not silent while %s is heard, from wherever", async (_, said) => {
    const { plane, peer } = await watched(open);
    await plane.tun(toPeer);
    await plane.advance(99);
    await plane.udp(ELSEWHERE, said(peer));
    expect(await plane.advance(10_000)).toEqual([]);
  });

  test("stays silent whatever strangers, repeaters and forgers say", async () => {
    const { plane, peer } = await watched(open);
    const old = peer.message(toUs);
    await plane.udp(PEER, old);
    await plane.tun(toPeer);
    await plane.udp(PEER, old);
    await plane.udp(PEER, flipped(peer.message(toUs), 30));
    await plane.udp(PEER, new FarEnd(2, "aes").message(toUs));
    expect(kinds(await plane.advance(100)).at(-1)).toBe("silent");
  });

  test("is not silent for what is no inner packet: tests, path probes, lighthouse and control messages", async () => {
    const { plane, peer } = await watched(open);
    for (const [type, subtype] of [
      [4, 0],
      [4, 1],
      [4, 2],
      [3, 0],
      [6, 0],
    ] as const)
      await plane.command({
        kind: "seal-and-send",
        localIndex: peer.localIndex,
        type,
        subtype,
        body: new Uint8Array(16),
      });
    await plane.udp(PEER, peer.seal(4, 0, new Uint8Array()));
    expect(await plane.advance(10_000)).toEqual([]);
  });

  test("begins anew when the watch is set anew, and ends with 0", async () => {
    const { plane } = await watched(open);
    await plane.tun(toPeer);
    await plane.advance(90);
    await watch(plane, 50);
    expect(await plane.advance(1_000)).toEqual([]);
    await plane.tun(toPeer);
    expect(await plane.advance(50)).toEqual([silent(50)]);
    await watch(plane, 70);
    await plane.tun(toPeer);
    expect(await plane.advance(70)).toEqual([silent(70)]);
    await watch(plane, 70);
    await plane.tun(toPeer);
    await watch(plane, 0);
    await plane.tun(toPeer);
    expect(await plane.advance(10_000)).toEqual([]);
  });

  test("that is longer watched for less is told in time", async () => {
    const { plane, peer } = await watched(open, 5_000);
    await plane.tun(toPeer);
    await plane.advance(10);
    await plane.udp(PEER, peer.message(toUs));
    await watch(plane, 20);
    await plane.tun(toPeer);
    expect(await plane.advance(20)).toEqual([silent(20)]);
    expect(await plane.advance(10_000)).toEqual([]);
  });

  test("is no longer watched once it is gone, and neither is another one in its place", async () => {
    const { plane, peer } = await watched(open);
    await plane.tun(toPeer);
    await plane.command({ kind: "remove-session", localIndex: peer.localIndex, sendClose: false });
    await plane.join();
    await plane.tun(toPeer);
    expect(await plane.advance(10_000)).toEqual([]);
  });

  test("behind a relay is silent when its peer is, whatever the relay says, and the relay is not", async () => {
    const { plane, relay } = await behindRelay(open);
    await watch(plane, 100);
    await watch(plane, 100, 8);
    await plane.tun(toPeer);
    await plane.udp(RELAY, relay.seal(3, 0, new Uint8Array()));
    expect(await plane.advance(100)).toEqual([silent(100)]);
  });

  test("with a relay is heard when the relay brings something", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    await watch(plane, 100);
    await watch(plane, 100, 8);
    await plane.tun(toPeer);
    await plane.tun(udpPacket({ from: OWN_4, to: "10.77.0.8" as IpAddress, fromPort: 1, toPort: 2 }));
    await plane.udp(RELAY, relay.wrap(OURS, peer.message(toUs)));
    expect(await plane.advance(10_000)).toEqual([]);
    expect(relayed.session).toBe(relay.localIndex);
  });
});

describeDataPlanes("silence", (open) => {
  test("of several sessions is told by ascending index, of those that nobody watches not at all", async () => {
    const plane = await open();
    const address = (index: number) => `10.77.0.${index}` as IpAddress;
    for (const index of [9, 3, 5, 7]) {
      await plane.command(new FarEnd(index, "aes").installation({ peerAddresses: [address(index)] }));
      if (index !== 7) await watch(plane, index === 3 ? 120 : 100, index);
    }
    for (const index of [5, 7, 9, 3])
      await plane.tun(udpPacket({ from: OWN_4, to: address(index), fromPort: 1, toPort: 2 }));
    expect(await plane.advance(120)).toEqual([silent(120, 3), silent(120, 5), silent(120, 9)]);
  });

  test("of more than a minute is not waited for", async () => {
    const { plane } = await watched(open, 60_000);
    expect(await watch(plane, 60_001)).toEqual([{ out: "refused", code: "bad-request" }]);
    await plane.tun(toPeer);
    expect(kinds(await plane.advance(60_000))).toEqual(["silent"]);
  });
});

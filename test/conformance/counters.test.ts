import { expect, test } from "vitest";
import { PacketType, TestSubtype } from "../../src/core/wire/header.ts";
import { type Driver, describeDataPlanes } from "./data-planes.ts";
import { FarEnd, OWN_4, PEER, PEER_4, policies, programOf } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";

const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });

describeDataPlanes("the counters", (open) => {
  const countersOf = async (plane: Driver): Promise<Record<string, unknown>> => (await plane.sample()).counters;

  test("tell test requests that were answered from those that came too often", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (let i = 0; i < 210; i++) await plane.udp(PEER, peer.seal(PacketType.test, TestSubtype.request, toUs));
    expect(await countersOf(plane)).toMatchObject({ testRequestsAnswered: 200 });
  });

  test("count recv_errors that were sent, and not those that were held back", async () => {
    const plane = await open();
    const peer = new FarEnd(5, "aes");
    for (let i = 0; i < 12; i++) await plane.udp(PEER, peer.message(toUs));
    expect(await countersOf(plane)).toMatchObject({ recvErrorsSent: 10 });
  });

  test("count what waited for a session and then left", async () => {
    const plane = await open();
    await plane.tun(toPeer);
    await plane.tun(toPeer);
    await plane.join();
    expect(await countersOf(plane)).toMatchObject({ parkedReleased: 2, parked: 0 });
  });

  test("count as lost what leaves the replay window unseen, and as duplicate what it still remembers", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (const counter of [3n, 6n, 8_192n + 5n]) await plane.udp(PEER, peer.message(toUs, counter));
    expect(await countersOf(plane)).toMatchObject({ packetsLost: 2, packetsDuplicate: 0 });
    for (const counter of [6n, 4n]) await plane.udp(PEER, peer.message(toUs, counter));
    expect(await countersOf(plane)).toMatchObject({ packetsDuplicate: 1, drops: ["replayed 2"] });
    await plane.udp(PEER, peer.message(toUs, 1_000_000n));
    expect(await countersOf(plane)).toMatchObject({ packetsLost: 2 + 8_192 - 2 });
  });

  test("tell drops on the way out from those on the way in", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.command(policies([programOf(1, [], [])], true));
    await plane.tun(toPeer);
    await plane.udp(PEER, peer.message(toUs));
    await plane.tun(udpPacket({ from: PEER_4, to: PEER_4, fromPort: 1, toPort: 2 }));
    await plane.udp(PEER, peer.message(udpPacket({ from: PEER_4, to: PEER_4, fromPort: 1, toPort: 2 })));
    expect(await countersOf(plane)).toMatchObject({
      outboundNoMatchingRule: 1,
      outboundLocalAddress: 1,
      drops: ["local-address 2", "no-matching-rule 2"],
    });
  });
});

import { expect, test } from "vitest";
import type { HostFacts } from "../../src/core/dataplane/contract.ts";
import { type Driver, describeDataPlanes } from "./data-planes.ts";
import { type FarEnd, facts, OWN_4, PEER, PEER_4, policies, programOf, ruleOf } from "./host.ts";
import { tcpPacket, udpPacket } from "./inner-packets.ts";
import type { Comparable, Observed } from "./step.ts";

const [FIN, SYN, ACK] = [0x01, 0x02, 0x10] as const;

describeDataPlanes("what becomes of flows", (open) => {
  const recording = async (change: Partial<HostFacts> = {}): Promise<readonly [Driver, FarEnd]> => {
    const plane = await open();
    await plane.command(facts({ recordFlows: true, ...change }));
    return [plane, await plane.join()];
  };
  const into = (plane: Driver, peer: FarEnd, toPort: number) =>
    plane.udp(PEER, peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 50_000, toPort })));

  test("is told a second after the first of it, with the rule that let it in", async () => {
    const [plane] = await recording();
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }));
    await plane.advance(600);
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_001, toPort: 53 }));
    expect(recordsOf(await plane.advance(399))).toEqual([]);
    expect(recordsOf(await plane.advance(1))).toMatchObject([
      { happening: "begun", direction: "outbound", localPort: 50_000, remotePort: 53, policyId: 1, ageMs: 1_000 },
      { happening: "begun", localPort: 50_001, peer: PEER_4, sentPackets: 0, ageMs: 400 },
    ]);
    expect(recordsOf(await plane.advance(1_000))).toEqual([]);
  });

  test("is told with the first refusal that is told, a tenth of a second after it", async () => {
    const [plane] = await recording();
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }));
    await plane.advance(300);
    await plane.tun(udpPacket({ from: OWN_4, to: "192.0.2.1", fromPort: 1, toPort: 2 }));
    expect(recordsOf(await plane.advance(99))).toEqual([]);
    expect(recordsOf(await plane.advance(1)).map(({ happening, ageMs }) => [happening, ageMs])).toEqual(
      expect.arrayContaining([
        ["begun", 400],
        ["refused", 100],
      ]),
    );
  });

  test.each([
    { asks: "what happened", kind: "sample" },
    { asks: "which flows there are", kind: "list-flows" },
  ] as const)("is told at once to who asks $asks, before the answer", async ({ kind }) => {
    const [plane] = await recording();
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }));
    const [first, ...answer] = await plane.command({ kind });
    expect(recordsOf(first ? [first] : [])).toMatchObject([{ happening: "begun", ageMs: 0 }]);
    expect(answer.length).toBeGreaterThan(0);
    expect(recordsOf(await plane.advance(2_000))).toEqual([]);
  });

  test("waits for a fortieth of a second when there is much of it", async () => {
    const [plane, peer] = await recording();
    const knock = (port: number) => peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: port, toPort: 53 }));
    const knocks = Array.from({ length: 64 }, (_, port) => knock(port));
    await plane.udps(PEER, knocks.slice(0, 63));
    expect(recordsOf(await plane.advance(150))).toEqual([]);
    await plane.udps(PEER, knocks.slice(63));
    expect(recordsOf(await plane.advance(1)).length).toBe(64);
    await plane.udps(
      PEER,
      Array.from({ length: 64 }, (_, port) => knock(1_000 + port)),
    );
    expect(recordsOf(await plane.advance(24))).toEqual([]);
    expect(recordsOf(await plane.advance(1)).length).toBe(64);
  });

  test("is told of refused packets once for all that are alike, from the first to the last", async () => {
    const [plane, peer] = await recording();
    await plane.command(policies([programOf(1, [ruleOf({ portLast: 1 })], [ruleOf()])], true));
    for (let packet = 0; packet < 30; packet++) {
      await into(plane, peer, 443);
      await plane.advance(2);
    }
    await into(plane, peer, 444);
    const alike = { happening: "refused", reason: "no-matching-rule", action: "drop", peer: PEER_4 };
    expect(recordsOf(await plane.advance(40))).toMatchObject([
      { ...alike, localPort: 443, direction: "inbound", receivedPackets: 30, sentPackets: 0, ageMs: 100, idleMs: 42 },
      { ...alike, localPort: 444, receivedPackets: 1, ageMs: 40 },
    ]);
  });

  test("says who sent what no peer may, and how it was refused", async () => {
    const [plane, peer] = await recording();
    const program = { ...programOf(1, [], []), refuse: { inbound: "reject", outbound: "drop" } as const };
    await plane.command(policies([program], true));
    await into(plane, peer, 443);
    await plane.udp(PEER, peer.message(udpPacket({ from: "10.77.0.9", to: OWN_4, fromPort: 1, toPort: 2 })));
    await plane.tun(udpPacket({ from: OWN_4, to: "192.0.2.1", fromPort: 1, toPort: 2 }));
    expect(recordsOf(await plane.advance(100)).map(({ reason, action, peer }) => ({ reason, action, peer }))).toEqual(
      expect.arrayContaining([
        { reason: "no-matching-rule", action: "reject", peer: PEER_4 },
        { reason: "remote-address", action: "drop", peer: PEER_4 },
        { reason: "no-route", action: "drop", peer: undefined },
      ]),
    );
  });

  test("tells what a flow has carried when it is over, and why it is", async () => {
    const [plane, peer] = await recording({ flowTimeouts: { tcpMs: 720_000, udpMs: 5_000, otherMs: 600_000 } });
    await plane.tun(tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 22, flags: SYN }));
    const back = (flags: number) => tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 50_000, flags });
    await plane.udp(PEER, peer.message(back(SYN | ACK)));
    await plane.udp(PEER, peer.message(back(FIN | ACK)));
    await plane.tun(tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 22, flags: FIN | ACK }));
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }));
    await plane.advance(1_000);
    expect(recordsOf(await plane.advance(5_001))).toEqual([]);
    expect(recordsOf(await plane.advance(1_000))).toMatchObject([
      { happening: "ended", end: "expired", protocol: 17, sentPackets: 1, receivedPackets: 0, idleMs: 7_001 },
    ]);
    await plane.advance(5_000);
    expect(recordsOf(await plane.advance(1_000))).toMatchObject([
      { happening: "ended", end: "closed", protocol: 6, sentPackets: 2, receivedPackets: 2, receivedBytes: 80 },
    ]);
    expect(await plane.flows()).toEqual([]);
  });

  test("tells of flows for which there was no room any more", async () => {
    const [plane] = await recording({ flowLimit: 3 });
    for (const toPort of [1, 2, 3, 4]) await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 9, toPort }));
    await plane.command(facts({ recordFlows: true, flowLimit: 2 }));
    const ended = recordsOf(await plane.advance(1_000)).filter(({ happening }) => happening === "ended");
    expect(ended.map(({ end, remotePort }) => [end, remotePort])).toEqual([
      ["evicted", 1],
      ["evicted", 2],
    ]);
  });

  test("leaves nobody without a place because of somebody else, and counts what it leaves out", async () => {
    const [plane, peer] = await recording();
    await plane.command(policies([programOf(1, [])], true));
    const knocks = Array.from({ length: 3_000 }, (_, port) =>
      peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: port })),
    );
    await plane.udps(PEER, knocks);
    await plane.tun(udpPacket({ from: OWN_4, to: "192.0.2.1", fromPort: 1, toPort: 2 }));
    const events = await plane.advance(100);
    expect(recordsOf(events).filter(({ peer }) => peer === PEER_4).length).toBe(128);
    expect(recordsOf(events).filter(({ reason }) => reason === "no-route").length).toBe(1);
    expect(events.map((each) => (each.out === "event" ? Number(each.event["untold"]) : 0))).toEqual([2_872]);
  });

  test("tells what was refused however many flows come and go", async () => {
    const [plane, peer] = await recording();
    const came = Array.from({ length: 1_000 }, (_, port) =>
      peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: port, toPort: 53 })),
    );
    await plane.udps(PEER, came);
    await plane.udp(PEER, peer.message(udpPacket({ from: "192.0.2.1", to: OWN_4, fromPort: 1, toPort: 53 })));
    const records = recordsOf(await plane.advance(100));
    expect(records.filter(({ happening }) => happening === "begun").length).toBe(128);
    expect(records.filter(({ reason }) => reason === "remote-address").length).toBe(1);
  });

  test("is not told unasked", async () => {
    const plane = await open();
    await plane.join();
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }));
    await plane.tun(udpPacket({ from: OWN_4, to: "192.0.2.1", fromPort: 1, toPort: 2 }));
    expect(recordsOf(await plane.advance(1_000))).toEqual([]);
  });
});

function recordsOf(observed: readonly Observed[]): readonly Comparable[] {
  return observed.flatMap((each) =>
    each.out === "event" && each.event["kind"] === "flow-records"
      ? (each.event["records"] as readonly Comparable[])
      : [],
  );
}

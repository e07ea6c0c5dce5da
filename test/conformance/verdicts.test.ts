import { expect, test } from "vitest";
import type { PolicyId } from "../../src/core/dataplane/contract.ts";
import { describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import {
  FarEnd,
  facts,
  OWN_4,
  OWN_6,
  PEER,
  PEER_4,
  PEER_6,
  policies,
  prefixes,
  programOf,
  routes,
  ruleOf,
} from "./host.ts";
import { icmpPacket, tcpPacket, udpPacket } from "./inner-packets.ts";

const SHORT = { tcpMs: 5000, udpMs: 300, otherMs: 40 };
const toUs = (toPort: number): Uint8Array => udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort });
const toPeer = (toPort: number): Uint8Array => udpPacket({ from: OWN_4, to: PEER_4, fromPort: 9, toPort });

describeDataPlanes("a rule with local prefixes", (open) => {
  test.each([
    ["our address", ["10.77.0.1/32"], [1, 0, 0]],
    ["any of them", ["192.0.2.0/24", "fd00:77::/64", "10.99.0.0/16"], [0, 1, 1]],
    ["all IPv4", ["0.0.0.0/0"], [1, 0, 1]],
    ["none of them", ["10.78.0.0/16"], [0, 0, 0]],
  ] as const)("means packets to %s", async (_, local, passes) => {
    const plane = await open();
    await plane.command(routes({ "10.99.0.0/16": { kind: "own" } }));
    await plane.command(policies([programOf(1, [ruleOf({ local: prefixes(...local) })], [])]));
    const peer = await plane.join();
    for (const [i, [from, to]] of [
      [PEER_4, OWN_4] as const,
      [PEER_6, OWN_6] as const,
      [PEER_4, "10.99.0.1"] as const,
    ].entries()) {
      const packet = udpPacket({ from, to, fromPort: 9, toPort: 53 });
      expect(packets(await plane.udp(PEER, peer.message(packet)))).toHaveLength(passes[i]!);
    }
  });

  test("means the source of what leaves", async () => {
    const plane = await open();
    await plane.command(routes({ "10.99.0.0/16": { kind: "own" } }));
    await plane.command(policies([programOf(1, [], [ruleOf({ local: prefixes("10.99.0.0/16") })])]));
    await plane.join();
    expect(reasons(await plane.tun(toPeer(53)))).toEqual(["no-matching-rule"]);
    expect(kinds(await plane.tun(udpPacket({ from: "10.99.0.1", to: PEER_4, fromPort: 9, toPort: 53 })))).toEqual([
      "udp",
    ]);
  });

  test("means both sides when it names both", async () => {
    const plane = await open();
    const rule = ruleOf({ local: prefixes("10.77.0.1/32"), remote: prefixes("10.77.0.3/32") });
    await plane.command(policies([programOf(1, [rule], [])]));
    const peer = await plane.join();
    expect(reasons(await plane.udp(PEER, peer.message(toUs(53))))).toEqual(["no-matching-rule"]);
  });
});

describeDataPlanes("flow timeouts as configured", (open) => {
  test.each([
    ["TCP", SHORT.tcpMs, tcpPacket],
    ["UDP", SHORT.udpMs, udpPacket],
    [
      "ICMP",
      SHORT.otherMs,
      ({ from, to }: { from: string; to: string }) =>
        icmpPacket({ from, to, type: from === OWN_4 ? 8 : 0, identifier: 3 }),
    ],
  ] as const)("end a flow of %s after %i ms", async (_, timeoutMs, packetOf) => {
    const plane = await open();
    await plane.command(facts({ flowTimeouts: SHORT }));
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    const peer = await plane.join();
    await plane.tun(packetOf({ from: OWN_4, to: PEER_4, fromPort: 9, toPort: 22 }));
    const answer = packetOf({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 9 });
    await plane.advance(timeoutMs);
    expect(packets(await plane.udp(PEER, peer.message(answer)))).toHaveLength(1);
    await plane.advance(timeoutMs + 1);
    expect(reasons(await plane.udp(PEER, peer.message(answer)))).toEqual(["no-matching-rule"]);
  });

  test("hold for flows that were there before", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    const peer = await plane.join();
    await plane.tun(toPeer(22));
    await plane.advance(1000);
    await plane.command(facts({ flowTimeouts: SHORT }));
    expect(await plane.flows()).toEqual([]);
    expect(
      reasons(await plane.udp(PEER, peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 9 })))),
    ).toEqual(["no-matching-rule"]);
  });

  test.each(["tcpMs", "udpMs", "otherMs"] as const)(
    "are refused when %s is 0, with all that came with them",
    async (name) => {
      const plane = await open();
      const wrong = facts({ dropMulticast: true, flowTimeouts: { ...SHORT, [name]: 0 } });
      expect(await plane.command(wrong)).toEqual([{ out: "refused", code: "bad-request" }]);
      const multicast = udpPacket({ from: OWN_4, to: "224.0.0.251", fromPort: 1, toPort: 2 });
      expect(reasons(await plane.tun(multicast))).toEqual(["no-route"]);
    },
  );
});

describeDataPlanes("the counter of a rule", (open) => {
  const web = [ruleOf({ ruleId: 4, portFirst: 80, portLast: 80 }), ruleOf({ ruleId: 2, portFirst: 81, portLast: 99 })];
  const counter = (ruleId: number, flows: number, direction = "inbound", policyId = 1) =>
    expect.objectContaining({ policyId, direction, ruleId, flows });

  test("counts the flows that it opened, and is told when it has changed", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, web)]));
    const peer = await plane.join();
    expect((await plane.sample()).rules).toEqual([]);
    for (const port of [80, 81, 82, 82, 100]) await plane.udp(PEER, peer.message(toUs(port)));
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 80, toPort: 9 }));
    await plane.tun(toPeer(80));
    expect((await plane.sample()).rules).toEqual([counter(2, 2), counter(4, 1), counter(4, 1, "outbound")]);
    expect((await plane.sample()).rules).toEqual([]);
    await plane.udp(PEER, peer.message(toUs(83)));
    expect((await plane.sample()).rules).toEqual([counter(2, 3)]);
  });

  test("counts the packets of its flows both ways, and their bytes", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, web, [])]));
    const peer = await plane.join();
    const answer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 80, toPort: 9, data: new Uint8Array(50) });
    await plane.udp(PEER, peer.message(toUs(80)));
    expect((await plane.sample()).rules).toEqual([expect.objectContaining({ flows: 1, packets: 1, bytes: 28 })]);
    for (let i = 0; i < 3; i++) await plane.tun(answer);
    await plane.udp(PEER, peer.message(toUs(100)));
    expect((await plane.sample()).rules).toEqual([
      expect.objectContaining({ flows: 1, packets: 4, bytes: 28 + 3 * 78 }),
    ]);
    // From now on it is another rule that allows the flow.
    await plane.command(policies([programOf(1, [ruleOf({ ruleId: 9 })], [])], true));
    await plane.tun(answer);
    expect((await plane.sample()).rules).toEqual([
      expect.objectContaining({ ruleId: 9, flows: 0, packets: 1, bytes: 78 }),
    ]);
  });

  test("has counted what went through a flow that expired meanwhile", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, web, [])]));
    const peer = await plane.join();
    for (let i = 0; i < 3; i++) await plane.udp(PEER, peer.message(toUs(80)));
    await plane.advance(180_001);
    expect((await plane.sample()).rules).toEqual([expect.objectContaining({ flows: 1, packets: 3 })]);
  });

  test("is shared by rules of one id and is the first rule's that matches", async () => {
    const plane = await open();
    const rules = [ruleOf({ ruleId: 7, portFirst: 1, portLast: 5 }), ruleOf({ ruleId: 7 }), ruleOf({ ruleId: 8 })];
    await plane.command(policies([programOf(1, rules)]));
    const peer = await plane.join();
    for (const port of [3, 4, 50]) await plane.udp(PEER, peer.message(toUs(port)));
    expect((await plane.sample()).rules).toEqual([counter(7, 3)]);
  });

  test("is told by ascending program", async () => {
    const plane = await open();
    await plane.command(policies([programOf(9, web), programOf(3, web)]));
    const peers = [9, 3].map((id) => ({ id, farEnd: new FarEnd(id, "aes") }));
    for (const { id, farEnd } of peers) {
      await plane.command(farEnd.installation({ policyId: id as PolicyId }));
      await plane.udp(PEER, farEnd.message(toUs(80 + id)));
    }
    expect((await plane.sample()).rules).toEqual([counter(2, 1, "inbound", 3), counter(2, 1, "inbound", 9)]);
  });

  test("goes on when its program comes again as it is, and begins anew with another one", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, web)]));
    const peer = await plane.join();
    await plane.udp(PEER, peer.message(toUs(80)));
    await plane.command(policies([programOf(1, web)], true));
    await plane.udp(PEER, peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 10, toPort: 80 })));
    expect((await plane.sample()).rules).toEqual([counter(4, 2)]);
    // The same rules in another order are another program.
    await plane.command(policies([programOf(1, [...web].reverse())], true));
    await plane.udp(PEER, peer.message(toUs(80)));
    expect((await plane.sample()).rules).toEqual([counter(4, 0)]);
    await plane.udp(PEER, peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 11, toPort: 80 })));
    expect((await plane.sample()).rules).toEqual([counter(4, 1)]);
  });

  test("is one of at most 8,192 in a sample; the rest comes with the next", async () => {
    const plane = await open();
    const rules = Array.from({ length: 8200 }, (_, i) => ruleOf({ ruleId: i, portFirst: i + 1, portLast: i + 1 }));
    await plane.command(policies([programOf(1, rules, [])]));
    const peer = await plane.join();
    for (let i = 0; i < 8200; i++) await plane.udp(PEER, peer.message(toUs(i + 1)));
    expect((await plane.sample()).rules).toHaveLength(8192);
    expect((await plane.sample()).rules.map((rule) => rule["ruleId"])).toEqual([
      8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199,
    ]);
    expect((await plane.sample()).rules).toEqual([]);
  });
});

describeDataPlanes("the list of flows", (open) => {
  test("tells each with its rule, its age and what went through it", async () => {
    const plane = await open();
    const outbound = [ruleOf({ ruleId: 5, protocol: "udp" })];
    await plane.command(policies([programOf(1, [ruleOf({ ruleId: 3, protocol: "tcp" })], outbound)]));
    const peer = await plane.join();
    expect(await plane.flows()).toEqual([]);
    // What follows a packet in its buffer is not of it.
    await plane.tun(new Uint8Array([...toPeer(53), 1, 2, 3]));
    await plane.advance(200);
    const answer = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 53, toPort: 9, data: new Uint8Array(40) });
    await plane.udp(PEER, peer.message(answer));
    await plane.udp(PEER, peer.message(answer));
    await plane.udp(PEER, peer.message(tcpPacket({ from: PEER_6, to: OWN_6, fromPort: 9, toPort: 22 })));
    // Refused: no flow, and counted nowhere.
    await plane.udp(PEER, peer.message(toUs(54)));
    await plane.advance(30);
    const sides = { localAddress: OWN_4, remoteAddress: PEER_4 };
    expect(await plane.flows()).toEqual([
      {
        ...sides,
        localPort: 9,
        remotePort: 53,
        protocol: 17,
        direction: "outbound",
        policyId: 1,
        ruleId: 5,
        ageMs: 230,
        idleMs: 30,
        sentPackets: 1,
        sentBytes: toPeer(53).length,
        receivedPackets: 2,
        receivedBytes: 2 * answer.length,
      },
      expect.objectContaining({
        localAddress: OWN_6,
        remoteAddress: PEER_6,
        localPort: 22,
        direction: "inbound",
        ruleId: 3,
        ageMs: 30,
        sentPackets: 0,
        receivedPackets: 1,
      }),
    ]);
  });

  test("names the rule that allows a flow now", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [ruleOf({ ruleId: 3 })])]));
    const peer = await plane.join();
    await plane.udp(PEER, peer.message(toUs(53)));
    await plane.command(policies([programOf(1, [ruleOf({ ruleId: 6 })])], true));
    expect(await plane.flows()).toMatchObject([{ ruleId: 3 }]);
    await plane.udp(PEER, peer.message(toUs(53)));
    expect(await plane.flows()).toMatchObject([{ ruleId: 6, receivedPackets: 2 }]);
  });

  test("is told in pieces, all of them, and leaves out what has expired", async () => {
    const plane = await open();
    await plane.join();
    for (let port = 1; port <= 2500; port++) await plane.tun(toPeer(port));
    expect(await plane.flows()).toHaveLength(2500);
    await plane.advance(180_001);
    expect(await plane.flows()).toEqual([]);
  });
});

import { expect, test } from "vitest";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Route, RouteTarget } from "../../src/core/route/route.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import {
  FarEnd,
  OWN_4,
  PEER,
  PEER_4,
  PEER_6,
  policies,
  prefixes,
  programOf,
  routeList,
  routes,
  through,
} from "./host.ts";
import { udpPacket } from "./inner-packets.ts";

const SITE = "10.99.0.0/16";
const GATEWAYS = ["10.77.0.11", "10.77.0.12", "10.77.0.13"] as IpAddress[];
const badRequest = [{ out: "refused", code: "bad-request" }];

const toSite = (fromPort = 1): Uint8Array => udpPacket({ from: OWN_4, to: "10.99.3.4", fromPort, toPort: 80 });
const to = (address: string): Uint8Array => udpPacket({ from: OWN_4, to: address, fromPort: 1, toPort: 2 });

/** A session with each of these gateways, all confirmed and primary. */
async function joinGateways(plane: Driver, addresses: readonly IpAddress[]): Promise<readonly FarEnd[]> {
  const farEnds = addresses.map((_, i) => new FarEnd(i + 1, "aes"));
  for (const [i, farEnd] of farEnds.entries())
    await plane.command(farEnd.installation({ peerAddresses: [addresses[i]!] }));
  return farEnds;
}

/** Through which of the sessions each of 60 flows goes. */
async function sharesOf(plane: Driver, farEnds: readonly FarEnd[]): Promise<readonly number[]> {
  const shares: number[] = [];
  for (let port = 1; port <= 60; port++) {
    const [datagram] = datagrams(await plane.tun(toSite(port)));
    shares.push(farEnds.findIndex((farEnd) => datagram !== undefined && farEnd.open(datagram)));
  }
  return shares;
}

const without = (shares: readonly number[], gateway: number): readonly number[] =>
  shares.filter((each) => each !== gateway);

describeDataPlanes("a route", (open) => {
  test("decides when it is the longest that contains the destination", async () => {
    const plane = await open();
    await plane.command(
      routes({
        "10.99.0.0/16": { kind: "peer" },
        "10.99.3.0/24": { kind: "none" },
        "10.99.3.4/32": { kind: "peer" },
        "10.99.4.0/24": { kind: "own" },
      }),
    );
    expect(kinds(await plane.tun(to("10.99.1.1")))).toEqual(["need-session"]);
    expect(reasons(await plane.tun(to("10.99.3.5")))).toEqual(["no-route"]);
    expect(kinds(await plane.tun(to("10.99.3.4")))).toEqual(["need-session"]);
    expect(reasons(await plane.tun(to("10.99.4.1")))).toEqual(["own-address"]);
    expect(reasons(await plane.tun(to("10.98.0.1")))).toEqual(["no-route"]);
  });

  test("of one family means nothing to the other, not even the shortest", async () => {
    const plane = await open();
    await plane.command(routes({ "0.0.0.0/0": { kind: "peer" } }));
    expect(kinds(await plane.tun(to("192.0.2.1")))).toEqual(["need-session"]);
    const other = udpPacket({ from: "fd00:77::1", to: "2001:db8::1", fromPort: 1, toPort: 2 });
    expect(reasons(await plane.tun(other))).toEqual(["no-route"]);
  });

  test("to us makes a whole network our own, as source and as destination", async () => {
    const plane = await open();
    await plane.command(routes({ [SITE]: { kind: "own" } }));
    const peer = await plane.join();
    const packet = udpPacket({ from: "10.99.3.4", to: PEER_4, fromPort: 1, toPort: 2 });
    expect(kinds(await plane.tun(packet))).toEqual(["udp"]);
    const answer = udpPacket({ from: PEER_4, to: "10.99.3.4", fromPort: 2, toPort: 1 });
    expect(packets(await plane.udp(PEER, peer.message(answer)))).toEqual([answer]);
  });

  test("goes with the table that is replaced; no table is no route", async () => {
    const plane = await open();
    await plane.join();
    await plane.command({ kind: "apply-routes", routes: [] });
    expect(reasons(await plane.tun(to(PEER_4)))).toEqual(["local-address"]);
    await plane.command({ kind: "apply-routes", routes: routeList({ [`${OWN_4}/32`]: { kind: "own" } }) });
    expect(reasons(await plane.tun(to(PEER_4)))).toEqual(["no-route"]);
    await plane.command(routes());
    expect(kinds(await plane.tun(to(PEER_4)))).toEqual(["udp"]);
  });

  const peer: RouteTarget = { kind: "peer" };
  const gateways = (count: number): RouteTarget =>
    through(...Array.from({ length: count }, (_, i) => [`10.77.1.${i}`, 1] as const));
  test.each<[string, readonly Route[]]>([
    ["a prefix with host bits", routeList({ "10.99.0.1/16": peer })],
    ["a prefix with host bits behind its last whole byte", routeList({ "10.99.129.0/17": peer })],
    ["the same prefix twice", [...routeList({ [SITE]: peer }), ...routeList({ [SITE]: { kind: "none" } })]],
    ["no gateway", routeList({ [SITE]: gateways(0) })],
    ["17 gateways", routeList({ [SITE]: gateways(17) })],
    ["a gateway twice", routeList({ [SITE]: through([PEER_4, 1], [PEER_4, 2]) })],
    ["a weight of 65,536", routeList({ [SITE]: through([PEER_4, 65_536]) })],
  ])("with %s is refused, and the table stays as it is", async (_, wrong) => {
    const plane = await open();
    const good = routeList({ [`${OWN_4}/32`]: { kind: "own" } });
    expect(await plane.command({ kind: "apply-routes", routes: [...good, ...wrong] })).toEqual(badRequest);
    expect(kinds(await plane.tun(to(PEER_4)))).toEqual(["need-session"]);
  });

  test("may have 16 gateways, and a table 16,384 routes", async () => {
    const plane = await open();
    const table = Array.from({ length: 16_384 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const targets = Object.fromEntries(table.map((prefix) => [prefix, gateways(16)]));
    expect(await plane.command({ kind: "apply-routes", routes: routeList(targets) })).toEqual([]);
    const more = routeList({ ...targets, "192.0.2.0/24": peer });
    expect(await plane.command({ kind: "apply-routes", routes: more })).toEqual(badRequest);
  });
});

describeDataPlanes("gateways", (open) => {
  test("share the flows, and each flow stays with its own", async () => {
    const plane = await open();
    await plane.command(routes({ [SITE]: through(...GATEWAYS.map((address) => [address, 1] as const)) }));
    const farEnds = await joinGateways(plane, GATEWAYS);
    const shares = await sharesOf(plane, farEnds);
    expect(new Set(shares)).toEqual(new Set([0, 1, 2]));
    expect(await sharesOf(plane, farEnds)).toEqual(shares);
  });

  test("are chosen by FNV-1a over the flow, to the bit", async () => {
    const plane = await open();
    const two = GATEWAYS.slice(0, 2);
    await plane.command(routes({ [SITE]: through([two[0]!, 1], [two[1]!, 2]) }));
    const shares = await sharesOf(plane, await joinGateways(plane, two));
    const expected = Array.from({ length: 60 }, (_, i) => {
      const flow = [10, 77, 0, 1, 10, 99, 3, 4, 0, i + 1, 0, 80, 17];
      const hash = flow.reduce((h, byte) => ((h ^ BigInt(byte)) * 0x0100_0193n) & 0xffff_ffffn, 0x811c_9dc5n);
      return hash % 3n < 1n ? 0 : 1;
    });
    expect(shares).toEqual(expected);
  });

  test("that go, or are left out of the route, leave their flows to the others: no other flow moves, and none that moved returns", async () => {
    const plane = await open();
    const all = { [SITE]: through(...GATEWAYS.map((address) => [address, 1] as const)) };
    await plane.command(routes(all));
    const farEnds = await joinGateways(plane, GATEWAYS);
    const before = await sharesOf(plane, farEnds);
    await plane.command({ kind: "remove-session", localIndex: farEnds[1]!.localIndex, sendClose: false });
    const meanwhile = await sharesOf(plane, farEnds);
    expect(meanwhile.filter((each, at) => before[at] !== 1 && each !== before[at])).toEqual([]);
    expect(new Set(meanwhile)).toEqual(new Set([0, 2]));
    await plane.command(farEnds[1]!.installation({ peerAddresses: [GATEWAYS[1]!] }));
    expect(await sharesOf(plane, farEnds)).toEqual(meanwhile);
    await plane.command(routes({ [SITE]: through([GATEWAYS[1]!, 1], [GATEWAYS[2]!, 1]) }));
    const without0 = await sharesOf(plane, farEnds);
    expect(without0.filter((each, at) => meanwhile[at] === 2 && each !== 2)).toEqual([]);
    expect(new Set(without0)).toEqual(new Set([1, 2]));
    await plane.command(routes(all));
    expect(await sharesOf(plane, farEnds)).toEqual(without0);
  });

  test("of weight 0 step in when no other one has a session, in their order", async () => {
    const plane = await open();
    const [first, second, main] = GATEWAYS as [IpAddress, IpAddress, IpAddress];
    await plane.command(routes({ [SITE]: through([first, 0], [second, 0], [main, 1]) }));
    const farEnds = await joinGateways(plane, GATEWAYS);
    expect(without(await sharesOf(plane, farEnds), 2)).toEqual([]);
    await plane.command({ kind: "remove-session", localIndex: farEnds[2]!.localIndex, sendClose: false });
    expect(without(await sharesOf(plane, farEnds), 0)).toEqual([]);
    await plane.command({ kind: "remove-session", localIndex: farEnds[0]!.localIndex, sendClose: false });
    expect(without(await sharesOf(plane, farEnds), 1)).toEqual([]);
  });

  test("without a session are asked for, never those of weight 0, and what waits goes when one comes", async () => {
    const plane = await open();
    const [backup, main] = GATEWAYS as [IpAddress, IpAddress];
    await plane.command(routes({ [SITE]: through([backup, 0], [main, 1]) }));
    expect(await plane.tun(toSite())).toEqual([{ out: "event", event: { kind: "need-session", destination: main } }]);
    // Another destination behind the same gateway: it waits in the same place, and nobody is asked twice.
    expect(await plane.tun(to("10.99.7.7"))).toEqual([]);
    const farEnd = new FarEnd(1, "aes");
    const observed = await plane.command(farEnd.installation({ peerAddresses: [main] }));
    expect(datagrams(observed).map((datagram) => farEnd.open(datagram)?.body)).toEqual([toSite(), to("10.99.7.7")]);
  });

  test("that are all of weight 0 are asked for in their order", async () => {
    const plane = await open();
    await plane.command(routes({ [SITE]: through([GATEWAYS[1]!, 0], [GATEWAYS[0]!, 0]) }));
    expect(await plane.tun(toSite())).toMatchObject([{ event: { kind: "need-session", destination: GATEWAYS[1] } }]);
  });

  test("lend their room to everything behind them, and what waits is dropped by their address", async () => {
    const plane = await open();
    await plane.command(routes({ [SITE]: through([PEER_4, 1]) }));
    for (let i = 0; i < 50; i++) await plane.tun(toSite());
    for (let i = 0; i < 50; i++) await plane.tun(to("10.99.7.7"));
    expect(reasons(await plane.tun(to(PEER_4)))).toEqual(["parked-full"]);
    await plane.command({ kind: "drop-parked", destination: PEER_4 });
    expect(await plane.dropped("parked-dropped")).toBe(100);
  });

  test("judge what waited by the routes that are in force when it goes", async () => {
    const plane = await open();
    await plane.command(routes({ [SITE]: through([PEER_4, 1]) }));
    await plane.tun(toSite());
    await plane.command(routes({ [SITE]: { kind: "own" } }));
    expect(reasons(await plane.command(new FarEnd(1, "aes").installation()))).toEqual(["own-address"]);
    await plane.command({ kind: "remove-session", localIndex: new FarEnd(1, "aes").localIndex, sendClose: false });
    await plane.tun(to(PEER_4));
    await plane.command(routes({}, ["10.77.0.9/16"]));
    expect(reasons(await plane.command(new FarEnd(2, "aes").installation()))).toEqual(["local-address"]);
  });

  test("are bound by the rules of their own session", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [])]));
    await plane.command(routes({ [SITE]: through([PEER_4, 1]) }));
    await plane.join();
    expect(reasons(await plane.tun(toSite()))).toEqual(["no-matching-rule"]);
  });
});

describeDataPlanes("a peer with prefixes behind it", (open) => {
  const join = async (target: RouteTarget = through([PEER_4, 1])) => {
    const plane = await open();
    await plane.command(routes({ [SITE]: target }));
    const peer = new FarEnd(1, "aes");
    await plane.command(
      peer.installation({ allowedPrefixes: prefixes("10.99.3.0/24", "10.77.0.0/16", "192.0.2.0/24") }),
    );
    const from = async (address: string) =>
      reasons(await plane.udp(PEER, peer.message(udpPacket({ from: address, to: OWN_4, fromPort: 80, toPort: 1 }))));
    return { plane, peer, from };
  };

  test("speaks for what lies in them, and for nothing beside them", async () => {
    const { from } = await join();
    expect(await from("10.99.3.4")).toEqual([]);
    expect(await from("10.99.4.1")).toEqual(["remote-address"]);
    expect(await from(PEER_4)).toEqual([]);
  });

  test("speaks for what nobody has a route to", async () => {
    const { from } = await join({ kind: "none" });
    expect(await from("10.99.3.4")).toEqual([]);
    expect(await from("192.0.2.1")).toEqual([]);
  });

  test("never speaks for us or for another peer, whatever its prefixes say", async () => {
    const { plane, from } = await join();
    expect(await from(OWN_4)).toEqual(["remote-address"]);
    expect(await from("10.77.0.3")).toEqual(["remote-address"]);
    await plane.command(routes({ [SITE]: { kind: "own" } }));
    expect(await from("10.99.3.4")).toEqual(["remote-address"]);
    await plane.command(routes({ [SITE]: { kind: "peer" } }));
    expect(await from("10.99.3.4")).toEqual(["remote-address"]);
  });

  test("speaks for its own addresses only where they lead to a peer", async () => {
    const { plane, from } = await join();
    await plane.command(routes({ [`${PEER_4}/32`]: { kind: "none" } }));
    // It lies in one of its prefixes as well.
    expect(await from(PEER_4)).toEqual([]);
    const plain = new FarEnd(2, "aes");
    await plane.command(plain.installation());
    const packet = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 80, toPort: 1 });
    expect(reasons(await plane.udp(PEER, plain.message(packet)))).toEqual(["remote-address"]);
  });

  test("opens flows that are answered through it", async () => {
    const { plane, peer, from } = await join();
    expect(await from("10.99.3.4")).toEqual([]);
    const [answer] = datagrams(await plane.tun(udpPacket({ from: OWN_4, to: "10.99.3.4", fromPort: 1, toPort: 80 })));
    expect(peer.open(answer!)).toMatchObject({ type: 1 });
  });

  test("may have 1,024 of them", async () => {
    const plane = await open();
    const many = (count: number) =>
      prefixes(...Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`));
    const install = (count: number) =>
      plane.command(
        new FarEnd(1, "aes").installation({ allowedPrefixes: many(count), peerAddresses: [PEER_4, PEER_6] }),
      );
    expect(await install(1_025)).toEqual(badRequest);
    expect(await install(1_024)).toEqual([]);
  });
});

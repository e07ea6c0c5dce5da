import { expect, test } from "vitest";
import type { PolicyRule } from "../../src/core/dataplane/contract.ts";
import { type Driver, describeDataPlanes, packets, reasons } from "./data-planes.ts";
import {
  FarEnd,
  facts,
  OWN_4,
  OWN_6,
  PEER,
  PEER_4,
  PEER_6,
  policies,
  programOf,
  routes,
  ruleOf,
  through,
} from "./host.ts";
import { echoRequest, icmpPacket, type PartShape, partOf, partsOf, tcpPacket, udpPacket } from "./inner-packets.ts";

const DATA = new Uint8Array(3000).map((_, at) => at);
const families = [
  { family: "IPv4", own: OWN_4, peer: PEER_4, isIpv6: false },
  { family: "IPv6", own: OWN_6, peer: PEER_6, isIpv6: true },
] as const;

const dns = ruleOf({ protocol: "udp", portFirst: 53, portLast: 53 });
const anyPort = ruleOf();

/** What a host does with the parts of packets between it and a peer, by direction. */
class Scene {
  readonly plane: Driver;
  readonly #farEnd: FarEnd;

  private constructor(plane: Driver, farEnd: FarEnd) {
    this.plane = plane;
    this.#farEnd = farEnd;
  }

  static async of(plane: Driver, inbound: readonly PolicyRule[], outbound = inbound): Promise<Scene> {
    await plane.command(policies([programOf(1, inbound, outbound)]));
    return new Scene(plane, await plane.join());
  }

  /** "passed", or why not. */
  async receives(packet: Uint8Array): Promise<string> {
    await this.plane.advance(200);
    const observed = await this.plane.udp(PEER, this.#farEnd.message(packet));
    return packets(observed).length === 1 ? "passed" : String(reasons(observed)[0]);
  }

  async sends(packet: Uint8Array): Promise<string> {
    await this.plane.advance(200);
    const observed = await this.plane.tun(packet);
    return observed[0]?.out === "udp" ? "passed" : String(reasons(observed)[0]);
  }
}

describeDataPlanes("a divided packet", (open) => {
  test.each(families)("over $family passes in both directions with the rules of its first part", async (given) => {
    const { own, peer } = given;
    const scene = await Scene.of(await open(), [dns]);
    const query = udpPacket({ from: peer, to: own, fromPort: 999, toPort: 53, data: DATA });
    const other = udpPacket({ from: peer, to: own, fromPort: 999, toPort: 54, data: DATA });
    const answer = udpPacket({ from: own, to: peer, fromPort: 53, toPort: 999, data: DATA });
    for (const part of partsOf(query, 1000, 7)) expect(await scene.receives(part)).toBe("passed");
    for (const part of partsOf(answer, 1000, 7)) expect(await scene.sends(part)).toBe("passed");
    const refused = await results(partsOf(other, 1000, 8), (part) => scene.receives(part));
    expect(refused).toEqual(["no-matching-rule", "fragment", "fragment", "fragment"]);
  });

  test.each(families)("over $family is one flow, which counts all its parts", async ({ own, peer }) => {
    const scene = await Scene.of(await open(), [dns]);
    const parts = partsOf(udpPacket({ from: peer, to: own, fromPort: 999, toPort: 53, data: DATA }), 1000, 7);
    for (const part of parts) await scene.receives(part);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    expect(await scene.plane.flows()).toMatchObject([
      { localPort: 53, remotePort: 999, receivedPackets: parts.length, receivedBytes: bytes },
    ]);
  });

  test.each(families)("over $family may come in any order behind its first part", async ({ own, peer }) => {
    const scene = await Scene.of(await open(), [dns]);
    const [first, ...others] = partsOf(
      udpPacket({ from: peer, to: own, fromPort: 1, toPort: 53, data: DATA }),
      1000,
      7,
    );
    for (const part of [first!, ...others.reverse()]) expect(await scene.receives(part)).toBe("passed");
    expect(await scene.receives(others[0]!), "it is whole, and nothing follows it").toBe("fragment");
  });

  test.each(families)(
    "over $family whose first part comes last passes with rules that look at no port only",
    async (given) => {
      const { own, peer } = given;
      const parts = partsOf(udpPacket({ from: peer, to: own, fromPort: 1, toPort: 53, data: DATA }), 1000, 7).reverse();
      const withRules = async (...rules: PolicyRule[]) => {
        const scene = await Scene.of(await open(), rules, []);
        return await results(parts, (part) => scene.receives(part));
      };
      const lost = ["fragment", "fragment", "fragment", "passed"];
      const whole = ["passed", "passed", "passed", "passed"];
      expect(await withRules(dns)).toEqual(lost);
      expect(await withRules(anyPort)).toEqual(whole);
      expect(await withRules(dns, ruleOf({ protocol: "udp", fragment: true }))).toEqual(whole);
      expect(await withRules(dns, ruleOf({ portFirst: 53, portLast: 53, fragment: true }))).toEqual(whole);
      expect(await withRules(dns, ruleOf({ protocol: "tcp", fragment: true }))).toEqual(lost);
      expect(await withRules(dns, ruleOf({ protocol: "icmp" }))).toEqual(lost);
      expect(await withRules(ruleOf({ fragment: true }))).toEqual(["passed", "passed", "passed", "no-matching-rule"]);
    },
  );

  test("scenario 52: a second fragment of which nobody saw the first passes with a `fragment` rule and not without", async () => {
    for (const { own, peer } of families) {
      const [, second] = partsOf(udpPacket({ from: peer, to: own, fromPort: 1, toPort: 53, data: DATA }), 1000, 7);
      const without = await Scene.of(await open(), [dns]);
      expect(await without.receives(second!)).toBe("fragment");
      const withRule = await Scene.of(await open(), [dns, ruleOf({ fragment: true })]);
      expect(await withRule.receives(second!)).toBe("passed");
    }
  });

  test.each(families)(
    "of ICMP over $family has rules about ICMP for its parts, and none about fragments only",
    async (given) => {
      const { own, peer } = given;
      const ping = echoRequest(peer, own, 5);
      const [, second] = partsOf(new Uint8Array([...ping, ...DATA]), 1000, 7);
      const withRule = async (rule: PolicyRule) => (await Scene.of(await open(), [rule])).receives(second!);
      expect(await withRule(ruleOf({ protocol: "icmp" }))).toBe("passed");
      expect(await withRule(ruleOf({ protocol: "icmp", fragment: true }))).toBe("passed");
      expect(await withRule(anyPort)).toBe("passed");
      expect(await withRule(ruleOf({ fragment: true }))).toBe("fragment");
      expect(await withRule(ruleOf({ portFirst: 0, portLast: 9 }))).toBe("fragment");
    },
  );

  test("follows its first part for 30 s", async () => {
    for (const { own, peer } of families) {
      const scene = await Scene.of(await open(), [dns]);
      const packet = udpPacket({ from: peer, to: own, fromPort: 1, toPort: 53, data: DATA });
      const part = (from: number) => partOf(packet, { id: 7, from, to: from + 8 });
      expect(await scene.receives(part(0))).toBe("passed");
      await scene.plane.advance(29_700);
      expect(await scene.receives(part(8))).toBe("passed");
      expect(await scene.receives(part(16))).toBe("fragment");
    }
  });

  test.each<[string, PartShape]>([
    ["the first once more", { id: 7, from: 0, to: 8 }],
    ["the second once more", { id: 7, from: 16, to: 32 }],
    ["into the second", { id: 7, from: 8, to: 24 }],
    ["out of the second", { id: 7, from: 24, to: 40 }],
    ["over the second", { id: 7, from: 8, to: 48 }],
    ["within the second", { id: 7, from: 24, to: 32 }],
    ["an end before what came", { id: 7, from: 8, to: 16, more: false }],
  ])("loses parts that overlap others: %s", async (_, shape) => {
    for (const { own, peer, isIpv6 } of families) {
      const scene = await Scene.of(await open(), [dns]);
      const packet = udpPacket({ from: peer, to: own, fromPort: 1, toPort: 53, data: DATA });
      expect(await scene.receives(partOf(packet, { id: 7, from: 0, to: 8 }))).toBe("passed");
      expect(await scene.receives(partOf(packet, { id: 7, from: 16, to: 32 }))).toBe("passed");
      expect(await scene.receives(partOf(packet, shape))).toBe("fragment-overlap");
      // Of an IPv6 packet nothing goes on any more.
      expect(await scene.receives(partOf(packet, { id: 7, from: 2000, to: 3008 }))).toBe(
        isIpv6 ? "fragment-overlap" : "passed",
      );
    }
  });

  test("has one end, and nothing behind it", async () => {
    const scene = await Scene.of(await open(), [dns]);
    const packet = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 53, data: DATA });
    const receives = (from: number, to: number, more: boolean) =>
      scene.receives(partOf(packet, { id: 7, from, to, more }));
    expect(await receives(0, 8, true)).toBe("passed");
    expect(await receives(32, 40, false)).toBe("passed");
    expect(await receives(40, 48, true)).toBe("fragment-overlap");
    expect(await receives(8, 15, false)).toBe("fragment-overlap");
    expect(await receives(8, 32, true)).toBe("passed");
  });

  test("is told from others by peer, addresses, protocol and id", async () => {
    const plane = await open();
    const scene = await Scene.of(plane, [dns]);
    const datagram = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 53, data: DATA });
    const [first, second] = partsOf(datagram, 1000, 7);
    expect(await scene.receives(first!)).toBe("passed");
    const segment = tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 53, data: DATA });
    for (const other of [
      partsOf(datagram, 1000, 8)[1]!,
      partsOf(udpPacket({ from: "10.77.0.3", to: OWN_4, fromPort: 1, toPort: 53, data: DATA }), 1000, 7)[1]!,
      partsOf(segment, 1000, 7)[1]!,
    ])
      expect(await scene.receives(other)).not.toBe("passed");
    const another = new FarEnd(2, "aes");
    await plane.command(another.installation({ peerAddresses: ["10.77.0.3" as typeof PEER_4] }));
    const stranger = await plane.udp(PEER, another.message(partsOf(datagram, 1000, 7)[1]!));
    expect(reasons(stranger)).toEqual(["remote-address"]);
    expect(await scene.receives(second!)).toBe("passed");
  });

  test("cannot change its ports with a second first part", async () => {
    const scene = await Scene.of(await open(), [dns, ruleOf({ protocol: "udp", portFirst: 1, portLast: 1 })]);
    const shape = { from: PEER_4, to: OWN_4, fromPort: 1, data: DATA };
    const [first, second] = partsOf(udpPacket({ ...shape, toPort: 53 }), 1000, 7);
    expect(await scene.receives(first!)).toBe("passed");
    expect(await scene.receives(partsOf(udpPacket({ ...shape, toPort: 1 }), 1000, 7)[0]!)).toBe("fragment-overlap");
    expect(await scene.receives(second!)).toBe("passed");
    const flows = await scene.plane.flows();
    expect(flows.find((flow) => flow["localPort"] === 53)).toMatchObject({ receivedPackets: 2 });
  });

  test("that was allowed is cut by a reload like every flow", async () => {
    const scene = await Scene.of(await open(), [dns]);
    const [first, second] = partsOf(
      udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 53, data: DATA }),
      1000,
      7,
    );
    expect(await scene.receives(first!)).toBe("passed");
    await scene.plane.command(policies([programOf(1, [])], true));
    expect(await scene.receives(second!)).toBe("no-matching-rule");
  });

  test("may have no more missing than is left for others: a peer holds half, the next one a quarter", async () => {
    const plane = await open();
    const farEnds = [new FarEnd(1, "aes"), new FarEnd(2, "aes")];
    const peers = ["10.77.0.2", "10.77.0.3"] as const;
    for (const [n, farEnd] of farEnds.entries())
      await plane.command(farEnd.installation({ peerAddresses: [peers[n] as typeof PEER_4] }));
    const passed = async (n: 0 | 1) => {
      const part = (id: number) =>
        partOf(udpPacket({ from: peers[n], to: OWN_4, fromPort: 1, toPort: 2, data: DATA }), { id, from: 0, to: 1280 });
      const datagrams = Array.from({ length: 600 }, (_, id) => farEnds[n]!.message(part(id)));
      return (await plane.udps(PEER, datagrams)).filter((observed) => packets(observed).length > 0).length;
    };
    // Of 2 MiB; each costs 4,352 bytes.
    expect(await passed(0)).toBe(241);
    expect(await passed(1)).toBe(120);
    expect(await plane.dropped("fragment-limited")).toBe(1200 - 241 - 120);
    await plane.advance(30_000);
    expect(await passed(0)).toBe(241);
  });

  test("that is refused holds nothing, however many there are", async () => {
    const scene = await Scene.of(await open(), [dns]);
    const refused = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1, toPort: 2, data: DATA });
    for (let id = 0; id < 600; id++) await scene.plane.tun(partsOf(refused, 1000, id)[0]!);
    const allowed = partsOf(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1, toPort: 53, data: DATA }), 1000, 9);
    for (const part of allowed) expect(await scene.sends(part)).toBe("passed");
    expect(await scene.plane.dropped("fragment-limited")).toBe(0);
  });

  test("has at most 64 runs of bytes with holes between them", async () => {
    const scene = await Scene.of(await open(), [dns]);
    const packet = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 53, data: DATA });
    const receives = (n: number) => scene.receives(partOf(packet, { id: 7, from: n * 16, to: n * 16 + 8 }));
    for (let n = 0; n < 64; n++) expect(await receives(n)).toBe("passed");
    expect(await receives(64)).toBe("fragment-limited");
  });

  test.each(families)("over $family waits for a session as a whole and leaves in order", async ({ own, peer }) => {
    const plane = await open();
    await plane.command(policies([programOf(1, [dns])]));
    const parts = partsOf(udpPacket({ from: own, to: peer, fromPort: 1, toPort: 53, data: DATA }), 1000, 7);
    for (const part of parts) await plane.tun(part);
    const observed = await plane.command(new FarEnd(1, "aes").installation());
    expect(observed.filter((each) => each.out === "udp")).toHaveLength(parts.length);
    expect(reasons(observed)).toEqual([]);
  });

  test("takes the gateway of its first part, and so that of its flow", async () => {
    const plane = await open();
    await plane.command(routes({ "10.99.0.0/24": through(["10.77.0.2", 1], ["10.77.0.3", 1]) }));
    for (const [index, address] of [
      [1, "10.77.0.2"],
      [2, "10.77.0.3"],
    ] as const)
      await plane.command(new FarEnd(index, "aes").installation({ peerAddresses: [address as typeof PEER_4] }));
    const sessionOf = async (packet: Uint8Array) => {
      const [sent] = await plane.tun(packet);
      return sent?.out === "udp" ? sent.datagram.slice(8, 16) : "nothing";
    };
    const gateways = new Set<string>();
    for (let port = 1; port <= 32; port++) {
      const shape = { from: OWN_4, to: "10.99.0.7", fromPort: port, toPort: 53 };
      const gateway = await sessionOf(udpPacket(shape));
      gateways.add(gateway);
      for (const part of partsOf(udpPacket({ ...shape, data: DATA }), 1000, port))
        expect(await sessionOf(part)).toBe(gateway);
    }
    expect(gateways.size).toBe(2);
  });

  test("is not answered by a host without a device", async () => {
    const plane = await open();
    await plane.command(facts({ answerEcho: true }));
    const farEnd = await plane.join();
    for (const { own, peer } of families) {
      const parts = partsOf(
        new Uint8Array([...icmpPacket({ from: peer, to: own, type: 8, identifier: 1 }), ...DATA]),
        1000,
        7,
      );
      for (const part of parts) expect(reasons(await plane.udp(PEER, farEnd.message(part)))).toEqual(["no-device"]);
    }
  });
});

async function results<T>(items: readonly T[], each: (item: T) => Promise<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for (const item of items) all.push(await each(item));
  return all;
}

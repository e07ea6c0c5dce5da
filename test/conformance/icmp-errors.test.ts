import { expect, test } from "vitest";
import { describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import {
  FarEnd,
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
  through,
} from "./host.ts";
import { echoRequest, icmpError, ipPacket, tcpPacket, udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const question = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 });
const question6 = udpPacket({ from: OWN_6, to: PEER_6, fromPort: 50_000, toPort: 53 });
const error = (about: Uint8Array, type = 3, bytes = 28): Uint8Array =>
  icmpError({ from: PEER_4, to: OWN_4, type, about, bytes });
const error6 = (about: Uint8Array, type: number): Uint8Array =>
  icmpError({ from: PEER_6, to: OWN_6, type, about, bytes: 1000 });

/** This host may open flows, its peer none. */
describeDataPlanes("an ICMP error", (open) => {
  const outward = async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    const peer = await plane.join();
    const into = async (packet: Uint8Array) => plane.udp(PEER, peer.message(packet));
    return { plane, peer, into };
  };

  test.each([
    ["unreachable", 3, 1],
    ["time exceeded", 11, 3],
    ["parameter problem", 12, 4],
    ["packet too big", 3, 2],
  ])("about a packet of a live flow passes without a rule: %s", async (_, type, type6) => {
    const { plane, into } = await outward();
    expect(passes(await into(error(question, type)))).toBe(false);
    expect(passes(await into(error6(question6, type6)))).toBe(false);
    await plane.tun(question);
    await plane.tun(question6);
    expect(passes(await into(error(question, type)))).toBe(true);
    expect(passes(await into(error6(question6, type6)))).toBe(true);
  });

  test("passes the other way, too", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [ruleOf()], [])]));
    const peer = await plane.join();
    const asked = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 50_000, toPort: 53 });
    const answer = icmpError({ from: OWN_4, to: PEER_4, type: 3, about: asked });
    expect(reasons(await plane.tun(answer))).toEqual(["no-matching-rule"]);
    await plane.udp(PEER, peer.message(asked));
    expect(kinds(await plane.tun(answer))).toEqual(["udp"]);
  });

  test("about an echo request passes", async () => {
    const { plane, into } = await outward();
    await plane.tun(echoRequest(OWN_4, PEER_4, 7));
    expect(passes(await into(error(echoRequest(OWN_4, PEER_4, 7), 11)))).toBe(true);
    expect(passes(await into(error(echoRequest(OWN_4, PEER_4, 8), 11)))).toBe(false);
  });

  test("is nobody's who takes no part in the flow, and no other message", async () => {
    const { plane, into } = await outward();
    await plane.tun(question);
    const other = (change: object) => udpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53, ...change });
    const refused: readonly (readonly [string, Uint8Array])[] = [
      ["another port", error(other({ toPort: 54 }))],
      ["another host", error(other({ to: "10.77.0.3" }))],
      ["another protocol", error(tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 53 }))],
      ["what the peer itself sent", error(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 53, toPort: 50_000 }))],
      ["ports cut off", error(question, 3, 23)],
      ["nothing", error(question, 3, 0)],
      ["a redirect", error(question, 5)],
      ["source quench", error(question, 4)],
      ["a question", error(question, 8)],
      ["an IPv6 packet", error(question6, 3, 48)],
      [
        "another IP version's ICMP",
        ipPacket({ from: PEER_4, to: OWN_4, protocol: 58, upper: error(question, 1).subarray(20) }),
      ],
    ];
    for (const [what, packet] of refused) expect(passes(await into(packet)), what).toBe(false);
    expect(passes(await into(error(question, 3, 24)))).toBe(true);
  });

  test("of a peer about another peer's flow does not pass", async () => {
    const { plane } = await outward();
    await plane.tun(question);
    const other = new FarEnd(2, "aes");
    await plane.command(other.installation({ peerAddresses: ["10.77.0.3" as typeof PEER_4] }));
    const forged = icmpError({ from: "10.77.0.3", to: OWN_4, type: 3, about: question });
    expect(reasons(await plane.udp(PEER, other.message(forged)))).toEqual(["no-matching-rule"]);
  });

  test("of a router behind a gateway passes, about what goes to a host behind the gateway", async () => {
    const { plane } = await outward();
    await plane.command(routes({ "10.99.0.0/16": through([PEER_4, 1]) }));
    const gateway = new FarEnd(2, "aes");
    await plane.command(gateway.installation({ allowedPrefixes: prefixes("10.99.0.0/16") }));
    const beyond = udpPacket({ from: OWN_4, to: "10.99.3.4", fromPort: 50_000, toPort: 53 });
    await plane.tun(beyond);
    const router = (about: Uint8Array, from = "10.99.0.1") => icmpError({ from, to: OWN_4, type: 11, about });
    expect(passes(await plane.udp(PEER, gateway.message(router(beyond))))).toBe(true);
    expect(passes(await plane.udp(PEER, gateway.message(router(beyond, PEER_4))))).toBe(true);
    expect(reasons(await plane.udp(PEER, gateway.message(router(beyond, "10.98.0.1"))))).toEqual(["remote-address"]);
  });

  test("neither prolongs the flow nor counts for it, and passes no more once the flow is refused or gone", async () => {
    const { plane, into } = await outward();
    await plane.tun(question);
    await plane.advance(180_000);
    expect(passes(await into(error(question)))).toBe(true);
    expect(await plane.flows()).toMatchObject([{ receivedPackets: 0, idleMs: 180_000 }]);
    await plane.command(policies([programOf(1, [])], true));
    expect(passes(await into(error(question)))).toBe(false);
    await plane.command(policies([programOf(1, [], [ruleOf()])], true));
    expect(passes(await into(error(question)))).toBe(true);
    await plane.advance(1);
    expect(passes(await into(error(question)))).toBe(false);
  });

  test("passes a hundred times at once for each peer and direction, then only where a rule allows it", async () => {
    const { plane, into } = await outward();
    await plane.tun(question);
    for (let i = 0; i < 100; i++) expect(passes(await into(error(question)))).toBe(true);
    expect(reasons(await into(error(question)))).toEqual(["icmp-error-limited"]);
    expect(await plane.dropped("icmp-error-limited")).toBe(1);
    await plane.advance(10);
    expect(passes(await into(error(question)))).toBe(true);
    await plane.command(policies([programOf(1, [ruleOf({ protocol: "icmp" })], [ruleOf()])], true));
    for (let i = 0; i < 10; i++) expect(passes(await into(error(question)))).toBe(true);
  });
});

describeDataPlanes("a rule with ICMP types", (open) => {
  test("means those messages, of the family that it says", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [ruleOf({ protocol: "icmp", icmpTypes: [8, 256 + 135] })], [])]));
    const peer = await plane.join();
    const message = (from: string, to: string, type: number): Uint8Array =>
      ipPacket({ from, to, protocol: from === PEER_4 ? 1 : 58, upper: Uint8Array.of(type, 0, 0, 0, 0, 1, 0, 0) });
    const types = async (from: string, to: string) => {
      const passing: number[] = [];
      for (let type = 0; type < 256; type++)
        if (passes(await plane.udp(PEER, peer.message(message(from, to, type))))) passing.push(type);
      return passing;
    };
    expect(await types(PEER_4, OWN_4)).toEqual([8]);
    expect(await types(PEER_6, OWN_6)).toEqual([135]);
    expect(
      kinds(
        await plane.tun(
          ipPacket({ from: OWN_4, to: PEER_4, protocol: 1, upper: Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0) }),
        ),
      ),
    ).toEqual(["udp"]);
  });

  test("means what is sent when it is about what this host sends, and goes on doing so after a reload", async () => {
    const plane = await open();
    const typed = (types: readonly number[]) => programOf(1, [], [ruleOf({ protocol: "icmp", icmpTypes: types })]);
    await plane.command(policies([typed([8])]));
    const peer = await plane.join();
    const reply = ipPacket({ from: PEER_4, to: OWN_4, protocol: 1, upper: Uint8Array.of(0, 0, 0, 0, 0, 7, 0, 0) });
    expect(kinds(await plane.tun(echoRequest(OWN_4, PEER_4, 7)))).toEqual(["udp"]);
    expect(passes(await plane.udp(PEER, peer.message(reply)))).toBe(true);
    await plane.command(policies([typed([8, 13])], true));
    expect(passes(await plane.udp(PEER, peer.message(reply)))).toBe(true);
    await plane.command(policies([typed([0])], true));
    expect(passes(await plane.udp(PEER, peer.message(reply)))).toBe(false);
    expect(reasons(await plane.tun(echoRequest(OWN_4, PEER_4, 8)))).toEqual(["no-matching-rule"]);
  });

  test.each([
    ["of another protocol", ruleOf({ icmpTypes: [8] })],
    ["with a type that does not exist", ruleOf({ protocol: "icmp", icmpTypes: [512] })],
    ["with too many", ruleOf({ protocol: "icmp", icmpTypes: Array.from({ length: 65 }, (_, i) => i) })],
  ])("is refused, with all that came with it: %s", async (_, rule) => {
    const plane = await open();
    await plane.join();
    expect(await plane.command(policies([programOf(1, []), programOf(2, [rule])], true))).toEqual([
      { out: "refused", code: "bad-request" },
    ]);
    expect(kinds(await plane.tun(question))).toEqual(["udp"]);
  });
});

function passes(observed: readonly Observed[]): boolean {
  return packets(observed).length === 1;
}

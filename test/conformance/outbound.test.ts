import { expect, test } from "vitest";
import type { IpAddress } from "../../src/core/netip/address.ts";
import { parsePrefix } from "../../src/core/netip/prefix.ts";
import { datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { FarEnd, facts, OWN_4, OWN_6, PEER, PEER_4, PEER_6, policies, programOf, routes, ruleOf } from "./host.ts";
import { echoRequest, icmpPacket, tcpPacket, udpPacket } from "./inner-packets.ts";

const ssh = tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 40_000, toPort: 22 });
const sshReply = tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 40_000 });
const outboundSsh = programOf(1, [], [ruleOf({ protocol: "tcp", portFirst: 22, portLast: 22 })]);

describeDataPlanes("a packet from the device", (open) => {
  test("goes through the session of its destination, in either family", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (const [from, to] of [
      [OWN_4, PEER_4],
      [OWN_6, PEER_6],
    ] as const) {
      const packet = udpPacket({ from, to, fromPort: 1, toPort: 2 });
      expect(peer.open(datagrams(await plane.tun(packet))[0]!)?.body).toEqual(packet);
    }
  });

  test("loses what follows its end", async () => {
    const plane = await open();
    const peer = await plane.join();
    const padded = new Uint8Array(ssh.length + 5);
    padded.set(ssh);
    expect(peer.open(datagrams(await plane.tun(padded))[0]!)?.body).toEqual(ssh);
  });

  test("to a multicast or broadcast address is dropped when that is configured", async () => {
    const plane = await open();
    const multicast = udpPacket({ from: OWN_4, to: "224.0.0.251", fromPort: 1, toPort: 2 });
    const multicast6 = udpPacket({ from: OWN_6, to: "ff02::fb", fromPort: 1, toPort: 2 });
    const broadcast = udpPacket({ from: OWN_4, to: "10.77.255.255", fromPort: 1, toPort: 2 });
    expect(reasons(await plane.tun(multicast))).toEqual(["no-route"]);
    expect(kinds(await plane.tun(broadcast))).toEqual(["need-session"]);
    await plane.command(facts({ dropMulticast: true, dropLocalBroadcast: true }));
    expect(reasons(await plane.tun(multicast))).toEqual(["multicast"]);
    expect(reasons(await plane.tun(multicast6))).toEqual(["multicast"]);
    expect(reasons(await plane.tun(broadcast))).toEqual(["broadcast"]);
  });

  test("finds the broadcast address of a network of four", async () => {
    const plane = await open();
    await plane.command(facts({ dropLocalBroadcast: true, networks: [parsePrefix("10.77.0.5/30")!] }));
    await plane.command(routes({}, ["10.77.0.5/30"]));
    const to = (address: string) => plane.tun(udpPacket({ from: "10.77.0.5", to: address, fromPort: 1, toPort: 2 }));
    expect(reasons(await to("10.77.0.7"))).toEqual(["broadcast"]);
    expect(kinds(await to("10.77.0.6"))).toEqual(["need-session"]);
  });

  test("finds no broadcast address in a network of two", async () => {
    const plane = await open();
    await plane.command(facts({ dropLocalBroadcast: true, networks: [parsePrefix("10.77.0.2/31")!] }));
    await plane.command(routes({}, ["10.77.0.2/31"]));
    const toTheOther = udpPacket({ from: "10.77.0.2", to: "10.77.0.3", fromPort: 1, toPort: 2 });
    expect(kinds(await plane.tun(toTheOther))).toEqual(["need-session"]);
  });

  test("is refused by the first thing that is wrong with it", async () => {
    const plane = await open();
    const drop = async (from: string, to: string) =>
      reasons(await plane.tun(udpPacket({ from, to, fromPort: 1, toPort: 2 })));
    expect(await drop("192.0.2.1", OWN_4)).toEqual(["own-address"]);
    expect(await drop("10.77.0.9", PEER_4)).toEqual(["local-address"]);
    expect(await drop("10.77.0.9", "192.0.2.1")).toEqual(["local-address"]);
    expect(await drop(OWN_4, "192.0.2.1")).toEqual(["no-route"]);
  });

  test("that no peer would read is refused", async () => {
    const plane = await open();
    await plane.join();
    const packetOf = (length: number) =>
      udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1, toPort: 2, data: new Uint8Array(length - 28) });
    expect(kinds(await plane.tun(packetOf(8969)))).toEqual(["udp"]);
    expect(reasons(await plane.tun(packetOf(8970)))).toEqual(["oversized"]);
  });
});

describeDataPlanes("a flow", (open) => {
  test("that a rule opened outbound lets the answers in", async () => {
    const plane = await open();
    await plane.command(policies([outboundSsh]));
    const peer = await plane.join();
    expect(reasons(await plane.udp(PEER, peer.message(sshReply)))).toEqual(["no-matching-rule"]);
    expect(kinds(await plane.tun(ssh))).toEqual(["udp"]);
    expect(packets(await plane.udp(PEER, peer.message(sshReply)))).toHaveLength(1);
  });

  test.each([
    ["TCP", 720_000, tcpPacket],
    ["UDP", 180_000, udpPacket],
  ] as const)("of %s lives %i ms after its last packet", async (_, timeoutMs, packetOf) => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    const peer = await plane.join();
    const answer = packetOf({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 40_000 });
    await plane.tun(packetOf({ from: OWN_4, to: PEER_4, fromPort: 40_000, toPort: 22 }));
    for (const { ms, passes } of [
      { ms: timeoutMs, passes: 1 },
      { ms: timeoutMs, passes: 1 },
      { ms: timeoutMs + 1, passes: 0 },
    ]) {
      await plane.advance(ms);
      expect(packets(await plane.udp(PEER, peer.message(answer)))).toHaveLength(passes);
    }
  });

  test("of ICMP is the identifier of its echo and lives ten minutes", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [ruleOf({ protocol: "icmp" })])]));
    const peer = await plane.join();
    await plane.tun(echoRequest(OWN_4, PEER_4, 7));
    const reply = (identifier: number) => icmpPacket({ from: PEER_4, to: OWN_4, type: 0, identifier });
    expect(packets(await plane.udp(PEER, peer.message(reply(7))))).toHaveLength(1);
    expect(reasons(await plane.udp(PEER, peer.message(reply(8))))).toEqual(["no-matching-rule"]);
    await plane.advance(600_001);
    expect(reasons(await plane.udp(PEER, peer.message(reply(7))))).toEqual(["no-matching-rule"]);
  });

  test.each([
    ["IPv4", OWN_4, PEER_4, [8, 0], 13],
    ["IPv6", OWN_6, PEER_6, [128, 129], 135],
  ] as const)(
    "of an %s echo lets in answers to whoever asked, and no other type",
    async (_, own, far, types, third) => {
      const [request, reply] = types;
      const plane = await open();
      await plane.command(policies([programOf(1, [], [ruleOf({ protocol: "icmp" })])]));
      const peer = await plane.join();
      const from = async (type: number) =>
        plane.udp(PEER, peer.message(icmpPacket({ from: far, to: own, type, identifier: 0 })));
      expect(kinds(await plane.tun(icmpPacket({ from: own, to: far, type: request, identifier: 0 })))).toEqual(["udp"]);
      expect(packets(await from(reply))).toHaveLength(1);
      for (const type of [request, third]) expect(reasons(await from(type))).toEqual(["no-matching-rule"]);
      await plane.command(policies([programOf(1, [ruleOf({ protocol: "icmp" })], [])]));
      expect(packets(await from(request))).toHaveLength(1);
      await plane.command(policies([programOf(1, [], [])]));
      const answer = await plane.tun(icmpPacket({ from: own, to: far, type: reply, identifier: 0 }));
      expect(kinds(answer)).toEqual(["udp"]);
      const third1 = await plane.tun(icmpPacket({ from: own, to: far, type: third, identifier: 0 }));
      expect(reasons(third1)).toEqual(["no-matching-rule"]);
    },
  );

  test("is judged again in its own direction when the rules change", async () => {
    const plane = await open();
    await plane.command(policies([outboundSsh]));
    const peer = await plane.join();
    await plane.tun(ssh);
    await plane.command(policies([outboundSsh], true));
    expect(packets(await plane.udp(PEER, peer.message(sshReply)))).toHaveLength(1);
    await plane.command(policies([programOf(1, [ruleOf()], [])], true));
    // The answers may not go on as a flow of their own, although a rule would let one in.
    for (let i = 0; i < 2; i++)
      expect(reasons(await plane.udp(PEER, peer.message(sshReply)))).toEqual(["no-matching-rule"]);
    await plane.advance(720_001);
    expect(packets(await plane.udp(PEER, peer.message(sshReply)))).toHaveLength(1);
  });

  test("keeps its verdict when programs are only added", async () => {
    const plane = await open();
    await plane.command(policies([outboundSsh]));
    const peer = await plane.join();
    await plane.tun(ssh);
    await plane.command(policies([programOf(1, [], [])]));
    expect(packets(await plane.udp(PEER, peer.message(sshReply)))).toHaveLength(1);
  });

  test("outlives its session and is judged by the next one of the peer", async () => {
    const plane = await open();
    await plane.command(policies([outboundSsh]));
    const first = await plane.join(1);
    await plane.tun(ssh);
    await plane.command({ kind: "remove-session", localIndex: first.localIndex, sendClose: false });
    await plane.command(policies([programOf(1, [], [])]));
    const second = await plane.join(2);
    expect(packets(await plane.udp(PEER, second.message(sshReply)))).toHaveLength(1);
  });

  test("is judged again in its own direction when the peer comes back under another program", async () => {
    const plane = await open();
    await plane.command(policies([outboundSsh]));
    const first = await plane.join(1);
    await plane.tun(ssh);
    await plane.command({ kind: "remove-session", localIndex: first.localIndex, sendClose: false });
    for (const [i, { program, passes }] of [
      { program: programOf(2, [ruleOf()], []), passes: 0 },
      { program: programOf(3, [], [ruleOf()]), passes: 1 },
    ].entries()) {
      const next = new FarEnd(2 + i, "aes");
      await plane.command(policies([program]));
      await plane.command(next.installation({ policyId: program.policyId }));
      expect(packets(await plane.udp(PEER, next.message(sshReply)))).toHaveLength(passes);
    }
  });
});

describeDataPlanes("a rule", (open) => {
  const inbound = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9000, toPort: 53 });
  const inbound6 = udpPacket({ from: PEER_6, to: OWN_6, fromPort: 9000, toPort: 53 });
  const ping = echoRequest(PEER_4, OWN_4, 53);

  test.each([
    ["any port", ruleOf(), [1, 1, 1]],
    ["its own port, inclusive below", ruleOf({ portFirst: 53, portLast: 60 }), [1, 1, 0]],
    ["its own port, inclusive above", ruleOf({ portFirst: 1, portLast: 53 }), [1, 1, 0]],
    ["not the port of the far side", ruleOf({ portFirst: 9000, portLast: 9000 }), [0, 0, 0]],
    ["UDP", ruleOf({ protocol: "udp" }), [1, 1, 0]],
    ["not TCP", ruleOf({ protocol: "tcp" }), [0, 0, 0]],
    ["ICMP, whatever its ports say", ruleOf({ protocol: "icmp", portFirst: 1, portLast: 1 }), [0, 0, 1]],
    ["the remote prefix", ruleOf({ remote: [parsePrefix("10.77.0.0/30")!] }), [1, 0, 1]],
    [
      "any of its prefixes",
      ruleOf({ remote: ["10.99.0.0/16", "10.77.0.2/32", "fd00:77::/64"].map((text) => parsePrefix(text)!) }),
      [1, 1, 1],
    ],
    ["not another prefix", ruleOf({ remote: [parsePrefix("10.77.0.3/32")!] }), [0, 0, 0]],
    ["all IPv6", ruleOf({ remote: [parsePrefix("::/0")!] }), [0, 1, 0]],
  ] as const)("means %s", async (_, rule, passes) => {
    const plane = await open();
    await plane.command(policies([programOf(1, [rule], [])]));
    const peer = await plane.join();
    for (const [i, packet] of [inbound, inbound6, ping].entries())
      expect(packets(await plane.udp(PEER, peer.message(packet)))).toHaveLength(passes[i]!);
  });
});

describeDataPlanes("a packet without a tunnel", (open) => {
  test("waits and asks for one, once a second", async () => {
    const plane = await open();
    expect(await plane.tun(ssh)).toEqual([{ out: "event", event: { kind: "need-session", destination: PEER_4 } }]);
    expect(await plane.tun(ssh)).toEqual([]);
    await plane.advance(999);
    expect(await plane.tun(ssh)).toEqual([]);
    await plane.advance(1);
    expect(kinds(await plane.tun(ssh))).toEqual(["need-session"]);
    const peer = new FarEnd(1, "aes");
    expect(kinds(await plane.command(peer.installation()))).toEqual(["udp", "udp", "udp", "udp"]);
  });

  test("waits ten seconds from the first one on", async () => {
    const plane = await open();
    await plane.tun(ssh);
    await plane.advance(9999);
    await plane.tun(ssh);
    await plane.advance(1);
    expect(await plane.dropped("parked-expired")).toBe(2);
    await plane.tun(ssh);
    await plane.advance(9999);
    expect(kinds(await plane.command(new FarEnd(1, "aes").installation()))).toEqual(["udp"]);
  });

  test("has room for a hundred of its kind", async () => {
    const plane = await open();
    for (let i = 0; i < 100; i++) await plane.tun(ssh);
    await plane.advance(1000);
    expect(kinds(await plane.tun(ssh))).toEqual(["drop-sample", "need-session"]);
    expect(await plane.dropped("parked-full")).toBe(1);
    expect(kinds(await plane.command(new FarEnd(1, "aes").installation()))).toHaveLength(100);
  });

  test("is judged by the rules of the tunnel that comes", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [])]));
    await plane.tun(ssh);
    expect(reasons(await plane.command(new FarEnd(1, "aes").installation()))).toEqual(["no-matching-rule"]);
  });

  test("is released by whatever makes a session primary", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ primary: false }));
    expect(kinds(await plane.tun(ssh))).toEqual(["need-session"]);
    expect(kinds(await plane.command({ kind: "set-primary", localIndex: peer.localIndex }))).toEqual(["udp"]);
  });

  test("is dropped when the control plane gives up", async () => {
    const plane = await open();
    await plane.tun(ssh);
    expect(await plane.command({ kind: "drop-parked", destination: PEER_4 })).toEqual([]);
    expect(await plane.dropped("parked-dropped")).toBe(1);
  });

  test("has room for 4,096 destinations and 10,000 of its kind in all", async () => {
    const plane = await open();
    const to = (n: number) => `10.77.${1 + (n >> 8)}.${n & 255}` as IpAddress;
    const park = async (n: number) =>
      reasons(await plane.tun(udpPacket({ from: OWN_4, to: to(n), fromPort: 1, toPort: 2 })));
    for (let n = 0; n < 4096; n++) expect(await park(n)).toEqual([]);
    expect(await park(4096)).toEqual(["parked-full"]);
    for (let n = 4096; n < 10_000; n++) expect(await park(n % 100)).toEqual([]);
    expect(await park(0)).toEqual(["parked-full"]);
    await plane.command({ kind: "drop-parked", destination: to(4095) });
    expect(await park(4096)).toEqual([]);
  });
});

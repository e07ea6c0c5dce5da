import { expect, test } from "vitest";
import { toHex } from "../../src/core/base/bytes.ts";
import type { IdentifiedProgram, RefusalAction } from "../../src/core/dataplane/contract.ts";
import { datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { type FarEnd, facts, OWN_4, OWN_6, PEER, PEER_4, PEER_6, policies, programOf, ruleOf } from "./host.ts";
import { hasRightChecksum, icmpPacket, ipPacket, partOf, tcpPacket, udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const [FIN, SYN, RST, ACK] = [0x01, 0x02, 0x04, 0x10] as const;
const nothing = (inbound: RefusalAction, outbound: RefusalAction): IdentifiedProgram => ({
  ...programOf(1, []),
  refuse: { inbound, outbound },
});

describeDataPlanes("a rejected packet", (open) => {
  const rejecting = async () => {
    const plane = await open();
    await plane.command(policies([nothing("reject", "reject")]));
    const peer = await plane.join();
    const into = (packet: Uint8Array) => plane.udp(PEER, peer.message(packet));
    return { plane, peer, into };
  };
  const ports = { fromPort: 0x1234, toPort: 0x0050 };
  const toUs = { from: PEER_4, to: OWN_4, ...ports };
  const toUs6 = { from: PEER_6, to: OWN_6, ...ports };

  // Headers with checksums that were computed by hand (RFC 1071) from the bytes of protocol 9.5.
  test.each([
    ["SYN", { flags: SYN, sequence: 0xffff_ffff }, "00501234" + "00000000" + "00000000" + "5014"],
    [
      "SYN and FIN with data",
      { flags: SYN | FIN, sequence: 5, data: new Uint8Array(3) },
      "00501234" + "00000000" + "0000000a" + "5014",
    ],
    ["no flag", { flags: 0, sequence: 5, data: new Uint8Array(3) }, "00501234" + "00000000" + "00000008" + "5014"],
    ["ACK", { flags: ACK, sequence: 5, acknowledgment: 0x8000_0001 }, "00501234" + "80000001" + "00000000" + "5004"],
  ])("of TCP with %s is answered by a RST that fits", async (_, segment, expected) => {
    const { peer, into } = await rejecting();
    const answer = answerIn(peer, await into(tcpPacket({ ...toUs, ...segment })));
    expect(toHex(answer.subarray(0, 20))).toBe("4500002800000000" + "4006" + "6634" + "0a4d0001" + "0a4d0002");
    expect(toHex(answer.subarray(20, 36))).toBe(`${expected}0000`);
    expect(answer).toHaveLength(40);
    expect(hasRightChecksum(answer)).toBe(true);
    const answer6 = answerIn(peer, await into(tcpPacket({ ...toUs6, ...segment })));
    expect(toHex(answer6.subarray(0, 40))).toBe(
      "60000000" + "0014" + "06" + "40" + "fd000077000000000000000000000001" + "fd000077000000000000000000000002",
    );
    expect(toHex(answer6.subarray(40, 56))).toBe(`${expected}0000`);
    expect(answer6).toHaveLength(60);
    expect(hasRightChecksum(answer6)).toBe(true);
  });

  test("of anything else is answered by an ICMP error: administratively prohibited", async () => {
    const { peer, into } = await rejecting();
    const question = udpPacket({ ...toUs, data: new Uint8Array(100).fill(7) });
    const answer = answerIn(peer, await into(question));
    expect(toHex(answer.subarray(0, 20))).toBe("4500003800000000" + "4001" + "6629" + "0a4d0001" + "0a4d0002");
    expect(toHex(answer.subarray(20, 22))).toBe("030d");
    expect(toHex(answer.subarray(24))).toBe(`00000000${toHex(question.subarray(0, 28))}`);
    expect(hasRightChecksum(answer)).toBe(true);
    const long = udpPacket({ ...toUs6, data: new Uint8Array(1200).fill(7) });
    const answer6 = answerIn(peer, await into(long));
    expect(answer6).toHaveLength(1048);
    expect(toHex(answer6.subarray(4, 8))).toBe("03f03a40");
    expect(toHex(answer6.subarray(40, 42))).toBe("0101");
    expect(toHex(answer6.subarray(44))).toBe(`00000000${toHex(long.subarray(0, 1000))}`);
    expect(hasRightChecksum(answer6)).toBe(true);
    const short = ipPacket({ from: PEER_4, to: OWN_4, protocol: 47, upper: new Uint8Array(3) });
    expect(answerIn(peer, await into(short))).toHaveLength(28 + short.length);
  });

  test("is dropped and told of first, and the answer asks no rule and opens no flow", async () => {
    const { plane, into } = await rejecting();
    const observed = await into(udpPacket(toUs));
    expect(kinds(observed)).toEqual(["drop-sample", "udp"]);
    expect(observed[0]).toMatchObject({ event: { reason: "no-matching-rule", action: "reject" } });
    expect(await plane.flows()).toEqual([]);
  });

  test("of this host is answered on its device", async () => {
    const { plane } = await rejecting();
    const mine = tcpPacket({ from: OWN_4, to: PEER_4, ...ports, flags: SYN });
    const observed = await plane.tun(mine);
    expect(kinds(observed)).toEqual(["drop-sample", "tun"]);
    expect(toHex(packets(observed)[0]!.subarray(12, 24))).toBe("0a4d0002" + "0a4d0001" + "00501234");
    expect(hasRightChecksum(packets(observed)[0]!)).toBe(true);
    expect((await plane.sample()).counters).toMatchObject({ tunWrittenPackets: 1 });
    await plane.command(facts({ answerEcho: true }));
    expect(kinds(await plane.tun(mine))).toEqual(["drop-sample"]);
  });

  test("without a route is answered as Configure says", async () => {
    const { plane } = await rejecting();
    const nowhere = udpPacket({ from: OWN_4, to: "192.0.2.9", ...ports });
    expect(kinds(await plane.tun(nowhere))).toEqual(["drop-sample"]);
    await plane.command(facts({ refuseNoRoute: "reject" }));
    const observed = await plane.tun(nowhere);
    expect(observed).toMatchObject([{ event: { reason: "no-route", action: "reject" } }, { out: "tun" }]);
    expect(kinds(await plane.tun(udpPacket({ from: "10.99.0.1", to: "192.0.2.9", ...ports })))).toEqual([
      "drop-sample",
    ]);
    for (const many of ["224.0.0.251", "255.255.255.255", "10.77.255.255"])
      expect(packets(await plane.tun(udpPacket({ from: OWN_4, to: many, ...ports })))).toEqual([]);
  });

  test("that must not be answered is not", async () => {
    const { plane, peer, into } = await rejecting();
    const kept: (readonly [string, Uint8Array])[] = [
      ["a RST", tcpPacket({ ...toUs, flags: RST })],
      ["a RST with ACK", tcpPacket({ ...toUs, flags: RST | ACK })],
      ["TCP cut off", ipPacket({ from: PEER_4, to: OWN_4, protocol: 6, upper: new Uint8Array(19) })],
      ["TCP with a header longer than itself", withByte(tcpPacket(toUs), 32, 0x60)],
      ["TCP with a header shorter than any", withByte(tcpPacket(toUs), 32, 0x40)],
      ["a part of IPv6", partOf(udpPacket({ ...toUs6, data: new Uint8Array(40) }), { id: 1, from: 0, to: 16 })],
      ["a later part", partOf(udpPacket({ ...toUs, data: new Uint8Array(40) }), { id: 1, from: 16, to: 32 })],
      ["somebody else's source", udpPacket({ ...toUs, from: "10.77.0.3" })],
      ["not for us", udpPacket({ ...toUs, to: "10.77.0.9" })],
    ];
    for (const type of [3, 4, 5, 11, 12]) kept.push([`ICMP ${type}`, icmpPacket({ ...toUs, type, identifier: 0 })]);
    for (const type of [1, 2, 3, 4]) kept.push([`ICMPv6 ${type}`, icmpPacket({ ...toUs6, type, identifier: 0 })]);
    for (const [what, packet] of kept) {
      await plane.advance(1000);
      const observed = await into(packet);
      expect(kinds(observed), what).toEqual(["drop-sample"]);
      expect(observed, what).toMatchObject([{ event: { action: "drop" } }]);
    }
    for (const type of [0, 8, 13])
      expect(answerIn(peer, await into(icmpPacket({ ...toUs, type, identifier: 0 })))[20]).toBe(3);
    const first = partOf(udpPacket({ ...toUs, data: new Uint8Array(40) }), { id: 2, from: 0, to: 16 });
    expect(answerIn(peer, await into(first))[21]).toBe(13);
  });

  test("is dropped in the one direction and rejected in the other, as each says", async () => {
    const { plane, into } = await rejecting();
    const mine = udpPacket({ from: OWN_4, to: PEER_4, ...ports });
    await plane.command(policies([nothing("drop", "reject")], true));
    expect([kinds(await into(udpPacket(toUs))), kinds(await plane.tun(mine))]).toEqual([
      ["drop-sample"],
      ["drop-sample", "tun"],
    ]);
    await plane.command(policies([nothing("reject", "drop")], true));
    expect([kinds(await into(udpPacket(toUs))), kinds(await plane.tun(mine))]).toEqual([
      ["drop-sample", "udp"],
      ["drop-sample"],
    ]);
  });

  test("is answered a hundred times at once for a peer, a thousand times for this host; the rest is counted", async () => {
    const { plane, into } = await rejecting();
    for (let i = 0; i < 100; i++) expect(datagrams(await into(udpPacket(toUs)))).toHaveLength(1);
    expect(datagrams(await into(udpPacket(toUs)))).toEqual([]);
    expect(await plane.dropped("reject-limited")).toBe(1);
    const mine = udpPacket({ from: OWN_4, to: PEER_4, ...ports });
    for (let i = 0; i < 1000; i++) expect(packets(await plane.tun(mine))).toHaveLength(1);
    expect(packets(await plane.tun(mine))).toEqual([]);
    expect(await plane.dropped("reject-limited")).toBe(2);
    expect(await plane.dropped("no-matching-rule")).toBe(1102);
    await plane.advance(10);
    expect(datagrams(await into(udpPacket(toUs)))).toHaveLength(1);
    expect(reasons(await into(udpPacket(toUs)))).toEqual([]);
  });

  test("of one program in several pieces is rejected as the last of them says", async () => {
    const { plane, into } = await rejecting();
    await plane.command(policies([nothing("reject", "reject"), nothing("drop", "drop")], true));
    expect(kinds(await into(udpPacket(toUs)))).toEqual(["drop-sample"]);
    await plane.command(
      policies([programOf(1, [ruleOf({ portFirst: 9, portLast: 9 })]), nothing("reject", "drop")], true),
    );
    expect(kinds(await into(udpPacket(toUs)))).toEqual(["drop-sample", "udp"]);
  });
});

function answerIn(peer: FarEnd, observed: readonly Observed[]): Uint8Array {
  const [datagram] = datagrams(observed);
  const opened = datagram === undefined ? undefined : peer.open(datagram);
  if (opened?.type !== 1 || opened.subtype !== 0) throw new Error("no answer");
  return opened.body;
}

function withByte(packet: Uint8Array, at: number, value: number): Uint8Array {
  const changed = new Uint8Array(packet);
  changed[at] = value;
  return changed;
}

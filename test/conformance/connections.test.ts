import { expect, test } from "vitest";
import { describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { type FarEnd, OWN_4, PEER, PEER_4, policies, programOf, ruleOf } from "./host.ts";
import { tcpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const [FIN, SYN, RST, ACK] = [0x01, 0x02, 0x04, 0x10] as const;
const LINGER_MS = 10_000;

/** This host may open connections, its peer none: what comes in comes in with a flow. */
describeDataPlanes("a TCP connection", (open) => {
  const outward = async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    const peer = await plane.join();
    const out = (flags: number) =>
      plane.tun(tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 22, flags }));
    const into = async (flags: number) => passes(await plane.udp(PEER, peer.message(incoming(flags))));
    return { plane, peer, out, into };
  };

  test("is over soon after a FIN each way, and has time to repeat what was lost", async () => {
    const { plane, out, into } = await outward();
    await out(SYN);
    expect(await into(SYN | ACK)).toBe(true);
    await out(FIN | ACK);
    await plane.advance(60_000);
    // Half closed: the peer may go on for as long as any flow.
    expect(await into(ACK)).toBe(true);
    expect(await into(FIN | ACK)).toBe(true);
    await out(ACK);
    await plane.advance(LINGER_MS);
    expect(await into(FIN | ACK)).toBe(true);
    await plane.advance(1);
    expect(await into(FIN | ACK)).toBe(false);
    expect(await plane.flows()).toEqual([]);
  });

  test.each([
    ["of this host", true],
    ["of the peer", false],
  ])("is over soon after a RST %s", async (_, isOurs) => {
    const { plane, out, into } = await outward();
    await out(SYN);
    if (isOurs) await out(RST);
    else expect(await into(RST | ACK)).toBe(true);
    await plane.advance(LINGER_MS);
    expect(await into(ACK)).toBe(true);
    await plane.advance(1);
    expect(await into(ACK)).toBe(false);
  });

  test("goes on when this host does not believe a RST of the peer", async () => {
    const { plane, out, into } = await outward();
    await out(SYN);
    await into(RST);
    await out(ACK);
    await plane.advance(LINGER_MS + 1);
    expect(await into(ACK)).toBe(true);
    await into(RST);
    await out(RST);
    await plane.advance(LINGER_MS + 1);
    expect(await into(ACK)).toBe(false);
  });

  test("that is over makes way for a new one, which is judged by the rules", async () => {
    const { plane, peer, out, into } = await outward();
    await out(SYN);
    await out(RST);
    expect(reasons(await plane.udp(PEER, peer.message(incoming(SYN))))).toEqual(["no-matching-rule"]);
    // What is refused changes nothing: what was lost of the one that is over may still be repeated.
    expect(await into(ACK)).toBe(true);
    expect(kinds(await out(SYN))).toEqual(["udp"]);
    await plane.advance(LINGER_MS + 1);
    expect(await into(SYN | ACK)).toBe(true);
  });

  test("that only one side has finished, or nobody answers, is remembered as long as any", async () => {
    const { plane, out, into } = await outward();
    for (const flags of [SYN, FIN | ACK]) {
      await out(flags);
      await plane.advance(720_000);
      expect(await into(ACK)).toBe(true);
    }
    await plane.advance(720_001);
    expect(await into(ACK)).toBe(false);
  });

  test("does not take the FIN of the one before for its own", async () => {
    const { plane, out, into } = await outward();
    await out(FIN | ACK);
    await out(SYN);
    await into(FIN | ACK);
    await plane.advance(LINGER_MS + 1);
    expect(await into(ACK)).toBe(true);
  });

  test("is not ended by what is refused", async () => {
    const plane = await open();
    const peer: FarEnd = await plane.join();
    await plane.tun(tcpPacket({ from: OWN_4, to: PEER_4, fromPort: 50_000, toPort: 22, flags: SYN }));
    await plane.command(policies([programOf(1, [])], true));
    expect(passes(await plane.udp(PEER, peer.message(incoming(RST))))).toBe(false);
    await plane.command(policies([programOf(1, [], [ruleOf()])], true));
    await plane.advance(LINGER_MS + 1);
    expect(passes(await plane.udp(PEER, peer.message(incoming(ACK))))).toBe(true);
  });
});

function incoming(flags: number): Uint8Array {
  return tcpPacket({ from: PEER_4, to: OWN_4, fromPort: 22, toPort: 50_000, flags });
}

function passes(observed: readonly Observed[]): boolean {
  return packets(observed).length === 1;
}

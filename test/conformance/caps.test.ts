import { expect, test } from "vitest";
import type { DataPlaneCommand } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath } from "../../src/core/path/path.ts";
import { describeDataPlanes, kinds } from "./data-planes.ts";
import {
  FarEnd,
  facts,
  handshake,
  OWN_4,
  OWN_6,
  PEER,
  PEER_4,
  PEER_6,
  policies,
  programOf,
  ruleOf,
  STRANGER,
} from "./host.ts";
import { echoRequest, udpPacket } from "./inner-packets.ts";

const badRequest = [{ out: "refused", code: "bad-request" }];

function sessions(count: number, addressesEach: number, first = 1): readonly DataPlaneCommand[] {
  return Array.from({ length: count }, (_, i) => {
    const index = first + i;
    const peerAddresses = Array.from({ length: addressesEach }, (_, k) => address(index * addressesEach + k));
    return new FarEnd(index, "chachapoly").installation({ peerAddresses });
  });
}

function address(n: number): IpAddress {
  return `10.${100 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}` as IpAddress;
}

describeDataPlanes("a table that is full", (open) => {
  test("refuses the 65,537th session and takes one again when another has gone", async () => {
    const plane = await open();
    expect((await plane.commands(sessions(65_536, 1))).flat()).toEqual([]);
    const one = sessions(1, 1, 65_537)[0]!;
    expect(await plane.command(one)).toEqual(badRequest);
    expect(await plane.snapshot()).toHaveLength(65_536);
    await plane.command({ kind: "remove-session", localIndex: new FarEnd(9, "aes").localIndex, sendClose: false });
    expect(await plane.command(one)).toEqual([]);
  });

  test("refuses the session that brings the 131,073rd address", async () => {
    const plane = await open();
    expect((await plane.commands(sessions(43_690, 3))).flat()).toEqual([]);
    expect(await plane.command(sessions(1, 3, 43_691)[0]!)).toEqual(badRequest);
    expect(await plane.command(sessions(1, 2, 100_000)[0]!)).toEqual([]);
  });

  test("gives the last addresses to whom is confirmed first, and lets a new session take over any", async () => {
    const plane = await open();
    await plane.commands(sessions(43_690, 3));
    const late = [[50_001, "10.77.1"] as const, [50_002, "10.77.2"] as const].map(([index, prefix]) => {
      const farEnd = new FarEnd(index, "aes");
      const peerAddresses = [`${prefix}.1`, `${prefix}.2`] as IpAddress[];
      return { farEnd, install: farEnd.installation({ peerAddresses, confirmed: false }) };
    });
    expect((await plane.commands(late.map(({ install }) => install))).flat()).toEqual([]);
    for (const { farEnd } of late) await plane.udp(PEER, farEnd.seal(6, 0, new Uint8Array()));
    const takeover = new FarEnd(60_000, "aes").installation({ peerAddresses: [address(3)] });
    expect(await plane.command(takeover)).toEqual([]);
    expect((await plane.snapshot()).slice(-3)).toMatchObject([
      { localIndex: 50_001, confirmed: true, primary: true },
      { localIndex: 50_002, confirmed: true, primary: false },
      { localIndex: 60_000, confirmed: true, primary: true },
    ]);
  });

  test("gives a new flow the place of a flow of whoever has most, and never what the host asked for itself", async () => {
    const plane = await open();
    const allowed = policies([programOf(1, [ruleOf({ protocol: "icmp" })], [ruleOf()])]);
    const nothing = policies([programOf(1, [], [])]);
    await plane.command(allowed);
    const greedy = await plane.join(1);
    const modest = new FarEnd(2, "aes");
    const modestAddress = "10.77.0.3" as IpAddress;
    await plane.command(modest.installation({ peerAddresses: [modestAddress] }));
    const ping = (from: string, identifier: number) => echoRequest(from, OWN_4, identifier);
    const passes = async (peer: FarEnd, packet: Uint8Array) =>
      kinds(await plane.udp(PEER, peer.message(packet)))[0] === "tun";
    expect(await passes(modest, ping(modestAddress, 1))).toBe(true);
    await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1, toPort: 2 }));
    const sessions = [greedy, new FarEnd(3, "aes")];
    await plane.command(sessions[1]!.installation());
    // Both families, and two sessions of the same peer: 131,072 flows of one owner.
    for (const [from, to] of [[PEER_4, OWN_4] as const, [PEER_6, OWN_6] as const]) {
      const flood = Array.from({ length: 65_536 }, (_, identifier) =>
        sessions[identifier % 2]!.message(echoRequest(from, to, identifier)),
      );
      await plane.udps(PEER, flood);
    }
    expect(await plane.dropped("flow-evicted")).toBe(131_072 + 2 - 65_536);
    await plane.command(nothing);
    expect(await passes(modest, ping(modestAddress, 1))).toBe(true);
    expect(await passes(greedy, udpPacket({ from: PEER_4, to: OWN_4, fromPort: 2, toPort: 1 }))).toBe(true);
    expect(await passes(greedy, echoRequest(PEER_6, OWN_6, 1))).toBe(false);
    expect(await passes(greedy, echoRequest(PEER_6, OWN_6, 2))).toBe(true);
  });

  test("remembers as many flows as it is told to, and gives up at once what a lower number leaves too many", async () => {
    const plane = await open();
    await plane.command(policies([programOf(1, [ruleOf()], [ruleOf()])]));
    await plane.join(1);
    const opens = async (from: number, to: number) => {
      for (let port = from; port < to; port++) {
        await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: port, toPort: 2 }));
      }
    };
    await plane.command(facts({ flowLimit: 30 }));
    await opens(1, 31);
    await opens(1, 31);
    await opens(31, 33);
    expect(await plane.dropped("flow-evicted")).toBe(2);
    expect(await plane.flows()).toHaveLength(30);
    await plane.command(facts({ flowLimit: 10 }));
    expect(await plane.dropped("flow-evicted")).toBe(22);
    expect(await plane.flows()).toHaveLength(10);
    expect(await plane.command(facts({ flowLimit: 1_048_577 }))).toEqual(badRequest);
  });

  test("forgets the source that was seen longest ago", async () => {
    const plane = await open();
    const isAdmitted = async (source: Endpoint) => kinds(await plane.udp(source, handshake(1n, 0)))[0] === "datagram";
    // Somebody known, who shares no other limit with those who come after.
    await plane.command({ kind: "send-datagram", to: directPath(STRANGER), datagram: new Uint8Array() });
    for (let i = 0; i < 40; i++) expect(await isAdmitted(STRANGER)).toBe(true);
    expect(await isAdmitted(STRANGER)).toBe(false);
    for (let i = 0; i < 4095; i++) await isAdmitted(`203.${i >> 8}.${i & 255}.1:9` as Endpoint);
    expect(await isAdmitted(STRANGER)).toBe(false);
    for (let i = 0; i < 4096; i++) await isAdmitted(`204.${i >> 8}.${i & 255}.1:9` as Endpoint);
    expect(await isAdmitted(STRANGER)).toBe(true);
  });

  test("asks for 8,192 destinations at once and for 1,000 a second, and parks the others' packets all the same", async () => {
    const plane = await open();
    const asks = async (from: number, to: number) => {
      let asked = 0;
      for (let n = from; n < to; n++) {
        const packet = udpPacket({ from: OWN_4, to: `10.77.${1 + (n >> 8)}.${n & 255}`, fromPort: 1, toPort: 2 });
        if (kinds(await plane.tun(packet)).includes("need-session")) asked++;
      }
      return asked;
    };
    expect(await asks(0, 8_300)).toBe(8_192);
    await plane.advance(100);
    expect(await asks(8_192, 8_300)).toBe(100);
    expect(await plane.dropped("parked-full")).toBe(8_300 - 4_096 + 108);
  });

  test("forgets the destination that was asked for longest ago", async () => {
    const plane = await open();
    const asks = async (n: number) =>
      kinds(
        await plane.tun(udpPacket({ from: OWN_4, to: `10.77.${1 + (n >> 8)}.${n & 255}`, fromPort: 1, toPort: 2 })),
      );
    for (let n = 0; n < 4096; n++) expect(await asks(n)).toEqual(["need-session"]);
    expect(await asks(0)).toEqual([]);
    expect(await asks(4096)).toContain("need-session");
    expect(await asks(0)).toContain("need-session");
    expect(await asks(2)).toEqual([]);
  });
});

import { describe, expect, test } from "vitest";
import { hostRoutes } from "../../../../src/core/route/host-routes.ts";
import { echoRequest, udpPacket } from "../../../conformance/inner-packets.ts";
import { Bench, datagramsOf, eventsOf, hostFacts, joinedPair, packetsOf, underlay } from "./joined.ts";

const ping = udpPacket({ from: "10.77.0.1", to: "10.77.0.2", fromPort: 5000, toPort: 53 });
const pong = udpPacket({ from: "10.77.0.2", to: "10.77.0.1", fromPort: 53, toPort: 5000 });

describe.each(["aes", "chachapoly"] as const)("two hosts with a session (%s)", (cipher) => {
  test("exchange packets, and the first one confirms the responder's session", () => {
    const { a, b } = joinedPair({ cipher });
    const [datagram] = datagramsOf(a.tun(ping));
    const arrived = b.udp(underlay(1), datagram!);
    expect(eventsOf(arrived).map(({ kind }) => kind)).toEqual(["confirmed"]);
    expect(packetsOf(arrived)).toEqual([ping]);

    const [answer] = datagramsOf(b.tun(pong));
    expect(packetsOf(a.udp(underlay(2), answer!))).toEqual([pong]);
  });

  test("deliver a replayed packet once and a changed one never", () => {
    const { a, b } = joinedPair({ cipher });
    const [datagram] = datagramsOf(a.tun(ping));
    const changed = datagram!.slice();
    changed[20]! ^= 1;
    expect(packetsOf(b.udp(underlay(1), changed))).toEqual([]);
    expect(packetsOf(b.udp(underlay(1), datagram!))).toEqual([ping]);
    expect(packetsOf(b.udp(underlay(1), datagram!))).toEqual([]);
    expect(b.dropped("not-authentic")).toBe(1);
    expect(b.dropped("replayed")).toBe(1);
  });
});

test("a responder parks its own packets until the initiator has spoken", () => {
  const { a, b } = joinedPair();
  expect(b.tun(pong)).toEqual([{ to: "control", event: { kind: "need-session", destination: "10.77.0.1" } }]);
  const arrived = b.udp(underlay(1), datagramsOf(a.tun(ping))[0]!);
  expect(arrived.map(({ to }) => to)).toEqual(["control", "tun", "udp"]);
  expect(packetsOf(a.udp(underlay(2), datagramsOf(arrived)[0]!))).toEqual([pong]);
});

test("what is parked expires after ten seconds and asks for its tunnel once a second", () => {
  const host = new Bench();
  const facts = hostFacts("10.77.0.1/16");
  host.command(facts);
  host.command({ kind: "apply-routes", routes: hostRoutes({ networks: facts.networks }).routes });
  expect(eventsOf(host.tun(ping))).toHaveLength(1);
  host.advance(999);
  expect(eventsOf(host.tun(ping))).toHaveLength(0);
  host.advance(1);
  expect(eventsOf(host.tun(ping))).toHaveLength(1);
  expect(host.plane.pollTimeout()).toBe(1_010_000);
  host.advance(9_000);
  expect(host.plane.pollTimeout()).toBeUndefined();
  expect(host.dropped("parked-expired")).toBe(3);
});

test("a host without a device answers a ping and refuses everything else", () => {
  const { a, b } = joinedPair();
  b.command({ ...hostFacts("10.77.0.2/16"), answerEcho: true });
  const arrived = b.udp(underlay(1), datagramsOf(a.tun(echoRequest("10.77.0.1", "10.77.0.2", 7)))[0]!);
  const [reply] = packetsOf(a.udp(underlay(2), datagramsOf(arrived)[0]!));
  expect(reply?.subarray(12, 20)).toEqual(new Uint8Array([10, 77, 0, 2, 10, 77, 0, 1]));
  expect(reply?.[20]).toBe(0);
  b.udp(underlay(1), datagramsOf(a.tun(ping))[0]!);
  expect(b.dropped("no-device")).toBe(1);
});

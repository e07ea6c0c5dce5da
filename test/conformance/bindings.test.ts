import { expect, test } from "vitest";
import { directPath } from "../../src/core/path/path.ts";
import { datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, flipped, PEER, prefixes, STRANGER } from "./host.ts";
import { behindRelay, OURS, RELAY, relayed, toPeer } from "./relayed.ts";

const TOKEN = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
const TOKEN_HEX = "0102030405060708090a0b0c0d0e0f10";
/** A token, and as much as the place in a reply takes. */
const REQUEST = Buffer.concat([TOKEN, Buffer.alloc(18, 0xee)]);
const bodyOf = (peer: FarEnd, observed: Parameters<typeof datagrams>[0]) =>
  Buffer.from(peer.open(datagrams(observed)[0]!)!.body).toString("hex");

describeDataPlanes("a binding request", (open) => {
  test.each([
    [ELSEWHERE, "00000000000000000000ffffc00002631092"],
    ["[2001:db8::77]:4711", "20010db80000000000000000000000771267"],
  ])("from %s is answered on the path of the session, with its token and where it came from", async (from, place) => {
    const plane = await open();
    const peer = await plane.join();
    const observed = await plane.udp(from as typeof ELSEWHERE, peer.seal(4, 4, REQUEST));
    expect(observed).toMatchObject([{ out: "udp", to: PEER }]);
    const reply = peer.open(datagrams(observed)[0]!)!;
    expect(reply).toMatchObject({ type: 4, subtype: 5 });
    const body = Buffer.from(reply.body).toString("hex");
    expect(body.slice(0, 32)).toBe(TOKEN_HEX);
    expect(body.slice(32)).toBe(place);
    expect(reply.body).toHaveLength(REQUEST.length);
    expect((await plane.sample()).counters["testRequestsAnswered"]).toBe(1);
  });

  test("moves no path", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.udp(ELSEWHERE, peer.seal(4, 4, REQUEST));
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
  });

  test("is answered once: a replayed one, a changed one and one of no session are not", async () => {
    const plane = await open();
    const peer = await plane.join();
    const request = peer.seal(4, 4, REQUEST);
    expect(kinds(await plane.udp(ELSEWHERE, request))).toEqual(["udp"]);
    expect(reasons(await plane.udp(STRANGER, request))).toEqual(["replayed"]);
    expect(reasons(await plane.udp(STRANGER, flipped(peer.seal(4, 4, REQUEST), 20)))).toEqual(["not-authentic"]);
    expect(reasons(await plane.udp(STRANGER, new FarEnd(2, "aes").seal(4, 4, REQUEST)))).toEqual(["unknown-index"]);
  });

  test.each([0, 15, 16, 33, 35, 1300])("of %i bytes is none: nobody gets more than he sends", async (bytes) => {
    const plane = await open();
    const peer = await plane.join();
    expect(reasons(await plane.udp(ELSEWHERE, peer.seal(4, 4, new Uint8Array(bytes))))).toEqual(["bad-path-probe"]);
  });

  test("through a relay is none: it came from nowhere", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    expect(reasons(await plane.udp(RELAY, relay.wrap(OURS, peer.seal(4, 4, REQUEST))))).toEqual(["bad-path-probe"]);
  });

  test("is answered through the relay that the session goes through", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: relayed });
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 4, REQUEST));
    expect(observed).toMatchObject([{ out: "udp", to: RELAY }]);
    const { inner } = relay.unwrap(datagrams(observed)[0]!)!;
    expect(peer.open(Buffer.from(inner).toString("hex"))).toMatchObject({ type: 4, subtype: 5 });
  });

  test("from where the peer may not be is not answered", async () => {
    const plane = await open();
    const [prefix] = prefixes("192.0.2.99/32");
    await plane.command(facts({ remoteAllowList: { everybody: [{ prefix: prefix!, allowed: false }], ranges: [] } }));
    const peer = await plane.join();
    expect(reasons(await plane.udp(ELSEWHERE, peer.seal(4, 4, REQUEST)))).toEqual(["path-not-allowed"]);
  });

  test("shares the tokens of test requests", async () => {
    const plane = await open();
    const peer = await plane.join();
    const requests = Array.from({ length: 200 }, () => peer.seal(4, 4, REQUEST));
    expect((await plane.udps(ELSEWHERE, requests)).flatMap(kinds)).toEqual(new Array(200).fill("udp"));
    expect(reasons(await plane.udp(PEER, peer.seal(4, 2, TOKEN)))).toEqual(["message-limited"]);
  });
});

describeDataPlanes("a binding reply", (open) => {
  test("is told as it is, and moves no path", async () => {
    const plane = await open();
    const peer = await plane.join();
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 5, REQUEST));
    expect(observed).toMatchObject([{ event: { kind: "message", localIndex: 1, type: 4, subtype: 5 } }]);
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
  });

  test.each([0, 33, 35])("of %i bytes is none", async (bytes) => {
    const plane = await open();
    const peer = await plane.join();
    expect(reasons(await plane.udp(PEER, peer.seal(4, 5, new Uint8Array(bytes))))).toEqual(["bad-path-probe"]);
  });

  test("takes a token as test replies do", async () => {
    const plane = await open();
    const peer = await plane.join();
    const replies = Array.from({ length: 500 }, () => peer.seal(4, 5, REQUEST));
    expect((await plane.udps(PEER, replies)).flatMap(kinds)).toEqual(new Array(500).fill("message"));
    expect(reasons(await plane.udp(PEER, peer.seal(4, 1, TOKEN)))).toEqual(["message-limited"]);
  });
});

describeDataPlanes("a question of ours", (open) => {
  test("leaves to where it is told, whatever path the session has", async () => {
    const plane = await open();
    const peer = await plane.join();
    const to = directPath(ELSEWHERE);
    const command = {
      kind: "seal-and-send",
      localIndex: peer.localIndex,
      type: 4,
      subtype: 4,
      body: REQUEST,
      to,
    } as const;
    const observed = await plane.command(command);
    expect(observed).toMatchObject([{ out: "udp", to: ELSEWHERE }]);
    expect(bodyOf(peer, observed)).toBe(REQUEST.toString("hex"));
  });
});

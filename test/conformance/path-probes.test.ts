import { expect, test } from "vitest";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, flipped, PEER, PEER_4, prefixes, STRANGER } from "./host.ts";
import { behindRelay, OURS, RELAY, relayed, toPeer, toUs } from "./relayed.ts";

const TOKEN = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
const TOKEN_HEX = "0102030405060708090a0b0c0d0e0f10";
/** A token, and what is there for the length only. */
const padded = (bytes: number): Uint8Array => {
  const body = new Uint8Array(bytes).fill(0xee);
  body.set(TOKEN);
  return body;
};

describeDataPlanes("a path request", (open) => {
  test.each([16, 17, 1300, 8969])("of %i bytes is answered with its token, there where it came from", async (bytes) => {
    const plane = await open();
    const peer = await plane.join();
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 2, padded(bytes)));
    expect(observed).toMatchObject([{ out: "udp", to: ELSEWHERE }]);
    expect(peer.open(datagrams(observed)[0]!)).toMatchObject({ type: 4, subtype: 3, body: TOKEN });
    expect((await plane.sample()).counters["testRequestsAnswered"]).toBe(1);
  });

  test("moves no path, not even from behind a relay, and what moves it is told of when it does", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.udp(ELSEWHERE, peer.seal(4, 2, TOKEN));
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: relayed });
    await plane.udp(ELSEWHERE, peer.seal(4, 2, TOKEN));
    expect(await plane.snapshot()).toMatchObject([{ path: { kind: "relayed" } }]);
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["roamed", "tun"]);
  });

  test("is answered once: a replayed one, a changed one and one of no session are not", async () => {
    const plane = await open();
    const peer = await plane.join();
    const request = peer.seal(4, 2, TOKEN);
    expect(kinds(await plane.udp(PEER, request))).toEqual(["udp"]);
    expect(reasons(await plane.udp(STRANGER, request))).toEqual(["replayed"]);
    expect(reasons(await plane.udp(PEER, flipped(peer.seal(4, 2, TOKEN), 20)))).toEqual(["not-authentic"]);
    const nobody = await plane.udp(STRANGER, new FarEnd(2, "aes").seal(4, 2, TOKEN));
    expect(reasons(nobody)).toEqual(["unknown-index"]);
    expect(await plane.dropped("unknown-index")).toBe(1);
  });

  test("through a relay is answered through the relay", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: directPath(PEER) });
    const observed = await plane.udp(RELAY, relay.wrap(OURS, peer.seal(4, 2, TOKEN)));
    expect(observed).toMatchObject([{ out: "udp", to: RELAY }]);
    const { index, inner } = relay.unwrap(datagrams(observed)[0]!)!;
    expect(index).toBe(relayed.relayIndex);
    expect(peer.open(Buffer.from(inner).toString("hex"))).toMatchObject({ type: 4, subtype: 3, body: TOKEN });
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
  });

  test("that is shorter than its token is none", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(reasons(await plane.udp(PEER, peer.seal(4, 2, TOKEN.subarray(1))))).toEqual(["bad-path-probe"]);
    expect(reasons(await plane.udp(PEER, peer.seal(4, 2, new Uint8Array())))).toEqual(["bad-path-probe"]);
  });

  test("from where the peer may not be is not answered", async () => {
    const plane = await open();
    const [prefix] = prefixes("192.0.2.99/32");
    await plane.command(facts({ remoteAllowList: { everybody: [{ prefix: prefix!, allowed: false }], ranges: [] } }));
    const peer = await plane.join();
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 2, TOKEN));
    expect(kinds(observed)).toEqual(["drop-sample"]);
    expect(reasons(observed)).toEqual(["path-not-allowed"]);
    expect(kinds(await plane.udp(PEER, peer.seal(4, 2, TOKEN)))).toEqual(["udp"]);
  });

  test("confirms a session like any packet, and shows where its peer is", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 2, TOKEN));
    expect(kinds(observed)).toEqual(["roamed", "confirmed", "udp"]);
    expect(await plane.tun(toPeer)).toMatchObject([{ to: ELSEWHERE }]);
  });

  test("shares the tokens of test requests", async () => {
    const plane = await open();
    const peer = await plane.join();
    const requests = Array.from({ length: 200 }, (_, at) => peer.seal(4, at % 2 === 0 ? 0 : 2, TOKEN));
    const answered = await plane.udps(PEER, requests);
    expect(answered.flatMap(kinds)).toEqual(new Array(200).fill("udp"));
    expect(reasons(await plane.udp(PEER, peer.seal(4, 2, TOKEN)))).toEqual(["message-limited"]);
    await plane.advance(10);
    expect(kinds(await plane.udp(PEER, peer.seal(4, 2, TOKEN)))).toEqual(["udp"]);
  });
});

describeDataPlanes("a path reply", (open) => {
  test("is told with the way that it came on, and moves no path", async () => {
    const plane = await open();
    const peer = await plane.join();
    const observed = await plane.udp(ELSEWHERE, peer.seal(4, 3, TOKEN));
    expect(observed).toEqual([
      {
        out: "event",
        event: { kind: "path-replied", localIndex: 1, origin: directPath(ELSEWHERE), token: TOKEN_HEX },
      },
    ]);
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
  });

  test("through a relay is told with the way back", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const observed = await plane.udp(RELAY, relay.wrap(OURS, peer.seal(4, 3, TOKEN)));
    expect(observed).toMatchObject([{ event: { kind: "path-replied", localIndex: 1, origin: relayed } }]);
  });

  test.each([0, 15, 17])("of %i bytes is none", async (bytes) => {
    const plane = await open();
    const peer = await plane.join();
    expect(reasons(await plane.udp(PEER, peer.seal(4, 3, new Uint8Array(bytes))))).toEqual(["bad-path-probe"]);
  });

  test("takes a token as test replies do", async () => {
    const plane = await open();
    const peer = await plane.join();
    const replies = Array.from({ length: 500 }, () => peer.seal(4, 3, TOKEN));
    expect((await plane.udps(PEER, replies)).flatMap(kinds)).toEqual(new Array(500).fill("path-replied"));
    expect(reasons(await plane.udp(PEER, peer.seal(4, 1, TOKEN)))).toEqual(["message-limited"]);
  });
});

const probe = (plane: Driver, peer: FarEnd, to = directPath(ELSEWHERE)) =>
  plane.command({ kind: "seal-and-send", localIndex: peer.localIndex, type: 4, subtype: 2, body: TOKEN, to });

describeDataPlanes("a path of ours", (open) => {
  test("is measured by a request that leaves on it, whatever path the session has", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const straight = await probe(plane, peer);
    expect(straight).toMatchObject([{ out: "udp", to: ELSEWHERE }]);
    expect(peer.open(datagrams(straight)[0]!)).toMatchObject({ type: 4, subtype: 2, body: TOKEN });
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: directPath(PEER) });
    const [frame] = datagrams(
      await plane.command({
        kind: "seal-and-send",
        localIndex: peer.localIndex,
        type: 4,
        subtype: 2,
        body: TOKEN,
        to: relayed,
      }),
    );
    expect(relay.unwrap(frame!)?.index).toBe(relayed.relayIndex);
    expect(await plane.tun(toPeer)).toMatchObject([{ to: PEER }]);
    expect(await plane.snapshot()).toMatchObject([{ peerAddresses: [PEER_4, expect.anything()] }, {}]);
  });
});

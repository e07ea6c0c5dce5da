import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/base/bytes.ts";
import type { LocalIndex } from "../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath, type Path } from "../../src/core/path/path.ts";
import { recvErrorFor } from "../../src/core/wire/header.ts";
import { datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, flipped, handshake, OWN_4, PEER, STRANGER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import {
  behindRelay,
  OURS,
  RELAY,
  RELAY_4,
  relayed,
  setRelay,
  THEIRS,
  THIRD,
  THIRD_4,
  toPeer,
  toUs,
} from "./relayed.ts";

const badRequest = [{ out: "refused", code: "bad-request" }];

describeDataPlanes("a relayed path", (open) => {
  test.each(["aes", "chachapoly"] as const)(
    "has what is sealed for the peer wrapped for the relay: %s",
    async (cipher) => {
      const { plane, relay, peer } = await behindRelay(open, cipher);
      const observed = await plane.tun(toPeer);
      expect(observed).toMatchObject([{ out: "udp", to: RELAY }]);
      const { index, inner } = relay.unwrap(datagrams(observed)[0]!)!;
      expect(index).toBe(THEIRS);
      expect(peer.open(toHex(inner))).toMatchObject({ type: 1, subtype: 0, body: toPeer });
      expect(fromHex(datagrams(observed)[0]!)).toHaveLength(toPeer.length + 64);
    },
  );

  test("counts what it sends in both sessions", async () => {
    const { plane } = await behindRelay(open);
    await plane.tun(toPeer);
    const sent = (extra: number) => ({ sent: true, sentPackets: 1, sentBytes: toPeer.length + extra });
    expect((await plane.sample()).activity).toMatchObject([sent(32), sent(64)]);
    expect((await plane.sample()).counters["udpSentDatagrams"]).toBe(1);
  });

  test("carries control messages, handshakes and punches, too", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const seal = { kind: "seal-and-send", localIndex: peer.localIndex, type: 4, subtype: 0, body: toPeer } as const;
    const [test] = datagrams(await plane.command(seal));
    expect(peer.open(toHex(relay.unwrap(test!)!.inner))).toMatchObject({ type: 4, body: toPeer });
    for (const datagram of [handshake(1n, 0), handshake(2n, 7), new Uint8Array(), new Uint8Array(8969)]) {
      const [sent] = datagrams(await plane.command({ kind: "send-datagram", to: relayed, datagram }));
      expect(relay.unwrap(sent!)).toEqual({ index: THEIRS, inner: datagram });
    }
    const long = { kind: "send-datagram", to: relayed, datagram: new Uint8Array(8970) } as const;
    expect(await plane.command(long)).toEqual(badRequest);
  });

  test("leaves room for both tags", async () => {
    const { plane, peer } = await behindRelay(open);
    const seal = (length: number) =>
      plane.command({
        kind: "seal-and-send",
        localIndex: peer.localIndex,
        type: 3,
        subtype: 0,
        body: new Uint8Array(length),
      });
    expect(datagrams(await seal(8937))).toHaveLength(1);
    expect(reasons(await seal(8938))).toEqual(["oversized"]);
  });

  test("leads nowhere when the hop is gone, has no path, or is behind a relay itself", async () => {
    const { plane, relay } = await behindRelay(open);
    const send = async () => [
      reasons(await plane.tun(toPeer)),
      reasons(await plane.command({ kind: "send-datagram", to: relayed, datagram: handshake(1n, 0) })),
    ];
    const localIndex = relay.localIndex;
    await plane.command({ kind: "set-path", localIndex, path: { ...relayed, session: 1 as LocalIndex } });
    expect(await send()).toEqual([["no-path"], ["no-path"]]);
    await plane.command({ kind: "remove-session", localIndex, sendClose: false });
    expect(await send()).toEqual([["no-path"], ["no-path"]]);
    await plane.command(relay.installation({ peerAddresses: [RELAY_4], path: undefined }));
    expect(await send()).toEqual([["no-path"], ["no-path"]]);
  });

  test("stops with the counter of the hop, and says whose it was", async () => {
    const plane = await open();
    const last = 2n ** 64n - 1n - 2n ** 40n;
    const relay = new FarEnd(8, "aes");
    const at = { peerAddresses: [RELAY_4], path: directPath(RELAY) };
    await plane.command(relay.installation({ ...at, sendCounter: last - 1n }));
    await plane.command(new FarEnd(1, "aes").installation({ path: relayed, sendCounter: 2n ** 34n - 1n }));
    const counter = (localIndex: number) => ({ out: "event", event: { kind: "counter-high", localIndex } });
    expect((await plane.tun(toPeer)).slice(1)).toMatchObject([counter(1), counter(8)]);
    expect(await plane.tun(toPeer)).toMatchObject([
      { event: { kind: "drop-sample", reason: "counter-exhausted", inbound: false, localIndex: 8 } },
      counter(8),
    ]);
    expect(kinds(await plane.tun(toPeer))).toEqual(["drop-sample"]);
  });

  test("is no path through the session itself, nor to index 0", async () => {
    const { plane, peer } = await behindRelay(open);
    const { localIndex } = peer;
    const set = (path: Path) => plane.command({ kind: "set-path", localIndex, path });
    expect(await set({ ...relayed, session: localIndex })).toEqual(badRequest);
    expect(await set({ ...relayed, relayIndex: 0 })).toEqual(badRequest);
    expect(await set({ ...relayed, session: 77 as LocalIndex })).toEqual([]);
    const other = new FarEnd(2, "aes");
    const itself = { ...relayed, session: other.localIndex };
    expect(await plane.command(other.installation({ path: itself }))).toEqual(badRequest);
    const nowhere = { kind: "send-datagram", to: { ...relayed, relayIndex: 0 }, datagram: toPeer } as const;
    expect(await plane.command(nowhere)).toEqual(badRequest);
  });

  test("does not give way to a direct one that was left because it loses packets, until the session has gone elsewhere", async () => {
    const { plane, peer } = await behindRelay(open);
    const { localIndex } = peer;
    const pathAfter = async (from: Endpoint): Promise<unknown> => {
      await plane.udp(from, peer.message(toUs));
      return (await plane.snapshot()).find((session) => session.localIndex === localIndex)?.path;
    };
    await plane.command({ kind: "set-path", localIndex, path: directPath(PEER) });
    await plane.command({ kind: "set-path", localIndex, path: relayed, shunLeft: true });
    await plane.advance(10_000);
    expect(await pathAfter(PEER)).toEqual(relayed);
    expect(await pathAfter(ELSEWHERE)).toEqual(directPath(ELSEWHERE));
    await plane.advance(10_000);
    expect(await pathAfter(PEER)).toEqual(directPath(PEER));
    await plane.command({ kind: "set-path", localIndex, path: directPath(PEER), shunLeft: true });
    await plane.command({ kind: "set-path", localIndex, path: relayed });
    expect(await pathAfter(PEER)).toEqual(directPath(PEER));
  });

  test("gives way to a direct one at once, even to the one that was just left", async () => {
    const { plane, peer } = await behindRelay(open);
    const { localIndex } = peer;
    const roamed = async (source: Endpoint) => kinds(await plane.udp(source, peer.message(toUs))).includes("roamed");
    expect(await roamed(PEER)).toBe(true);
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: PEER }]);
    await plane.advance(1000);
    expect(await roamed(ELSEWHERE)).toBe(true);
    await plane.command({ kind: "set-path", localIndex, path: relayed });
    await plane.udp(PEER, peer.message(toUs));
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: PEER }]);
  });

  test("stands in snapshots and keeps its session across a restart of the control plane", async () => {
    const { plane } = await behindRelay(open);
    expect(await plane.snapshot()).toMatchObject([{ localIndex: 1, path: relayed }, { localIndex: 8 }]);
    const { kind: _, ...relay } = setRelay();
    expect(await plane.relays()).toEqual([relay]);
  });
});

describeDataPlanes("the end of a relayed path", (open) => {
  test("takes what the relay brings from the peer, and stays where it is", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const observed = await plane.udp(RELAY, relay.wrap(OURS, peer.message(toUs)));
    expect(packets(observed)).toEqual([toUs]);
    expect(kinds(observed)).toEqual(["tun"]);
    expect(await plane.snapshot()).toMatchObject([{ path: relayed }, { path: directPath(RELAY) }]);
  });

  test("answers through the relay", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const observed = await plane.udp(RELAY, relay.wrap(OURS, peer.seal(4, 0, new Uint8Array([1, 2]))));
    expect(observed).toMatchObject([{ out: "udp", to: RELAY }]);
    const { index, inner } = relay.unwrap(datagrams(observed)[0]!)!;
    expect(index).toBe(THEIRS);
    expect(peer.open(toHex(inner))).toMatchObject({ type: 4, subtype: 1 });
  });

  test("hands handshake messages over with the way back, as those of somebody known", async () => {
    const { plane, relay } = await behindRelay(open);
    for (const message of [handshake(1n, 0), handshake(2n, 7)]) {
      const observed = await plane.udp(RELAY, relay.wrap(OURS, message));
      expect(observed).toEqual([
        {
          out: "event",
          event: { kind: "datagram", origin: relayed, standing: "known", datagram: toHex(message) },
        },
      ]);
    }
    expect(reasons(await plane.udp(RELAY, relay.wrap(OURS, handshake(3n, 0))))).toEqual(["bad-handshake"]);
  });

  test("hears 40 messages 1 at once and 20 a second of one relay, whoever it says that they are from", async () => {
    const { plane, relay } = await behindRelay(open);
    await plane.command(setRelay({ relayIndex: OURS + 1, role: { kind: "terminal", peer: THIRD_4 } }));
    const heard = async (times: number) => {
      let passed = 0;
      for (let i = 0; i < times; i++) {
        const frame = relay.wrap(OURS + (i % 2), handshake(1n, 0));
        if (kinds(await plane.udp(RELAY, frame))[0] === "datagram") passed++;
      }
      return passed;
    };
    expect(await heard(60)).toBe(40);
    await plane.advance(1000);
    expect(await heard(60)).toBe(20);
    expect(kinds(await plane.udp(STRANGER, handshake(1n, 0)))).toEqual(["datagram"]);
  });

  test("confirms a session, and sends what waited for it through the relay", async () => {
    const { plane, relay } = await behindRelay(open);
    await plane.command({ kind: "remove-session", localIndex: 1 as LocalIndex, sendClose: false });
    await plane.tun(toPeer);
    const peer = new FarEnd(2, "aes");
    await plane.command(peer.installation({ path: relayed, confirmed: false }));
    const observed = await plane.udp(RELAY, relay.wrap(OURS, peer.message(toUs)));
    expect(kinds(observed)).toEqual(["confirmed", "tun", "udp"]);
    expect(relay.unwrap(datagrams(observed)[0]!)).toMatchObject({ index: THEIRS });
  });

  test("is where a session leads that is confirmed through it, and moves no other", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: directPath(PEER) });
    expect(kinds(await plane.udp(RELAY, relay.wrap(OURS, peer.message(toUs))))).toEqual(["tun"]);
    const late = new FarEnd(2, "aes");
    await plane.command(late.installation({ path: directPath(ELSEWHERE), confirmed: false }));
    const observed = await plane.udp(RELAY, relay.wrap(OURS, late.message(toUs)));
    expect(kinds(observed)).toEqual(["roamed", "confirmed", "tun"]);
    expect(await plane.snapshot()).toMatchObject([{ path: directPath(PEER) }, { path: relayed }, {}]);
  });

  test("takes nothing for a session with anybody but the peer of the relay", async () => {
    const { plane, relay } = await behindRelay(open);
    const third = new FarEnd(3, "aes");
    await plane.command(third.installation({ peerAddresses: [THIRD_4], path: directPath(THIRD) }));
    const packet = udpPacket({ from: THIRD_4, to: OWN_4, fromPort: 1, toPort: 2 });
    const message = third.message(packet);
    expect(reasons(await plane.udp(RELAY, relay.wrap(OURS, message)))).toEqual(["relay-mismatch"]);
    expect(packets(await plane.udp(THIRD, message))).toEqual([packet]);
    // Nor what it could have said itself.
    const own = udpPacket({ from: RELAY_4, to: OWN_4, fromPort: 1, toPort: 2 });
    expect(reasons(await plane.udp(RELAY, relay.wrap(OURS, relay.message(own))))).toEqual(["relay-mismatch"]);
  });

  test.each([
    ["a frame in a frame", (relay: FarEnd) => relay.wrap(OURS, handshake(1n, 0)), "relay-mismatch"],
    ["a recv_error", () => recvErrorFor(1001), "relay-mismatch"],
    ["an index that nobody knows", () => new FarEnd(9, "aes").message(toUs), "unknown-index"],
    ["a stub", () => new Uint8Array(9), "short-header"],
    ["another version", () => new Uint8Array(16).fill(0x21, 0, 1), "bad-version"],
    ["an unknown type", () => new Uint8Array(16).fill(0x1f, 0, 1), "unknown-type"],
  ] as const)("drops %s by name, with the way that it came", async (_, made, reason) => {
    const { plane, relay } = await behindRelay(open);
    const observed = await plane.udp(RELAY, relay.wrap(OURS, made(relay)));
    expect(observed).toMatchObject([
      { event: { kind: "drop-sample", reason, inbound: true, origin: relayed, localIndex: undefined } },
    ]);
  });

  test("drops what the relay has changed, cut short or kept", async () => {
    const { plane, relay, peer } = await behindRelay(open);
    const message = peer.message(toUs);
    const drop = async (inner: Uint8Array) => reasons(await plane.udp(RELAY, relay.wrap(OURS, inner)));
    expect(await drop(flipped(message, 30))).toEqual(["not-authentic"]);
    expect(await drop(message.subarray(0, 31))).toEqual(["short-packet"]);
    expect(await drop(message)).toEqual([]);
    expect(await drop(message)).toEqual(["replayed"]);
  });
});

import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/base/bytes.ts";
import type { LocalIndex, Relay } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath, type Path } from "../../src/core/path/path.ts";
import { recvErrorFor } from "../../src/core/wire/header.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, flipped, handshake, OWN_4, PEER, PEER_4, STRANGER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const RELAY_4 = "10.77.0.8" as IpAddress;
const THIRD_4 = "10.77.0.3" as IpAddress;
/** Underlay endpoints of the relay, and of a second peer of ours. */
const RELAY = "192.0.2.8:4242" as Endpoint;
const THIRD = "192.0.2.3:4242" as Endpoint;
/** Our index of a hop, and the index by which the host on the other side of it knows it. */
const OURS = 0x5000_0001;
const THEIRS = 0x6000_0001;

const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });
const badRequest = [{ out: "refused", code: "bad-request" }];
const unknownSession = [{ out: "refused", code: "unknown-session" }];
const relayed: Path = { kind: "relayed", session: 8 as LocalIndex, relayIndex: THEIRS };

const setRelay = (change: Partial<Relay> = {}) => ({
  kind: "set-relay" as const,
  relayIndex: OURS,
  session: 8 as LocalIndex,
  remoteIndex: THEIRS,
  role: { kind: "terminal", peer: PEER_4 } as const,
  ...change,
});

/** A session with a relay, and one behind it with the peer. */
async function behindRelay(open: () => Promise<Driver>, cipher: "aes" | "chachapoly" = "aes") {
  const plane = await open();
  const relay = new FarEnd(8, cipher);
  await plane.command(relay.installation({ peerAddresses: [RELAY_4], path: directPath(RELAY) }));
  const peer = new FarEnd(1, cipher);
  await plane.command(peer.installation({ path: relayed }));
  await plane.command(setRelay());
  return { plane, relay, peer };
}

/** A host that relays between a first peer (session 1) and a third (session 3). */
async function asRelay(open: () => Promise<Driver>) {
  const plane = await open();
  const [first, third] = [new FarEnd(1, "aes"), new FarEnd(3, "chachapoly")];
  await plane.command(first.installation());
  await plane.command(third.installation({ peerAddresses: [THIRD_4], path: directPath(THIRD) }));
  const forward = { kind: "forward", session: third.localIndex, relayIndex: THEIRS } as const;
  await plane.command(setRelay({ session: first.localIndex, role: forward }));
  return { plane, first, third };
}

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

describeDataPlanes("a relay", (open) => {
  test("wraps what came through one hop for the next, and looks at nothing inside", async () => {
    const { plane, first, third } = await asRelay(open);
    for (const inner of [handshake(1n, 0), new Uint8Array([9, 9, 9]), new Uint8Array(), new Uint8Array(8969)]) {
      const frame = first.wrap(OURS, inner);
      const observed = await plane.udp(PEER, frame);
      expect(observed).toMatchObject([{ out: "udp", to: THIRD }]);
      expect(fromHex(datagrams(observed)[0]!)).toHaveLength(frame.length);
      expect(third.unwrap(datagrams(observed)[0]!)).toEqual({ index: THEIRS, inner });
    }
  });

  test("sends no frame on twice", async () => {
    const { plane, first } = await asRelay(open);
    const frame = first.wrap(OURS, handshake(1n, 0));
    expect(kinds(await plane.udp(PEER, frame))).toEqual(["udp"]);
    expect(reasons(await plane.udp(PEER, frame))).toEqual(["replayed"]);
  });

  test("sends on only what the session that it is set on has authenticated", async () => {
    const { plane, first, third } = await asRelay(open);
    const drop = async (frame: Uint8Array) => reasons(await plane.udp(PEER, frame));
    expect(await drop(third.wrap(OURS, toUs))).toEqual(["not-authentic"]);
    const frame = first.wrap(OURS, handshake(1n, 0));
    for (const at of [2, 20, frame.length - 1]) expect(await drop(flipped(frame, at))).toEqual(["not-authentic"]);
    expect(await drop(frame.subarray(0, 31))).toEqual(["short-packet"]);
    expect(await drop(first.wrap(OURS, toUs, 2n))).toEqual(["replayed"]);
    // What was refused has not moved the window.
    expect(kinds(await plane.udp(PEER, frame))).toEqual(["udp"]);
  });

  test("answers nothing for an index that no relay has, not even for that of a session", async () => {
    const { plane, first } = await asRelay(open);
    for (const index of [OURS + 1, first.localIndex, THEIRS, 0]) {
      const observed = await plane.udp(PEER, first.wrap(index, toUs));
      expect(kinds(observed)).toEqual(["drop-sample"]);
      expect(observed).toMatchObject([{ event: { reason: "unknown-relay", origin: directPath(PEER) } }]);
    }
    // Nor is the index of a relay that of a session.
    expect(reasons(await plane.udp(PEER, new FarEnd(OURS, "aes").message(toUs)))).toEqual(["unknown-index"]);
  });

  test("follows the hop, confirms it and counts what came, like any packet does", async () => {
    const { plane, first, third } = await asRelay(open);
    const late = new FarEnd(2, "aes");
    await plane.command(late.installation({ confirmed: false, path: directPath(PEER) }));
    const forward = { kind: "forward", session: third.localIndex, relayIndex: 5 } as const;
    await plane.command(setRelay({ relayIndex: 4, session: late.localIndex, role: forward }));
    expect(kinds(await plane.udp(ELSEWHERE, late.wrap(4, toUs)))).toEqual(["roamed", "confirmed", "udp"]);
    await plane.udp(PEER, first.wrap(OURS, toUs));
    await plane.udp(PEER, first.wrap(OURS, toUs));
    const bytes = toUs.length + 32;
    const { activity, relays } = await plane.sample();
    expect(relays).toEqual([
      { relayIndex: 4, packets: 1, bytes },
      { relayIndex: OURS, packets: 2, bytes: 2 * bytes },
    ]);
    expect(activity).toMatchObject([
      { localIndex: 1, received: true, receivedBytes: 2 * bytes },
      { localIndex: 2, received: true },
      { localIndex: 3, sent: true, sentPackets: 3, sentBytes: 3 * bytes },
    ]);
    expect((await plane.sample()).relays).toEqual([]);
  });

  test("drops by name what the next hop cannot carry", async () => {
    const { plane, first, third } = await asRelay(open);
    const localIndex = third.localIndex;
    const path: Path = { kind: "relayed", session: first.localIndex, relayIndex: 7 };
    await plane.command({ kind: "set-path", localIndex, path });
    expect(await plane.udp(PEER, first.wrap(OURS, toUs))).toMatchObject([
      { event: { reason: "no-path", inbound: false, localIndex } },
    ]);
  });

  test("goes with either of its sessions, and only then", async () => {
    const { plane, first, third } = await asRelay(open);
    const back = { kind: "forward", session: first.localIndex, relayIndex: 5 } as const;
    const indexes = async () => (await plane.relays()).map(({ relayIndex }) => relayIndex);
    await plane.command(setRelay({ relayIndex: 4, session: third.localIndex, role: back }));
    await plane.command(new FarEnd(2, "aes").installation());
    await plane.command({ kind: "remove-session", localIndex: 2 as LocalIndex, sendClose: false });
    expect(await indexes()).toEqual([4, OURS]);
    expect(kinds(await plane.udp(THIRD, third.seal(5, 0, new Uint8Array())))).toEqual(["message"]);
    expect(await indexes()).toEqual([]);
    expect(reasons(await plane.udp(PEER, first.wrap(OURS, toUs)))).toEqual(["unknown-relay"]);
  });

  test("is gone when it is removed, and removed twice without a word", async () => {
    const { plane, first } = await asRelay(open);
    for (let i = 0; i < 2; i++) expect(await plane.command({ kind: "remove-relay", relayIndex: OURS })).toEqual([]);
    expect(reasons(await plane.udp(PEER, first.wrap(OURS, toUs)))).toEqual(["unknown-relay"]);
  });

  test.each([
    ["its index is 0", { relayIndex: 0 }, badRequest],
    ["its end knows no way back", { remoteIndex: 0, role: { kind: "terminal", peer: THIRD_4 } }, badRequest],
    ["its end is the hop itself", { role: { kind: "terminal", peer: PEER_4 } }, badRequest],
    ["the next hop has index 0", { role: { kind: "forward", session: 3 as LocalIndex, relayIndex: 0 } }, badRequest],
    ["it leads back", { role: { kind: "forward", session: 1 as LocalIndex, relayIndex: 5 } }, badRequest],
    ["its session is not there", { session: 77 as LocalIndex }, unknownSession],
    ["the next is not", { role: { kind: "forward", session: 77 as LocalIndex, relayIndex: 5 } }, unknownSession],
  ] as const)("is refused when %s", async (_, change, refusal) => {
    const { plane } = await asRelay(open);
    const before = await plane.relays();
    expect(await plane.command(setRelay({ session: 1 as LocalIndex, relayIndex: 9, ...change }))).toEqual(refusal);
    expect(await plane.relays()).toEqual(before);
  });

  test("takes the place of one with the same index, and begins to count anew", async () => {
    const { plane, first } = await asRelay(open);
    await plane.udp(PEER, first.wrap(OURS, toUs));
    const terminal = { kind: "terminal", peer: THIRD_4 } as const;
    expect(await plane.command(setRelay({ session: first.localIndex, role: terminal }))).toEqual([]);
    expect(await plane.relays()).toMatchObject([{ relayIndex: OURS, role: terminal }]);
    expect((await plane.sample()).relays).toEqual([]);
  });

  test("is one of 8,192 at most", async () => {
    const { plane } = await asRelay(open);
    const forward = { kind: "forward", session: 3 as LocalIndex, relayIndex: 5 } as const;
    const numbered = (i: number) => setRelay({ session: 1 as LocalIndex, relayIndex: 1 + i, role: forward });
    const outcomes = await plane.commands(Array.from({ length: 8192 }, (_, i) => numbered(i)));
    expect(outcomes.filter((observed) => observed.length > 0)).toEqual([badRequest]);
    expect(outcomes.at(-1)).toEqual(badRequest);
    expect(await plane.command(numbered(0))).toEqual([]);
  });

  test("tells of 2,048 at once", async () => {
    const { plane, first } = await asRelay(open);
    const forward = { kind: "forward", session: 3 as LocalIndex, relayIndex: 5 } as const;
    const index = (i: number) => 1 + i;
    await plane.commands(
      Array.from({ length: 2100 }, (_, i) =>
        setRelay({ session: 1 as LocalIndex, relayIndex: index(i), role: forward }),
      ),
    );
    await plane.udps(
      PEER,
      Array.from({ length: 2100 }, (_, i) => first.wrap(index(i), toUs)),
    );
    expect((await plane.sample()).relays).toHaveLength(2048);
    expect((await plane.sample()).relays).toHaveLength(52);
  });
});

describeDataPlanes("the quota of a relay", (open) => {
  const forwarded = (observed: readonly (readonly Observed[])[]) =>
    observed.filter((each) => kinds(each).includes("udp")).length;

  test("gives each peer so many bytes a second, all its sessions and relays together", async () => {
    const { plane, first, third } = await asRelay(open);
    await plane.command(facts({ relayPeerKilobytes: 10 }));
    const second = new FarEnd(2, "aes");
    await plane.command(second.installation());
    const on = (session: FarEnd, next: FarEnd, relayIndex: number) => {
      const role = { kind: "forward", session: next.localIndex, relayIndex: 5 } as const;
      return setRelay({ relayIndex, session: session.localIndex, role });
    };
    await plane.command(on(second, third, 6));
    await plane.command(on(third, first, 7));
    const inner = new Uint8Array(1000);
    const frames = (session: FarEnd, index: number) => Array.from({ length: 8 }, () => session.wrap(index, inner));
    expect(forwarded(await plane.udps(PEER, frames(first, OURS)))).toBe(8);
    expect(forwarded(await plane.udps(PEER, frames(second, 6)))).toBe(2);
    expect(await plane.dropped("relay-limited")).toBe(6);
    expect(forwarded(await plane.udps(THIRD, frames(third, 7)))).toBe(8);
    await plane.advance(300);
    expect(forwarded(await plane.udps(PEER, frames(first, OURS)))).toBe(3);
    expect(await plane.udp(PEER, first.wrap(OURS, inner))).toMatchObject([
      { event: { reason: "relay-limited", inbound: true, localIndex: 1 } },
    ]);
  });

  test("lets the longest datagram pass at any rate", async () => {
    const { plane, first } = await asRelay(open);
    await plane.command(facts({ relayPeerKilobytes: 1 }));
    const inner = new Uint8Array(8969);
    const observed = await plane.udps(PEER, [first.wrap(OURS, inner), first.wrap(OURS, inner)]);
    expect(forwarded(observed)).toBe(1);
  });

  test("begins anew with another rate, and is none without one", async () => {
    const { plane, first } = await asRelay(open);
    const pass = async () =>
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 20 }, () => first.wrap(OURS, toUs)),
        ),
      );
    const few = new Uint8Array(5000);
    await plane.command(facts({ relayPeerKilobytes: 5 }));
    expect(
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 3 }, () => first.wrap(OURS, few)),
        ),
      ),
    ).toBe(1);
    await plane.command(facts({ relayPeerKilobytes: 6 }));
    expect(
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 3 }, () => first.wrap(OURS, few)),
        ),
      ),
    ).toBe(1);
    await plane.command(facts());
    expect(await pass()).toBe(20);
  });
});

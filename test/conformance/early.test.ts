import { expect, test } from "vitest";
import type { IpAddress } from "../../src/core/netip/address.ts";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, flipped, PEER, STRANGER } from "./host.ts";
import { OURS, RELAY, RELAY_4, setRelay, THIRD_4, toUs } from "./relayed.ts";

/** A message 2 that names the index of a session. */
function message2(index: number): Uint8Array {
  const datagram = new Uint8Array(96);
  datagram.set([0x10]);
  new DataView(datagram.buffer).setUint32(4, index);
  datagram[15] = 2;
  return datagram;
}

async function awaited(open: () => Promise<Driver>) {
  const plane = await open();
  const peer = new FarEnd(7, "aes");
  await plane.udp(PEER, message2(peer.localIndex));
  return { plane, peer };
}

describeDataPlanes("what a responder sends right behind its message 2, before its session is installed", (open) => {
  test("is handled once the session is there, in the order of arrival, and is not dropped", async () => {
    const { plane, peer } = await awaited(open);
    expect(await plane.udp(PEER, peer.message(toUs))).toEqual([]);
    expect(await plane.udp(PEER, peer.seal(4, 0, new Uint8Array(3)))).toEqual([]);
    const observed = await plane.command(peer.installation());
    expect(kinds(observed)).toEqual(["tun", "udp"]);
    expect(packets(observed)).toEqual([toUs]);
    expect(await plane.dropped("unknown-index")).toBe(0);
  });

  test("counts as heard where it came from: the session follows", async () => {
    const { plane, peer } = await awaited(open);
    await plane.udp(ELSEWHERE, peer.message(toUs));
    expect(kinds(await plane.command(peer.installation()))).toEqual(["roamed", "tun"]);
  });

  test("is not believed: forged and repeated datagrams are refused then", async () => {
    const { plane, peer } = await awaited(open);
    const once = peer.message(toUs);
    for (const datagram of [flipped(once, 30), once, once]) await plane.udp(PEER, datagram);
    const observed = await plane.command(peer.installation());
    expect(reasons(observed)).toEqual(["not-authentic", "replayed"]);
    expect(packets(observed)).toEqual([toUs]);
  });

  test("is 64 datagrams at most, and what goes beyond is dropped and draws no recv_error", async () => {
    const { plane, peer } = await awaited(open);
    const all = Array.from({ length: 66 }, () => peer.message(toUs));
    const observed = await plane.udps(PEER, all);
    expect(observed.flatMap(reasons)).toEqual(["unknown-index", "unknown-index"]);
    expect(observed.flatMap(kinds)).not.toContain("udp");
    expect(packets(await plane.command(peer.installation()))).toHaveLength(64);
  });

  test("is dropped after a second without a session, and a session that comes later finds nothing", async () => {
    const { plane, peer } = await awaited(open);
    await plane.udp(PEER, peer.message(toUs));
    await plane.advance(999);
    expect(await plane.dropped("unknown-index")).toBe(0);
    await plane.advance(1);
    expect(await plane.dropped("unknown-index")).toBe(1);
    expect(packets(await plane.command(peer.installation()))).toEqual([]);
  });

  test("takes 1,024 places in all, of 256 indexes, whoever names them", async () => {
    const plane = await open();
    const peers = Array.from({ length: 300 }, (_, i) => new FarEnd(1_000 + i, "aes"));
    for (const [i, peer] of peers.entries()) {
      await plane.udp(`198.51.100.${i % 250}:${5000 + i}` as typeof PEER, message2(peer.localIndex));
      await plane.udp(STRANGER, peer.message(toUs));
    }
    expect(await plane.dropped("unknown-index")).toBe(300 - 256);
    for (const peer of peers.slice(0, 30))
      await plane.udps(
        STRANGER,
        Array.from({ length: 40 }, () => peer.message(toUs)),
      );
    expect(await plane.dropped("unknown-index")).toBe(300 - 256 + 30 * 40 - (1_024 - 256));
  });

  test("is held when a relay brings it, too, and handled only if the session is with the peer of that relay", async () => {
    for (const [peerAddress, expected] of [
      ["10.77.0.2" as IpAddress, "tun"],
      [THIRD_4, "relay-mismatch"],
    ] as const) {
      const plane = await open();
      const relay = new FarEnd(8, "aes");
      await plane.command(relay.installation({ peerAddresses: [RELAY_4], path: directPath(RELAY) }));
      await plane.command(setRelay());
      const peer = new FarEnd(7, "aes");
      await plane.udp(RELAY, relay.wrap(OURS, message2(peer.localIndex)));
      expect(await plane.udp(RELAY, relay.wrap(OURS, peer.message(toUs)))).toEqual([]);
      const observed = await plane.command(peer.installation({ peerAddresses: [peerAddress] }));
      expect([...kinds(observed).filter((kind) => kind === "tun"), ...reasons(observed)]).toEqual([expected]);
    }
  });
});

describeDataPlanes("a session that the control plane awaits, because a message 1 names it", (open) => {
  const forMs = 5_500;

  async function called(open: () => Promise<Driver>) {
    const plane = await open();
    const peer = new FarEnd(7, "aes");
    await plane.command({ kind: "await-session", localIndex: peer.localIndex, forMs });
    return { plane, peer };
  }

  test("keeps what has overtaken its message 2, and nobody is told to drop it", async () => {
    const { plane, peer } = await called(open);
    expect(await plane.udp(PEER, peer.message(toUs))).toEqual([]);
    await plane.udp(PEER, message2(peer.localIndex));
    const observed = await plane.command(peer.installation());
    expect(kinds(observed)).toEqual(["tun"]);
    expect(packets(observed)).toEqual([toUs]);
  });

  test("is awaited for as long as was said, and a message 2 does not shorten it", async () => {
    const { plane, peer } = await called(open);
    await plane.udp(PEER, message2(peer.localIndex));
    await plane.advance(forMs - 1);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual([]);
    await plane.advance(1);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual(["drop-sample", "udp"]);
  });

  test("is not awaited when nobody said so, or for no time", async () => {
    const { plane, peer } = await called(open);
    const other = new FarEnd(8, "aes");
    expect(kinds(await plane.udp(PEER, other.message(toUs)))).toEqual(["drop-sample", "udp"]);
    await plane.command({ kind: "await-session", localIndex: other.localIndex, forMs: 0 });
    expect(kinds(await plane.udp(PEER, other.message(toUs)))).toEqual(["drop-sample", "udp"]);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual([]);
  });

  test("is not awaited for longer than a minute: that is refused, and nothing changes", async () => {
    const plane = await open();
    const peer = new FarEnd(7, "aes");
    const refused = await plane.command({ kind: "await-session", localIndex: peer.localIndex, forMs: 60_001 });
    expect(kinds(refused)).toEqual(["refused"]);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual(["drop-sample", "udp"]);
  });
});

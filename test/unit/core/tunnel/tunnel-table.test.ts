import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { SESSIONS_PER_PEER_MAX, TunnelTable } from "../../../../src/core/tunnel/tunnel-table.ts";
import { session, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16", "fd00:77::2/64");
const v4 = "10.77.0.2" as IpAddress;
const v6 = "fd00:77::2" as IpAddress;
const now = instant(1000);

describe("the tunnel table", () => {
  test("finds a session by our index, by the peer's index and by each address of the peer", () => {
    const table = new TunnelTable();
    const tunnel = session(peer);
    table.add(tunnel);
    expect(table.get(tunnel.localIndex)).toBe(tunnel);
    expect(table.byRemoteIndex(tunnel.remoteIndex)).toEqual([tunnel]);
    expect(table.sessionsOf(v4)).toEqual([tunnel]);
    expect(table.sessionsOf(v6)).toEqual([tunnel]);
  });

  test("finds the session that answered a message 1, until it is gone", () => {
    const table = new TunnelTable();
    const role = { kind: "responder", message1Hash: "ab", message2: Uint8Array.of(1) } as const;
    const tunnel = session(peer, { role });
    table.add(tunnel);
    expect(table.byMessage1("ab")).toBe(tunnel);
    table.remove(tunnel);
    expect(table.byMessage1("ab")).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test("has no primary until one is made", () => {
    const table = new TunnelTable();
    const tunnel = session(peer);
    table.add(tunnel);
    expect(table.primaryOf(v4)).toBeUndefined();
    table.makePrimary(tunnel, now);
    expect(table.primaryOf(v6)).toBe(tunnel);
    expect(tunnel.secondarySince).toBeUndefined();
  });

  test("remembers since when a session does not send any more", () => {
    const table = new TunnelTable();
    const [older, newer] = [session(peer), session(peer)];
    table.add(older);
    table.makePrimary(older, now);
    table.add(newer);
    table.makePrimary(newer, now);
    expect(older.secondarySince).toBe(now);
    expect(table.sessionsOf(v4)).toEqual([newer, older]);
  });

  test("knows two peers that chose the same index", () => {
    const table = new TunnelTable();
    const one = session(peer);
    const other = session(trusted("other", "10.77.0.3/16"), { remoteIndex: one.remoteIndex });
    table.add(one);
    table.add(other);
    expect(table.byRemoteIndex(one.remoteIndex)).toEqual([other, one]);
    table.remove(one);
    expect(table.byRemoteIndex(one.remoteIndex)).toEqual([other]);
  });

  test("lets the live session heard from last take over", () => {
    const table = new TunnelTable();
    const [first, second, unproven] = [session(peer), session(peer), session(peer, { confirmed: false })];
    for (const tunnel of [first, second, unproven]) table.add(tunnel);
    first.lastReceivedAt = instant(500);
    second.lastReceivedAt = instant(400);
    expect(table.successorFor(v4)).toBe(first);
  });

  test("names the oldest live sessions beyond five as surplus, never one that sends", () => {
    const table = new TunnelTable();
    const sessions = Array.from({ length: SESSIONS_PER_PEER_MAX + 2 }, () => session(peer));
    for (const tunnel of sessions) table.add(tunnel);
    expect(table.surplusOf(sessions.at(-1)!)).toEqual([sessions[1], sessions[0]]);
    table.makePrimary(sessions[0]!, now);
    expect(table.surplusOf(sessions.at(-1)!)).toEqual([sessions[1]]);
  });

  test("lists each peer once, by the session that sends", () => {
    const table = new TunnelTable();
    const [older, newer] = [session(peer), session(peer)];
    const other = session(trusted("other", "10.77.0.3/16"));
    for (const tunnel of [older, newer, other]) {
      table.add(tunnel);
      table.makePrimary(tunnel, now);
    }
    expect([...table.peers()]).toEqual([newer, other]);
  });
});

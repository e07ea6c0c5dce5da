import { describe, expect, test } from "vitest";
import { packed } from "../../../../src/core/base/packed.ts";
import { instant } from "../../../../src/core/base/time.ts";
import type { Initiation } from "../../../../src/core/handshake/initiation.ts";
import { PendingCalls } from "../../../../src/core/machine/calls/pending-calls.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { LocalIndex } from "../../../../src/core/path/session-index.ts";
import type { FailedCall } from "../../../../src/core/peer/call.ts";
import { PeerTable, SESSIONS_PER_PEER_MAX } from "../../../../src/core/peer/peer-table.ts";
import { aSession, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16", "fd00:77::2/64");
const v4 = "10.77.0.2" as IpAddress;
const v6 = "fd00:77::2" as IpAddress;
const now = instant(1000);

describe("the peer table, about sessions,", () => {
  test("finds a session by our index, by the peer's index and by each address of the peer", () => {
    const table = new PeerTable();
    const session = aSession(peer);
    table.add(session);
    expect(table.session(session.localIndex)).toBe(session);
    expect(table.byRemoteIndex(session.remoteIndex)).toEqual([session]);
    expect(table.sessionsOf(v4)).toEqual([session]);
    expect(table.sessionsOf(v6)).toEqual([session]);
  });

  test("finds the session that answered a message 1, until it is gone", () => {
    const table = new PeerTable();
    const message1Hash = packed(new Uint8Array(32));
    const session = aSession(peer, { message1Hash });
    table.add(session);
    expect(table.byMessage1(message1Hash)).toBe(session);
    table.remove(session);
    expect(table.byMessage1(message1Hash)).toBeUndefined();
    expect(table.sessionCount).toBe(0);
  });

  test("knows the addresses that more than one session leads to, as long as it does", () => {
    const table = new PeerTable();
    const [older, newer] = [aSession(peer), aSession(peer)];
    table.add(older);
    expect([...table.sharedAddresses()]).toEqual([]);
    table.add(newer);
    expect([...table.sharedAddresses()]).toEqual([v4, v6]);
    table.remove(older);
    expect([...table.sharedAddresses()]).toEqual([]);
  });

  test("counts the addresses that a session leads to, whoever else was called in vain", () => {
    const table = new PeerTable();
    const session = aSession(peer);
    const failed = { failure: { reason: "no-answer" } } as unknown as FailedCall;
    table.setFailed(v4, failed);
    table.setFailed("10.77.0.9" as IpAddress, failed);
    expect(table.addressCount).toBe(0);
    table.add(session);
    expect(table.addressCount).toBe(2);
    table.setFailed(v4, undefined);
    expect(table.addressCount).toBe(2);
    table.remove(session);
    expect(table.addressCount).toBe(0);
  });

  test("has no primary until one is made", () => {
    const table = new PeerTable();
    const session = aSession(peer);
    table.add(session);
    expect(table.primaryOf(v4)).toBeUndefined();
    table.makePrimary(session, now);
    expect(table.primaryOf(v6)).toBe(session);
    expect(session.secondarySince).toBeUndefined();
  });

  test("remembers since when a session does not send any more", () => {
    const table = new PeerTable();
    const [older, newer] = [aSession(peer), aSession(peer)];
    table.add(older);
    table.makePrimary(older, now);
    table.add(newer);
    table.makePrimary(newer, now);
    expect(older.secondarySince).toBe(now);
    expect(table.sessionsOf(v4)).toEqual([newer, older]);
  });

  test("knows two peers that chose the same index", () => {
    const table = new PeerTable();
    const one = aSession(peer);
    const other = aSession(trusted("other", "10.77.0.3/16"), { remoteIndex: one.remoteIndex });
    table.add(one);
    table.add(other);
    expect(table.byRemoteIndex(one.remoteIndex)).toEqual([other, one]);
    table.remove(one);
    expect(table.byRemoteIndex(one.remoteIndex)).toEqual([other]);
  });

  test("names as many of the oldest live sessions as are beyond five as surplus, never one that sends", () => {
    const table = new PeerTable();
    const sessions = Array.from({ length: SESSIONS_PER_PEER_MAX + 2 }, () => aSession(peer));
    for (const session of sessions) table.add(session);
    expect(table.surplusOf(sessions.at(-1)!)).toEqual([sessions[1], sessions[0]]);
    table.makePrimary(sessions[0]!, now);
    expect(table.surplusOf(sessions.at(-1)!)).toEqual([sessions[2], sessions[1]]);
  });

  test("lists each peer once, by the session that sends", () => {
    const table = new PeerTable();
    const [older, newer] = [aSession(peer), aSession(peer)];
    const other = aSession(trusted("other", "10.77.0.3/16"));
    for (const session of [older, newer, other]) {
      table.add(session);
      table.makePrimary(session, now);
    }
    expect([...table.primaries()]).toEqual([newer, other]);
  });
});

describe("a peer", () => {
  const failure = { reason: "handshake-timeout", why: "too-many-calls" } as const;

  test("exists from the first call until nothing is known about it any more", () => {
    const table = new PeerTable();
    const calls = new PendingCalls(table);
    expect(table.find(v4)).toBeUndefined();
    const call = calls.begin(v4, 1, now)!;
    expect(table.find(v4)).toMatchObject({ name: v4, addresses: [v4], call, certificate: undefined });
    expect([...table.called()].map(({ name }) => name)).toEqual([v4]);
    calls.end(call);
    expect(table.find(v4)).toBeUndefined();
    expect([...table.called()]).toEqual([]);
    table.setFailed(v4, { failure, at: now });
    expect(table.find(v4)?.failed).toEqual({ failure, at: now });
    expect([...table.called()].map(({ name }) => name)).toEqual([v4]);
    table.setFailed(v4, undefined);
    expect(table.find(v4)).toBeUndefined();
    expect([...table.called()]).toEqual([]);
  });

  test("that was called by another of its addresses is one peer once its certificate says so", () => {
    const table = new PeerTable();
    const calls = new PendingCalls(table);
    const call = calls.begin(v6, 2, now)!;
    const session = aSession(peer);
    table.add(session);
    expect([...table.called()].map(({ name }) => name)).toEqual([v6]);
    calls.end(call);
    expect([...table.called()]).toEqual([]);
    expect(table.find(v6)).toBe(table.find(v4));
    expect(table.find(v6)).toMatchObject({ addresses: [v4, v6], certificate: peer, sessions: [session] });
  });

  test("whose new certificate drops an address is still found by it while the old session lives", () => {
    const table = new PeerTable();
    const [old, renewed] = [aSession(peer), aSession(trusted("peer", "10.77.0.2/16"))];
    table.add(old);
    table.makePrimary(old, now);
    table.add(renewed);
    table.makePrimary(renewed, now);
    expect(table.primaryOf(v4)).toBe(renewed);
    expect(table.primaryOf(v6)).toBe(old);
    expect(table.find(v6)).toBe(table.find(v4));
    expect(table.find(v4)).toMatchObject({ primary: renewed, certificate: renewed.peer });
    table.remove(old);
    expect(table.find(v6)).toBeUndefined();
    expect(table.find(v4)?.addresses).toEqual([v4]);
  });

  test("and another host that was given its second address are two, and the one that sends there has it", () => {
    const table = new PeerTable();
    const other = trusted("other", "10.77.0.3/16", "fd00:77::2/64");
    const [one, two] = [aSession(peer), aSession(other)];
    for (const session of [one, two]) {
      table.add(session);
      table.makePrimary(session, now);
    }
    expect(table.find(v6)?.certificate).toBe(other);
    expect(table.find(v4)?.certificate).toBe(peer);
    expect(one.secondarySince).toBeUndefined();
    table.remove(two);
    expect(table.find(v6)?.certificate).toBe(peer);
  });

  test("is found by the index of its call from the first message on, and no longer than the call lives", () => {
    const table = new PeerTable();
    const calls = new PendingCalls(table);
    const call = calls.begin(v4, 1, now)!;
    const localIndex = 77 as LocalIndex;
    calls.carry(call, { localIndex } as Initiation);
    expect(table.callByIndex(localIndex)).toBe(call);
    expect(table.isTaken(localIndex)).toBe(true);
    calls.end(call);
    expect(table.isTaken(localIndex)).toBe(false);
  });

  test("that could not be reached is remembered as one of 256", () => {
    const table = new PeerTable();
    for (let i = 0; i < 300; i++) table.setFailed(`10.77.1.${i}` as IpAddress, { failure, at: now });
    expect([...table.called()]).toHaveLength(256);
    expect(table.find("10.77.1.0" as IpAddress)).toBeUndefined();
  });
});

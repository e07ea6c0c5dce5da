import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import type { VerifiedCertificate } from "../../../../../src/core/cert/certificate.ts";
import {
  UNCONFIRMED_LIFE_MS,
  UNCONFIRMED_MAX,
  UnconfirmedSessions,
} from "../../../../../src/core/machine/sessions/unconfirmed.ts";
import type { OwnedSession } from "../../../../../src/core/peer/session.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const start = instant(0);
const peer = trusted("peer", "10.77.0.2/16");
const other = trusted("other", "10.77.0.3/16");

describe("sessions that wait for proof", () => {
  test("are probed after 0.3 s and 1 s, and expire after ten", () => {
    const waiting = new UnconfirmedSessions();
    const { localIndex } = admitted(waiting);
    const seen: [number, string][] = [];
    for (let ms = 0; ms <= UNCONFIRMED_LIFE_MS; ms += 100) {
      const due = waiting.popDue(instant(ms));
      if (due) seen.push([ms, due.what]);
      if (due) expect(due.localIndex).toBe(localIndex);
    }
    expect(seen).toEqual([
      [300, "probe"],
      [1000, "probe"],
      [10_000, "expire"],
    ]);
    expect(waiting.size).toBe(0);
  });

  test("that prove themselves are left alone", () => {
    const waiting = new UnconfirmedSessions();
    waiting.remove(admitted(waiting));
    expect(waiting.nextAt()).toBeUndefined();
  });

  test("are at most 1,024: the oldest of the peer that has most makes room", () => {
    const waiting = new UnconfirmedSessions();
    const genuine = admitted(waiting, other, "198.51.100.1:1");
    const flood = forged(waiting, UNCONFIRMED_MAX - 1, (i) => `192.0.2.${i & 255}:${i}`);
    expect(waiting.admit(unproven(peer, "203.0.113.1:1"), false, start)).toBe(flood[0]);
    for (let i = 0; i < 3 * UNCONFIRMED_MAX; i++)
      expect(waiting.admit(unproven(peer, `203.0.113.2:${i}`), false, start)).not.toBe(genuine);
    expect(waiting.size).toBe(UNCONFIRMED_MAX);
  });

  test("of the peer that is forged live as long as a thousand others take to come", () => {
    const waiting = new UnconfirmedSessions();
    forged(waiting, UNCONFIRMED_MAX, (i) => `192.0.${i >> 8}.${i & 255}:4242`);
    const genuine = admitted(waiting, peer, "198.51.100.1:1");
    for (let i = 1; i < UNCONFIRMED_MAX; i++)
      expect(waiting.admit(unproven(peer, `203.${i >> 8}.113.${i & 255}:4242`), false, start)).not.toBe(genuine);
    expect(waiting.admit(unproven(peer, "100.64.0.1:4242"), false, start)).toBe(genuine);
  });

  test("from a source of their own are not pushed out by one sender, however often it sends", () => {
    const waiting = new UnconfirmedSessions();
    const genuine = admitted(waiting, peer, "198.51.100.1:1");
    forged(waiting, 5 * UNCONFIRMED_MAX, (i) => `192.0.2.1:${i}`);
    expect(waiting.size).toBe(UNCONFIRMED_MAX);
    expect(waiting.admit(unproven(peer, "192.0.2.1:1"), false, start)).not.toBe(genuine);
  });

  test("from a network of an IPv6 host are those of one sender", () => {
    const waiting = new UnconfirmedSessions();
    const genuine = admitted(waiting, peer, "[2001:db8:1::1]:1");
    forged(waiting, 5 * UNCONFIRMED_MAX, (i) => `[2001:db8:2::${i.toString(16)}]:1`);
    expect(waiting.admit(unproven(peer, "[2001:db8:2::1]:1"), false, start)).not.toBe(genuine);
  });

  test("from where the peer was seen before are the last to go, of sources that have as many", () => {
    const waiting = new UnconfirmedSessions();
    const genuine = unproven(peer, "198.51.100.1:1");
    waiting.admit(genuine, true, start);
    forged(waiting, 5 * UNCONFIRMED_MAX, (i) => `192.${i >> 16}.${(i >> 8) & 255}.${i & 255}:4242`);
    expect(waiting.admit(unproven(peer, "100.64.0.1:4242"), false, start)).not.toBe(genuine);
  });

  test("from a new place are not pushed out by those that claim the old one", () => {
    const waiting = new UnconfirmedSessions();
    for (let i = 0; i < UNCONFIRMED_MAX; i++) waiting.admit(unproven(peer, `192.0.2.1:${i}`), true, start);
    const genuine = admitted(waiting, peer, "198.51.100.1:1");
    for (let i = 0; i < 5 * UNCONFIRMED_MAX; i++)
      expect(waiting.admit(unproven(peer, `192.0.2.1:${i}`), true, start)).not.toBe(genuine);
  });

  test("cost as little to take in when the room is full as when it is empty", () => {
    const waiting = new UnconfirmedSessions();
    const path = (i: number): string => `192.${i >> 16}.${(i >> 8) & 255}.${i & 255}:4242`;
    const sessions = Array.from({ length: 20 * UNCONFIRMED_MAX }, (_, i) => unproven(peer, path(i)));
    const begun = process.cpuUsage();
    for (const session of sessions) waiting.admit(session, false, start);
    const { user, system } = process.cpuUsage(begun);
    // A walk over all at each would be twenty million steps: half a second at best.
    expect((user + system) / 1000).toBeLessThan(400);
  });
});

function admitted(waiting: UnconfirmedSessions, of: VerifiedCertificate = peer, path = "192.0.2.9:4242"): OwnedSession {
  const session = unproven(of, path);
  waiting.admit(session, false, start);
  return session;
}

function forged(waiting: UnconfirmedSessions, count: number, path: (i: number) => string): readonly OwnedSession[] {
  return Array.from({ length: count }, (_, i) => admitted(waiting, peer, path(i)));
}

function unproven(of: VerifiedCertificate, path: string): OwnedSession {
  return aSession(of, { confirmed: false, path });
}

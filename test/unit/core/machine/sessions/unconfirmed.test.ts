import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import {
  UNCONFIRMED_LIFE_MS,
  UNCONFIRMED_MAX,
  UNCONFIRMED_PER_PEER_MAX,
  UnconfirmedSessions,
} from "../../../../../src/core/machine/sessions/unconfirmed.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const start = instant(0);
const peer = trusted("peer", "10.77.0.2/16");

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

  test("of one peer are at most four: the oldest makes room", () => {
    const waiting = new UnconfirmedSessions();
    const first = admitted(waiting);
    for (let i = 1; i < UNCONFIRMED_PER_PEER_MAX; i++) admitted(waiting);
    const fifth = aSession(peer, { confirmed: false });
    expect(waiting.admit(fifth, start)).toBe(first);
    expect(waiting.size).toBe(UNCONFIRMED_PER_PEER_MAX);
  });

  test("of all peers are at most 1,024: the oldest makes room", () => {
    const waiting = new UnconfirmedSessions();
    const template = aSession(peer, { confirmed: false });
    const ofPeer = (i: number) => ({
      ...template,
      localIndex: (100_000 + i) as typeof template.localIndex,
      addresses: [`10.77.${i >> 8}.${i & 255}` as (typeof template.addresses)[number]],
    });
    const first = ofPeer(0);
    expect(waiting.admit(first, start)).toBeUndefined();
    for (let i = 1; i < UNCONFIRMED_MAX; i++) expect(waiting.admit(ofPeer(i), start)).toBeUndefined();
    expect(waiting.admit(ofPeer(UNCONFIRMED_MAX), start)).toBe(first);
    expect(waiting.size).toBe(UNCONFIRMED_MAX);
  });
});

function admitted(waiting: UnconfirmedSessions) {
  const session = aSession(peer, { confirmed: false });
  waiting.admit(session, start);
  return session;
}

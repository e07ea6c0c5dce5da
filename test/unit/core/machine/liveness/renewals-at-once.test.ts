import { expect, test } from "vitest";
import { type Instant, instant, later, wallTime } from "../../../../../src/core/base/time.ts";
import type { LivenessEvent } from "../../../../../src/core/machine/liveness/events.ts";
import { Liveness } from "../../../../../src/core/machine/liveness/liveness.ts";
import { RENEWALS_AT_ONCE } from "../../../../../src/core/machine/liveness/renewal.ts";
import { NodeFacts } from "../../../../../src/core/node/facts.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";
import { PeerTable } from "../../../../../src/core/peer/peer-table.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { TestAuthority, WORLD_BEGINS } from "../../../fixtures/authority.ts";
import { CountingEntropy } from "../../../fixtures/counting-entropy.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";
import { identityOf, settingsOf } from "../../../fixtures/settings.ts";

const SESSIONS = 1_000;
const CHECK_MS = 5_000;
const HOUR_MS = 3_600_000;

const plan = { name: "own", networks: ["10.77.0.1/16"] };
const identity = identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 7), 1);
const ownFingerprint = identity.credential.certificates[1]!.fingerprint;

test("a thousand idle tunnels of the same second are renewed over four hours, each once", () => {
  const { calls, run } = host(ownFingerprint);
  run(19.9 * HOUR_MS, 19.9 * HOUR_MS);
  expect(calls).toEqual([]);
  run(4.1 * HOUR_MS, CHECK_MS);
  expect(new Set(calls.map(({ to }) => to)).size).toBe(SESSIONS);
  const [first, last] = [calls[0]!, calls.at(-1)!];
  expect(first.at / HOUR_MS).toBeGreaterThanOrEqual(20);
  expect(last.at / HOUR_MS).toBeLessThan(24);
  // 2,760 rounds between them.
  expect(mostInARound(calls)).toBeLessThan(10);
});

test(`a new certificate calls ${RENEWALS_AT_ONCE} peers in a round of checks, not all of them`, () => {
  const { calls, run, hear } = host("another" as typeof ownFingerprint);
  for (let round = 0; round < 20; round++) {
    hear();
    run(CHECK_MS, CHECK_MS);
  }
  expect(mostInARound(calls)).toBe(RENEWALS_AT_ONCE);
  expect(new Set(calls.map(({ to }) => to)).size).toBe(SESSIONS);
});

function host(fingerprint: typeof ownFingerprint) {
  const peers = new PeerTable();
  const clockAt = (now: Instant) => ({
    now,
    wall: wallTime(WORLD_BEGINS * 1_000_000_000n + BigInt(now) * 1_000_000n),
  });
  const entropy = new CountingEntropy(3);
  const facts = new NodeFacts(settingsOf(identity, plan), { crypto: nodeSuite, entropy, clock: clockAt(instant(0)) });
  facts.udpPort = 4242;
  const calls: { readonly to: string; readonly at: number }[] = [];
  const called = new Set<string>();
  const emit = (event: LivenessEvent): void => {
    if (event.kind !== "call-anew") return;
    calls.push({ to: event.target, at: facts.now });
    called.add(event.target);
  };
  const liveness = new Liveness(facts, peers, { judgeAfterMs: () => 50, isLossy: () => false }, emit);
  for (let i = 0; i < SESSIONS; i++) {
    const index = new DataView(entropy.bytes(4).buffer).getUint32(0) as LocalIndex;
    const peer = trusted(`peer${i}`, `10.77.${1 + (i >> 8)}.${i & 255}/16`);
    const session = aSession(peer, { ownFingerprint: fingerprint, localIndex: index });
    peers.add(session);
    peers.makePrimary(session, facts.now);
  }
  let settled = 0;
  const run = (ms: number, stepMs: number): void => {
    const end = later(facts.now, ms);
    while (facts.now < end) {
      // A round looks at some at a time.
      const next = Math.max(liveness.nextAt() ?? end, facts.now + 1);
      facts.clock = clockAt(instant(Math.min(next, facts.now + stepMs)));
      liveness.tick();
      settle();
    }
  };
  /** Whoever was called has answered by the next round, and its old session is gone. */
  const settle = (): void => {
    if (called.size === settled) return;
    settled = called.size;
    for (const session of [...peers.sessions()])
      if (called.has(session.addresses[0]!)) {
        peers.remove(session);
        liveness.forget(session);
      }
  };
  const hear = (): void => {
    facts.clock = clockAt(later(facts.now, 1));
    for (const session of peers.sessions()) liveness.heard(session);
  };
  return { calls, run, hear };
}

function mostInARound(calls: readonly { readonly at: number }[]): number {
  const counts = new Map<number, number>();
  for (const { at } of calls) {
    const round = Math.floor(at / CHECK_MS);
    counts.set(round, (counts.get(round) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

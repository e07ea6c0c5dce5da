import { expect, test } from "vitest";
import { instant, NEVER, wallTime } from "../../../../../src/core/base/time.ts";
import { Rounds } from "../../../../../src/core/machine/liveness/rounds.ts";
import { NodeFacts } from "../../../../../src/core/node/facts.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";
import { PeerTable } from "../../../../../src/core/peer/peer-table.ts";
import type { OwnedSession } from "../../../../../src/core/peer/session.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { TestAuthority, WORLD_BEGINS } from "../../../fixtures/authority.ts";
import { CountingEntropy } from "../../../fixtures/counting-entropy.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";
import { identityOf, settingsOf } from "../../../fixtures/settings.ts";

const SESSIONS = 600;
const ROUND_MS = 5_000;

const plan = { name: "own", networks: ["10.77.0.1/16"] };
const identity = identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 7), 1);

test("whoever was heard is asked in turns of 64, spread over most of the time until the next round", () => {
  const turns = looksOf({ areHeard: true, untilNextMs: ROUND_MS });
  expect(turns.map(({ looks }) => looks)).toEqual([...Array(9).fill(64), 24]);
  expect([turns[1]!.at, turns.at(-1)!.at]).toEqual([400, 3_600]);
});

test("of those that are not asked 256 are looked at in a turn", () => {
  const turns = looksOf({ areHeard: false, untilNextMs: ROUND_MS });
  expect(turns.map(({ looks }) => looks)).toEqual([256, 256, 88]);
});

test("a round that nobody waits for after it goes as fast as others are not kept waiting", () => {
  expect(looksOf({ areHeard: true, untilNextMs: 0 }).at(-1)!.at).toBe(18);
});

/** Counts sessions that somebody looks at. */
class CountingTable extends PeerTable {
  looks = 0;

  override session(index: LocalIndex): OwnedSession | undefined {
    this.looks++;
    return super.session(index);
  }
}

/** Sessions that each turn of one round looked at, and when. */
function looksOf({ areHeard, untilNextMs }: { readonly areHeard: boolean; readonly untilNextMs: number }) {
  const clockAt = (ms: number) => ({
    now: instant(ms),
    wall: wallTime(WORLD_BEGINS * 1_000_000_000n + BigInt(ms) * 1_000_000n),
  });
  const crypto = { crypto: nodeSuite, entropy: new CountingEntropy(3), clock: clockAt(0) };
  const facts = new NodeFacts(settingsOf(identity, plan), crypto);
  const peers = new CountingTable();
  for (let i = 0; i < SESSIONS; i++) {
    const peer = trusted(`peer${i}`, `10.77.${1 + (i >> 8)}.${i & 255}/16`);
    const session = aSession(peer, { localIndex: (i + 1) as LocalIndex });
    Object.assign(session.vitals, { lastReceivedAt: areHeard ? instant(0) : NEVER });
    peers.add(session);
    peers.makePrimary(session, facts.now);
  }
  const rounds = new Rounds(facts, peers, () => {});
  const turns: { readonly at: number; readonly looks: number }[] = [];
  const note = (): void => {
    turns.push({ at: facts.now, looks: peers.looks });
    peers.looks = 0;
  };
  rounds.go(untilNextMs);
  note();
  for (let at = rounds.nextAt(); at !== undefined; at = rounds.nextAt()) {
    facts.clock = clockAt(at);
    rounds.tick();
    note();
  }
  return turns;
}

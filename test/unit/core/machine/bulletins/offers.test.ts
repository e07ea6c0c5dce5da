import { expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { Offers } from "../../../../../src/core/machine/bulletins/offers.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";
import { PeerTable } from "../../../../../src/core/peer/peer-table.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

/** More than can be told between two rounds. */
const PEERS = 10_000;

const peers = new PeerTable();
for (let i = 0; i < PEERS; i++) {
  const session = aSession(trusted(`peer${i}`, `10.${i >> 8}.${i & 255}.1/8`), { localIndex: (i + 1) as LocalIndex });
  peers.add(session);
  peers.makePrimary(session, instant(0));
}

test("in each round everybody is told once, however many they are", () => {
  const told: LocalIndex[] = [];
  const offers = new Offers(peers, ({ localIndex }) => void told.push(localIndex));
  offers.begin(instant(0));
  for (let at = offers.nextAt(); at !== undefined; at = offers.nextAt()) offers.tick(at);
  expect(told).toHaveLength(5 * PEERS);
  for (let round = 0; round < 5; round++)
    expect(new Set(told.slice(round * PEERS, (round + 1) * PEERS)).size).toBe(PEERS);
});

test("what is newer is told at once, in place of a round that is under way", () => {
  const told: LocalIndex[] = [];
  const offers = new Offers(peers, ({ localIndex }) => void told.push(localIndex));
  offers.begin(instant(0));
  offers.tick(instant(0));
  offers.tick(instant(10));
  const [first] = told;
  offers.begin(instant(12));
  expect(offers.nextAt()).toBe(12);
  told.length = 0;
  offers.tick(instant(12));
  expect(told[0]).toBe(first);
});

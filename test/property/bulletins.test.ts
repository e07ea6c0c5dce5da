import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instant } from "../../src/core/base/time.ts";
import { decodeBulletin, decodeHead, encodeBulletin } from "../../src/core/bulletin/bulletin.ts";
import { HeldBulletins } from "../../src/core/bulletin/held.ts";
import { decodeRevocations, encodeRevocations } from "../../src/core/bulletin/revocations.ts";
import {
  type BulletinMessage,
  decodeBulletinMessage,
  encodeBulletinMessage,
  PENDING_NAME_CHARACTERS_MAX,
  PENDING_NAMES_MAX,
  PIECE_BYTES_MAX,
} from "../../src/core/wire/bulletin-message.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../unit/fixtures/authority.ts";
import { mutated, mutation } from "./arbitraries.ts";

const authority = new TestAuthority(nodeSuite, 7);
const trusted = [authority.certificate];
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyBytes = fc.uint8Array({ maxLength: 2_000 });
const id = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.string({ minLength: 1, maxLength: PENDING_NAME_CHARACTERS_MAX, unit: "grapheme-ascii" });

const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

const message: fc.Arbitrary<BulletinMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("have" as const),
    head: fc.uint8Array({ minLength: 1, maxLength: 256 }),
    signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    state: fc.constantFrom("held" as const, "applied" as const, "refused" as const),
    asks: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("want" as const), id, offset: u32, deflated: fc.boolean() }),
  fc.record({
    kind: fc.constant("piece" as const),
    id,
    offset: u32,
    bytes: fc.uint8Array({ minLength: 1, maxLength: PIECE_BYTES_MAX }),
    deflatedBytes: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("who-has" as const), id }),
  fc
    .record({
      kind: fc.constant("tally" as const),
      id,
      hosts: u32,
      applied: u32,
      pending: fc.array(name, { maxLength: PENDING_NAMES_MAX }),
    })
    .map((tally) => ({ ...tally, applied: Math.min(tally.applied, tally.hosts) })),
);

describe("what is said about bulletins", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeBulletinMessage(encodeBulletinMessage(value))).toEqual(value);
      }),
    );
  });

  test("never throws, whatever somebody makes of it", () => {
    fc.assert(
      fc.property(message, mutations, (value, changes) => {
        decodeBulletinMessage(mutated(encodeBulletinMessage(value), changes));
      }),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        decodeBulletinMessage(bytes);
        decodeBulletin(nodeSuite, bytes);
        decodeHead(nodeSuite, bytes, bytes);
        decodeRevocations(bytes);
      }),
    );
  });
});

test("of a bulletin no byte can be changed: it is not read, not taken, or says the same", () => {
  const body = encodeRevocations([
    { name: "laptop", until: 1_900_000_000, publicKey: new Uint8Array(32).fill(3), fingerprints: [] },
  ]);
  const genuine = authority.bulletin({ number: 7, body });
  fc.assert(
    fc.property(mutations, (changes) => {
      const held = new HeldBulletins(nodeSuite);
      const read = decodeBulletin(nodeSuite, mutated(encodeBulletin(genuine), changes));
      if (!read.ok) return;
      const taken = held.accept(trusted, read.value, instant(0));
      if (taken.ok) expect({ ...taken.value.head, body: taken.value.body }).toMatchObject({ number: 7, body });
      else expect(held.size).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test("in whatever order bulletins come, what is held is the newest that has come, and never goes back", () => {
  const numbers = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(numbers, (order) => {
      const held = new HeldBulletins(nodeSuite);
      let newest = 0;
      for (const number of order) {
        const taken = held.accept(trusted, authority.bulletin({ number }), instant(0));
        expect(taken.ok).toBe(number >= newest);
        newest = Math.max(newest, number);
        expect(held.all().map(({ head }) => head.number)).toEqual([newest]);
      }
    }),
    { numRuns: 200 },
  );
});

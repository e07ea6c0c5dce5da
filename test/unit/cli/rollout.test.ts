import { expect, test } from "vitest";
import { type Count, type RolloutPorts, rollOut } from "../../../src/cli/policy/rollout.ts";
import { forGood, stagesOf } from "../../../src/cli/policy/stages.ts";
import type { PolicyBody } from "../../../src/core/policy/policy.ts";

const BEFORE: PolicyBody = { place: "policy.yaml:1", mode: "audit", outbound: "any", rules: [] };
const AFTER: PolicyBody = { ...BEFORE, mode: "enforce" };
const NAMES = Array.from({ length: 42 }, (_, i) => `host${i}`);

/** A network of 42 hosts, and one from which it is done. `awake`: how many apply what they are told; `is`: what else is so in a step. */
function network(
  changes: { awake?: number; is?: (step: number) => Partial<Count>; probe?: (step: number) => readonly string[] } = {},
) {
  const { awake = 43, is = () => ({}), probe = () => [] } = changes;
  const stages = stagesOf(BEFORE, AFTER, NAMES);
  const published: number[] = [];
  let now = 0;
  const ports: RolloutPorts = {
    patienceMs: 15_000,
    publish: async (step) => void published.push(step),
    count: async () => {
      const step = published.at(-1) ?? 0;
      const applied = Math.min(stages[step]?.hosts?.length ?? awake, awake);
      return { hosts: 43, applied, pending: [], refused: [], silent: [], ...is(step) };
    },
    probe: async () => probe(published.at(-1) ?? 0),
    sleep: async (ms) => {
      now += ms;
    },
    now: () => now,
    passed: () => {},
  };
  return { run: () => rollOut(stages, ports), published, elapsed: () => now };
}

test("one host goes first, then a tenth, then everybody, each until it is confirmed, and then it is for good", () => {
  const stages = stagesOf(BEFORE, AFTER, NAMES);
  expect(stages.map(({ hosts, isTrial }) => [hosts?.length, isTrial])).toEqual([
    [1, true],
    [5, true],
    [undefined, true],
    [undefined, false],
  ]);
  expect(stages.map(({ bulletin }) => [bulletin.policy, bulletin.stage?.before, bulletin.stage?.seconds])).toEqual([
    [AFTER, BEFORE, 60],
    [AFTER, BEFORE, 60],
    [AFTER, BEFORE, 60],
    [AFTER, undefined, undefined],
  ]);
  expect(stagesOf(BEFORE, AFTER, ["only"]).map(({ hosts }) => hosts)).toEqual([["only"], undefined, undefined]);
  expect(stagesOf(BEFORE, AFTER, [])).toHaveLength(2);
  expect(forGood(undefined).bulletin).toEqual({ policy: undefined, stage: undefined });
});

test("steps follow each other as soon as all have applied one", async () => {
  const { run, published, elapsed } = network();
  expect(await run()).toMatchObject({ ok: true, last: { applied: 43, hosts: 43, pending: [] } });
  expect(published).toEqual([0, 1, 2, 3]);
  expect(elapsed()).toBe(0);
});

test("hosts that are asleep are not waited for in the end, and are named", async () => {
  const { run, published } = network({ awake: 41, is: () => ({ pending: ["nas"] }) });
  expect(await run()).toMatchObject({ ok: true, last: { applied: 41, hosts: 43, pending: ["nas"] } });
  expect(published).toHaveLength(4);
});

test.each([
  [
    "the first host does not apply it",
    { is: () => ({ applied: 0, pending: ["host0"] }) },
    0,
    "host0 had not applied it after 15 s (do they go by it, firewall.policy: network?)",
  ],
  [
    "one of the tenth says that it cannot",
    { is: (step: number) => (step === 1 ? { refused: ["host3"] } : {}) },
    1,
    "it is refused by host3",
  ],
  [
    "a host does not answer any more",
    { probe: (step: number) => (step === 1 ? ["host4 does not answer any more"] : []) },
    1,
    "host4 does not answer any more",
  ],
  [
    "those fall behind who had applied it",
    { is: (step: number) => (step === 2 ? { applied: 2 } : {}) },
    2,
    "all but 2 had not applied it after 15 s (do they go by it, firewall.policy: network?)",
  ],
])("when %s, no further step is taken", async (_, changes, step, why) => {
  const { run, published } = network(changes);
  expect(await run()).toEqual({ ok: false, step, why });
  expect(published).toHaveLength(step + 1);
});

import { expect, test } from "vitest";
import { DropReason } from "../../src/core/drop-reason.ts";
import { dataPlanes } from "./data-planes.ts";
import { randomScript } from "./random-script.ts";
import { ReferenceProbe } from "./reference-probe.ts";
import type { Observed, Step } from "./step.ts";

// The same histories for both data planes; every output is compared, in order. A seed that fails is enough to fail again:
//   LACIS_SEED=17 npx vitest run test/conformance/random.test.ts
// and LACIS_SCRIPTS=5000 looks further.

const SCRIPTS = Number(process.env["LACIS_SCRIPTS"] ?? 250);
const STEPS = 110;
const given = process.env["LACIS_SEED"];
const seeds = given === undefined ? Array.from({ length: SCRIPTS }, (_, i) => i + 1) : [Number(given)];

const native = dataPlanes.find(({ name }) => name === "native")?.open;

test.skipIf(!native)(
  `both data planes live through the same histories alike${native ? "" : " (native: not built)"}`,
  async () => {
    for (const seed of seeds) {
      const script = randomScript(seed, STEPS);
      const expected = await outcome(new ReferenceProbe(), script);
      const found = await outcome(native!(), script);
      for (const [i, step] of script.entries())
        expect(found[i], `seed ${seed}, step ${i}: ${show(step)}`).toEqual(expected[i]);
    }
  },
  600_000,
);

test("the histories reach nearly every reason to drop a packet", async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const observed = await outcome(new ReferenceProbe(), randomScript(seed, STEPS));
    for (const each of observed.flat())
      if (each.out === "sampled")
        for (const drop of each.counters["drops"] as string[]) reached.add(drop.split(" ")[0]!);
  }
  // Too rare in a hundred steps, or not for a data plane in memory; test/conformance/drop-reasons.test.ts has them.
  const rare: string[] = [
    DropReason.handshakeLimited,
    DropReason.recvErrorLimited,
    DropReason.parkedFull,
    DropReason.flowEvicted,
    DropReason.messageLimited,
    DropReason.relayLimited,
    DropReason.sendFailed,
    DropReason.leftUnread,
    DropReason.fragmentLimited,
    DropReason.icmpErrorLimited,
    DropReason.rejectLimited,
    DropReason.pathNotAllowed,
    DropReason.other,
  ];
  expect(Object.values(DropReason).filter((reason) => !reached.has(reason) && !rare.includes(reason))).toEqual([]);
});

async function outcome(
  plane: ReturnType<NonNullable<typeof native>>,
  script: readonly Step[],
): Promise<readonly (readonly Observed[])[]> {
  try {
    return (await plane.apply(script)).map((observed) => observed.map(withoutFlowGauge));
  } finally {
    await plane.close();
  }
}

/** Expired flows go when a sweep comes by: how many are still there is nobody's promise. */
function withoutFlowGauge(observed: Observed): Observed {
  return observed.out === "sampled" ? { ...observed, counters: { ...observed.counters, flows: 0 } } : observed;
}

function show(step: Step): string {
  return JSON.stringify(step, (_, value) => {
    if (typeof value === "bigint") return String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
  });
}

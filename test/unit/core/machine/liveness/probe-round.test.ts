import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { ProbeRound } from "../../../../../src/core/machine/liveness/probe-round.ts";
import type { Session } from "../../../../../src/core/peer/session.ts";

const SESSIONS = Array.from({ length: 500 }, (_, localIndex) => ({ localIndex }) as Session);

describe("a round of probes", () => {
  test("takes the first at once and the others at 200 a second, in their order, and all of them once more", () => {
    const round = new ProbeRound();
    round.begin(SESSIONS, instant(0));
    expect(round.takeDue(instant(0))).toEqual(SESSIONS.slice(0, 20));
    const { probed, endedAt } = runOn(round);
    expect(probed).toEqual([...SESSIONS.slice(20), ...SESSIONS]);
    expect(endedAt / 2 - 1_050).toBeCloseTo(2_400, -2);
  });

  test("begins again with whatever the next change finds", () => {
    const round = new ProbeRound();
    round.begin(SESSIONS, instant(0));
    round.takeDue(instant(0));
    round.begin(SESSIONS.slice(5, 6), instant(10));
    expect(runOn(round).probed).toEqual([SESSIONS[5], SESSIONS[5]]);
  });

  test("of nobody is over", () => {
    const round = new ProbeRound();
    round.begin(SESSIONS, instant(0));
    round.begin([], instant(0));
    expect(round.nextAt()).toBeUndefined();
  });
});

function runOn(round: ProbeRound): { probed: Session[]; endedAt: number } {
  const probed: Session[] = [];
  let endedAt = 0;
  for (let at = round.nextAt(); at !== undefined; at = round.nextAt()) {
    probed.push(...round.takeDue(at));
    endedAt = at;
  }
  return { probed, endedAt };
}

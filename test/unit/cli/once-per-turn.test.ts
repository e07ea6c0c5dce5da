import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { oncePerTurn } from "../../../src/cli/once-per-turn.ts";

test("a bundle of signals is one reload, and a signal during a reload is one more", async () => {
  let reloads = 0;
  const signal = oncePerTurn(() => {
    reloads++;
    if (reloads === 1) for (let more = 0; more < 32; more++) signal();
  });
  for (let more = 0; more < 32; more++) signal();
  expect(reloads, "not within the handler of a signal").toBe(0);
  await turn();
  expect(reloads).toBe(1);
  await turn();
  expect(reloads).toBe(2);
  await turn();
  expect(reloads).toBe(2);
});

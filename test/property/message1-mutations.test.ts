import { expect, test } from "vitest";
import { msAllowed, mutateMessages1 } from "./message1-mutations.ts";

test("of 50,000 changed messages 1 of up to 9,001 bytes none throws, and none costs more than 1 ms, on a slow machine than twenty signatures, until it is refused", {
  timeout: 240_000,
}, () => {
  const report = mutateMessages1(50_000, 1);
  const { mutations, answered, slowestMs, slowestKind } = report;
  expect(mutations).toBe(50_000);
  // Those that say the same as before are answered: the way goes to the end.
  expect(answered).toBeGreaterThan(100);
  expect(slowestMs, slowestKind).toBeLessThanOrEqual(msAllowed(report));
});

import { expect, test } from "vitest";
import { agreeOnPolicies } from "./agreement.ts";

test("hosts that compile a policy for themselves do with every packet what the policy says, and so do files for stock hosts", () => {
  // A million: npm run fuzz:policy.
  const { packets, verdicts, disagreements } = agreeOnPolicies({ packets: 20_000, seed: 1 });
  expect(disagreements).toEqual([]);
  expect(packets).toBeGreaterThanOrEqual(20_000);
  for (const verdict of ["allowed", "refused", "audited"]) expect(verdicts.get(verdict)).toBeGreaterThan(1_000);
});

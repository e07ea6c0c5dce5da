import { expect, test } from "vitest";
import { mutateCertificates } from "./certificate-mutations.ts";

test("of 20,000 changed certificates none is taken for another one, and none escapes the blocklist", {
  timeout: 60_000,
}, () => {
  const report = mutateCertificates(20_000, 1);
  expect(report.mutations).toBe(20_000);
  // Some changes change nothing, some make the signature's other form: the question is asked.
  expect(report.accepted).toBeGreaterThan(20);
  expect(report.decoded).toBeGreaterThan(1_000);
});

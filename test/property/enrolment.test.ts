import { expect, test } from "vitest";
import { mutateRequests } from "./enrolment-mutations.ts";

test("changed requests are refused or done, never by a fault of the service, and no secret is told", async () => {
  const { statuses, leaks, requests } = await mutateRequests(1_500, 20_261_128);
  expect(requests).toBe(1_500);
  expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
  expect(leaks).toEqual([]);
  // Some got through, or nothing behind the door was tried.
  expect(statuses.get(200)).toBeGreaterThan(10);
  expect(statuses.get(400)).toBeGreaterThan(10);
});

import { expect, test } from "vitest";
import { HAS_SQLITE } from "../unit/certs/enrolment/office.ts";
import { mutateRequests } from "./enrolment-mutations.ts";

test.skipIf(!HAS_SQLITE)(
  "changed requests are refused or done, never by a fault of the service, and no secret is told",
  async () => {
    const { statuses, leaks, requests } = await mutateRequests(800, 20_261_128);
    expect(requests).toBe(800);
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
    expect(leaks).toEqual([]);
    // Some got through, or nothing behind the door was tried.
    expect(statuses.get(200)).toBeGreaterThan(10);
    expect(statuses.get(400)).toBeGreaterThan(10);
  },
);

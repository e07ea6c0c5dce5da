import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { endpointList, listedEndpoints, NO_ENDPOINTS } from "../../../../src/core/netip/endpoint-list.ts";

describe("a list of endpoints that is kept as text", () => {
  test.each([
    [[]],
    [["192.0.2.1:4242"]],
    [["[2001:db8::1]:4242", "192.0.2.1:4242", "192.0.2.1:4243"]],
  ] as Endpoint[][][])("is read as it was: %j", (endpoints) => {
    expect(listedEndpoints(endpointList(endpoints))).toEqual(endpoints);
  });

  test("of none is the empty list", () => {
    expect(endpointList([])).toBe(NO_ENDPOINTS);
  });
});

import { expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { hostRoutes } from "../../../../src/core/route/host-routes.ts";
import { reachOf } from "../../../../src/core/route/reach.ts";
import { RouteTable } from "../../../../src/core/route/route-table.ts";
import { prefix } from "../../fixtures/authority.ts";

const routes = hostRoutes({ networks: ["10.77.1.2/16", "10.99.0.4/31", "fd00:77::2/64"].map(prefix) });

test.each([
  ["10.77.0.1", "host"],
  ["10.77.1.255", "host"],
  ["10.77.255.255", "not-a-host"],
  ["10.77.0.0", "not-a-host"],
  ["10.77.1.2", "own-address"],
  ["10.78.0.1", "outside-networks"],
  ["8.8.8.8", "outside-networks"],
  ["10.99.0.5", "host"],
  ["224.0.0.251", "not-a-host"],
  ["255.255.255.255", "not-a-host"],
  ["fd00:77::1", "host"],
  ["fd00:77::2", "own-address"],
  ["fd00:78::1", "outside-networks"],
  ["ff02::1", "not-a-host"],
])("%s is %s", (address, reach) => {
  expect(reachOf(routes, address as IpAddress)).toBe(reach);
});

test("what lies behind a gateway is not called", () => {
  const gateways = [{ address: "10.77.0.9" as IpAddress, weight: 1 }];
  const behind = { prefix: prefix("10.77.8.0/24"), target: { kind: "gateways", gateways } } as const;
  const table = RouteTable.of([...routes.routes, behind]);
  expect(table.ok && reachOf(table.value, "10.77.8.1" as IpAddress)).toBe("outside-networks");
  expect(table.ok && reachOf(table.value, "10.77.0.9" as IpAddress)).toBe("host");
});

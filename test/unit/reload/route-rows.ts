import type { Row, Values } from "./row.ts";
import { routesOrdered, startRoutes, watched } from "./runtime-probes.ts";

/** What the operating system is told. */
function systemRow(other: string): Row {
  return { other, given: startRoutes, sees: routesOrdered };
}

/** A field of a route changes as the list that the route stands in. */
function routeRows(list: "tun.routes" | "tun.unsafe_routes", others: Values): Readonly<Record<string, Row>> {
  const first =
    list === "tun.routes" ? "{route: 10.77.0.128/25, mtu: 1400}" : "{route: 192.168.7.0/24, via: 10.77.0.3}";
  return Object.fromEntries(
    Object.entries(others).map(([field, route]) => [
      `${list}[].${field}`,
      { ...systemRow(`[${route}]`), base: { [list]: `[${first}]` }, changes: [list] },
    ]),
  );
}

/** What leads through the device, and how large a packet there may be. */
export const ROUTE_ROWS: Readonly<Record<string, Row>> = {
  "tun.mtu": systemRow("1400"),
  "tun.routes": systemRow("[{route: 10.77.0.128/25, mtu: 1400}]"),
  "tun.unsafe_routes": systemRow("[{route: 192.168.7.0/24, via: 10.77.0.3}]"),
  ...routeRows("tun.routes", {
    route: "{route: 10.77.0.192/26, mtu: 1400}",
    mtu: "{route: 10.77.0.128/25, mtu: 1500}",
  }),
  ...routeRows("tun.unsafe_routes", {
    route: "{route: 192.168.8.0/24, via: 10.77.0.3}",
    mtu: "{route: 192.168.7.0/24, via: 10.77.0.3, mtu: 1200}",
    metric: "{route: 192.168.7.0/24, via: 10.77.0.3, metric: 7}",
    install: "{route: 192.168.7.0/24, via: 10.77.0.3, install: false}",
  }),
  "tun.unsafe_routes[].via": {
    base: { "tun.unsafe_routes": "[{route: 192.168.7.0/24, via: 10.77.0.3}]" },
    changes: ["tun.unsafe_routes"],
    other: "[{route: 192.168.7.0/24, via: [{gateway: 10.77.0.4}, {gateway: 10.77.0.5, weight: 0}]}]",
    sees: ({ host }) => host.commands.findLast((command) => command.kind === "apply-routes"),
  },
  "tun.use_system_route_table": { other: "true", given: startRoutes, sees: watched },
  "tun.use_system_route_table_buffer_size": {
    base: { "tun.use_system_route_table": "true" },
    other: "65536",
    given: startRoutes,
    sees: watched,
  },
};

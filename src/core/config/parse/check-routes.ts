import type { Credential } from "../../cert/credential.ts";
import { contains, formatPrefix, formatPrefixes, masked, type Prefix, prefixesAround } from "../../netip/prefix.ts";
import type { UnsafeRoute } from "../../route/route.ts";
import { ROUTES_MAX } from "../../route/route-table.ts";
import type { Findings } from "../document/findings.ts";
import type { PlacedOverlayRoute, PlacedUnsafeRoute } from "./parse-routes.ts";

/** `tun.routes` are about the overlay: each lies in one of this host's networks. */
export function checkOverlayRoutes(
  routes: readonly PlacedOverlayRoute[],
  networks: readonly Prefix[],
  findings: Findings,
): void {
  const isInside = prefixesAround(networks);
  for (const { prefix, place, path } of routes.filter(({ prefix }) => !isInside(prefix))) {
    const what = `${formatPrefix(prefix)} is outside this host's networks (${formatPrefixes(networks)})`;
    findings.error({
      code: "CONFIG_CONFLICT",
      place,
      path,
      what,
      todo: "networks behind other hosts belong into tun.unsafe_routes",
    });
  }
}

/**
 * The unsafe routes that this host can use. Refused: those inside the overlay, and gateways outside it. Left out with a warning: what this host
 * is the gateway for itself, so that all hosts may have the same list, and what a later route for the same prefix overrides.
 */
export function usableUnsafeRoutes(
  routes: readonly PlacedUnsafeRoute[],
  credential: Pick<Credential, "networks" | "addresses" | "unsafeNetworks">,
  findings: Findings,
): readonly UnsafeRoute[] {
  const { networks, unsafeNetworks } = credential;
  if (routes.length > ROUTES_MAX / 2) findings.error(tooMany(routes));
  const isOurs = new Set(unsafeNetworks.map((network) => formatPrefix(masked(network))));
  const last = new Map(routes.map((route) => [formatPrefix(route.prefix), route]));
  return routes.flatMap((route) => {
    const { place, path, via, ...usable } = route;
    const text = formatPrefix(route.prefix);
    const warn = (what: string, todo: string): [] => {
      findings.warn({ code: "CONFIG_CONFLICT", place, path, what, todo });
      return [];
    };
    if (!isPossible(route, networks, findings)) return [];
    if (route.gateways.some(({ address }) => credential.addresses.includes(address)))
      return warn(
        `${text} is not used here: this host is a gateway for it itself`,
        "nothing, if other hosts have the same list",
      );
    if (isOurs.has(text))
      return warn(
        `${text} is not used here: it lies behind this host, as its certificate says`,
        "remove it from this host's list",
      );
    if (last.get(text) !== route) return warn(`${text} is given again below, which decides`, "remove this one");
    return [usable];
  });
}

function isPossible(route: PlacedUnsafeRoute, networks: readonly Prefix[], findings: Findings): boolean {
  const { prefix, gateways, place, path, via } = route;
  const around = networks.find((network) => contains(network, prefix.address) && network.bits <= prefix.bits);
  if (around) {
    const what = `${formatPrefix(prefix)} is inside the overlay network ${formatPrefix(around)}`;
    const todo = "hosts in there are reached without a route; an MTU for some of them belongs into tun.routes";
    findings.error({ code: "CONFIG_CONFLICT", place, path, what, todo });
  }
  const outside = gateways.find(({ address }) => !networks.some((network) => contains(network, address)));
  if (outside) {
    const what = `the gateway ${outside.address} is outside this host's networks (${formatPrefixes(networks)})`;
    const todo = "write the gateway's overlay address";
    findings.error({ code: "CONFIG_CONFLICT", place: via, path: path.replace(/route$/, "via"), what, todo });
  }
  return !around && !outside;
}

function tooMany(routes: readonly PlacedUnsafeRoute[]): Parameters<Findings["error"]>[0] {
  const what = `names ${routes.length} routes`;
  const todo = `it may name ${ROUTES_MAX / 2} at most`;
  return { code: "CONFIG_LIMIT", place: routes[0]?.place, path: "tun.unsafe_routes", what, todo };
}

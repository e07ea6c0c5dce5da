import { fail, ok, type Result } from "../base/result.ts";
import type { IpAddress } from "../netip/address.ts";
import { masked, widthOf } from "../netip/prefix.ts";
import { PrefixMap } from "../netip/prefix-map.ts";
import type { Gateway, Route, RouteTarget } from "./route.ts";

/** Routes at once: a mesh of many sites, each with a handful of prefixes. */
export const ROUTES_MAX = 16_384;
/** Gateways of one route. */
export const GATEWAYS_MAX = 16;
/** Share of one gateway. */
export const WEIGHT_MAX = 65_535;

/** Prefixes, of which the longest that contains an address decides. Never changed: a new table takes the place of the whole. */
export class RouteTable {
  static readonly EMPTY: RouteTable = new RouteTable([]);

  readonly routes: readonly Route[];
  /** Whether some route has several gateways. */
  readonly hasAlternatives: boolean;
  readonly #byPrefix: PrefixMap<Route>;

  /** Fails with the reason why these routes are none. */
  static of(routes: readonly Route[]): Result<RouteTable, string> {
    const refusal = refusalOf(routes);
    return refusal === undefined ? ok(new RouteTable(routes)) : fail(refusal);
  }

  private constructor(routes: readonly Route[]) {
    this.routes = routes;
    this.hasAlternatives = routes.some(({ target }) => target.kind === "gateways" && target.gateways.length > 1);
    this.#byPrefix = new PrefixMap(routes.map((route) => [route.prefix, route]));
  }

  /** The route that decides for this address. */
  lookUp(address: IpAddress): Route | undefined {
    return this.#byPrefix.lookUp(address);
  }

  /** Where packets to this address go; "none" also when no route says. */
  targetOf(address: IpAddress): RouteTarget["kind"] {
    return this.lookUp(address)?.target.kind ?? "none";
  }
}

function refusalOf(routes: readonly Route[]): string | undefined {
  if (routes.length > ROUTES_MAX) return `there are more than ${ROUTES_MAX} routes`;
  const seen = new Set<string>();
  for (const { prefix, target } of routes) {
    if (prefix.bits > widthOf(prefix.address) || masked(prefix).address !== prefix.address)
      return "a route's prefix has host bits";
    const key = `${prefix.address}/${prefix.bits}`;
    if (seen.has(key)) return "two routes have the same prefix";
    seen.add(key);
    const refusal = target.kind === "gateways" ? refusalOfGateways(target.gateways) : undefined;
    if (refusal) return refusal;
  }
  return undefined;
}

function refusalOfGateways(gateways: readonly Gateway[]): string | undefined {
  if (gateways.length === 0 || gateways.length > GATEWAYS_MAX) return `a route has ${gateways.length} gateways`;
  if (new Set(gateways.map(({ address }) => address)).size < gateways.length) return "a route names a gateway twice";
  return gateways.every(({ weight }) => weight <= WEIGHT_MAX) ? undefined : `a weight is above ${WEIGHT_MAX}`;
}

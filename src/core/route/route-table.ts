import { fail, ok, type Result } from "../base/result.ts";
import { addressBytes, familyOf, type IpAddress } from "../netip/address.ts";
import { masked, type Prefix } from "../netip/prefix.ts";
import type { Gateway, Route, RouteTarget } from "./route.ts";

/** Routes at once: a mesh of many sites, each with a handful of prefixes. */
export const ROUTES_MAX = 16_384;
/** Gateways of one route. */
export const GATEWAYS_MAX = 16;
const WEIGHT_MAX = 65_535;

/** Prefixes, of which the longest that contains an address decides. Never changed: a new table takes the place of the whole. */
export class RouteTable {
  static readonly EMPTY: RouteTable = new RouteTable([]);

  readonly routes: readonly Route[];
  /** Longest first. One map for each length that occurs. */
  readonly #lengths: { readonly 4: readonly Length[]; readonly 6: readonly Length[] };

  /** Fails with the reason why these routes are none. */
  static of(routes: readonly Route[]): Result<RouteTable, string> {
    const refusal = refusalOf(routes);
    return refusal === undefined ? ok(new RouteTable(routes)) : fail(refusal);
  }

  private constructor(routes: readonly Route[]) {
    this.routes = routes;
    this.#lengths = { 4: lengthsOf(routes, 4), 6: lengthsOf(routes, 6) };
  }

  /** The route that decides for this address. */
  lookUp(address: IpAddress): Route | undefined {
    const family = familyOf(address);
    const lengths = this.#lengths[family];
    if (lengths.length === 0) return undefined;
    const number = numberOf(address);
    for (const { hostBits, routes } of lengths) {
      const route = routes.get(number >> hostBits);
      if (route) return route;
    }
    return undefined;
  }

  /** Where packets to this address go; "none" also when no route says. */
  targetOf(address: IpAddress): RouteTarget["kind"] {
    return this.lookUp(address)?.target.kind ?? "none";
  }
}

/** The routes of one prefix length, by what is left of their address. */
interface Length {
  readonly hostBits: bigint;
  readonly routes: ReadonlyMap<bigint, Route>;
}

function lengthsOf(routes: readonly Route[], family: 4 | 6): readonly Length[] {
  const byBits = new Map<number, Map<bigint, Route>>();
  for (const route of routes) {
    const { address, bits } = route.prefix;
    if (familyOf(address) !== family) continue;
    const length = byBits.get(bits) ?? new Map<bigint, Route>();
    byBits.set(bits, length);
    length.set(numberOf(address) >> hostBitsOf(route.prefix), route);
  }
  const longestFirst = [...byBits].sort(([a], [b]) => b - a);
  return longestFirst.map(([bits, routes]) => ({ hostBits: BigInt((family === 4 ? 32 : 128) - bits), routes }));
}

function hostBitsOf({ address, bits }: Prefix): bigint {
  return BigInt(widthOf(address) - bits);
}

function widthOf(address: IpAddress): number {
  return familyOf(address) === 4 ? 32 : 128;
}

function numberOf(address: IpAddress): bigint {
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return bytes.length === 4 ? BigInt(view.getUint32(0)) : (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
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

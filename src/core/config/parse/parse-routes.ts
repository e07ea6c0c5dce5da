import { parseAddress } from "../../netip/address.ts";
import { formatPrefix, masked, type Prefix, parsePrefix } from "../../netip/prefix.ts";
import type { Gateway, UnsafeRoute } from "../../route/route.ts";
import { GATEWAYS_MAX, WEIGHT_MAX } from "../../route/route-table.ts";
import type { ConfigErrorCode } from "../document/config-error.ts";
import type { ConfigMap, ConfigNode, ConfigScalar, Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKind } from "../document/show.ts";
import type { KeySpec } from "../schema/key-spec.ts";
import { fieldsOf } from "../schema/schema.ts";
import { explainUnknownField, isMisspelt } from "../schema/unknown-key.ts";
import { addressComplaint, booleanComplaint, integerComplaint, prefixComplaint } from "./complaints.ts";
import { parseBoolean, parseInteger } from "./scalar.ts";

/** An item of tun.routes, and where its prefix stands. */
export interface PlacedOverlayRoute {
  readonly prefix: Prefix;
  readonly mtu: number;
  readonly place: Place;
  readonly path: string;
}

/** An item of tun.unsafe_routes, and where its prefix and its gateways stand. */
export interface PlacedUnsafeRoute extends UnsafeRoute {
  readonly place: Place;
  readonly path: string;
  readonly via: Place;
}

/** `tun.routes` (compatibility 1.6). Wrong items are reported and left out. */
export function parseOverlayRoutes(node: ConfigNode | undefined, findings: Findings): readonly PlacedOverlayRoute[] {
  return parseItems(node, { path: "tun.routes", example: "{route: 10.77.5.0/24, mtu: 1400}" }, findings, (item) => {
    const prefix = item.prefix("route");
    const mtu = item.integer("mtu");
    if (mtu === undefined && !item.has("mtu")) item.missing("mtu", "add the mtu of the route");
    return prefix && mtu !== undefined ? { ...prefix, mtu } : undefined;
  });
}

/** `tun.unsafe_routes` (compatibility 1.6, protocol 10.2). Wrong items are reported and left out. */
export function parseUnsafeRoutes(node: ConfigNode | undefined, findings: Findings): readonly PlacedUnsafeRoute[] {
  const list = { path: "tun.unsafe_routes", example: "{route: 192.168.7.0/24, via: 10.77.0.3}" };
  return parseItems(node, list, findings, (item) => {
    const prefix = item.prefix("route");
    const gateways = parseVia(item);
    const mtu = item.integer("mtu") ?? 0;
    if (mtu > 0 && mtu < ROUTE_MTU_MIN)
      item.error(
        item.get("mtu") ?? item.map,
        "mtu",
        `${mtu} is out of range`,
        `it may be 0 or ${ROUTE_MTU_MIN} and more`,
      );
    const metric = item.integer("metric") ?? 0;
    const install = item.boolean("install") ?? true;
    if (!prefix || !gateways) return undefined;
    const via = item.get("via")?.place ?? prefix.place;
    return { ...prefix, gateways, mtu: mtu === 0 ? undefined : mtu, metric, install, via };
  });
}

/** As in `tun.routes`; 0 means none there. */
const ROUTE_MTU_MIN = 500;
/** What Nebula takes. Ours are smaller: shares are what counts. */
const GIVEN_WEIGHT_MAX = 0x7fff_ffff;

/** One address, or a list of `{gateway, weight}`. Undefined, with a word about it, when it is neither. */
function parseVia(item: Item): readonly Gateway[] | undefined {
  const via = item.get("via");
  if (!via) {
    item.missing("via", "add the overlay address of the host that is the gateway");
    return undefined;
  }
  const given =
    via.kind === "list" ? via.items.map((one, at) => parseGateway(item, one, `via[${at}]`)) : [parseOne(item, via)];
  const gateways = given.filter((gateway) => gateway !== undefined);
  if (gateways.length < given.length) return undefined;
  if (gateways.length === 0) item.error(via, "via", "is an empty list", "name at least one gateway");
  if (gateways.length > GATEWAYS_MAX)
    item.error(via, "via", `names ${gateways.length} gateways`, `it may name ${GATEWAYS_MAX} at most`);
  const twice = gateways.find(({ address }, at) => gateways.findIndex((other) => other.address === address) < at);
  if (twice) item.error(via, "via", `names ${twice.address} twice`, "name it once, with the sum of the weights");
  return item.isWrong ? undefined : inOurMeasure(gateways);
}

function parseOne(item: Item, via: ConfigNode): Gateway | undefined {
  const address = via.kind === "scalar" ? parseAddress(via.text) : undefined;
  if (address) return { address, weight: 1 };
  const what =
    via.kind === "scalar"
      ? `${show(via.text)} ${addressComplaint(via.text)}`
      : `${showKind(via)} where an address belongs`;
  item.error(via, "via", what, "write the gateway's overlay address, or a list of {gateway, weight}");
  return undefined;
}

function parseGateway(item: Item, node: ConfigNode, field: string): Gateway | undefined {
  if (node.kind !== "map") {
    item.error(node, field, `${showKind(node)} where a gateway belongs`, "write {gateway: 10.77.0.3, weight: 1}");
    return undefined;
  }
  const gateway = item.inside(node, field, GATEWAY_FIELDS);
  const address = gateway.scalar("gateway");
  const parsed = address && parseAddress(address.text);
  if (address && !parsed) gateway.error(address, "gateway", `${show(address.text)} ${addressComplaint(address.text)}`);
  if (!gateway.has("gateway")) gateway.missing("gateway", "add the gateway's overlay address");
  const weight = gateway.integer("weight") ?? 1;
  return parsed && !gateway.isWrong ? { address: parsed, weight } : undefined;
}

/** Weights keep their proportions; none that is not 0 becomes it. */
function inOurMeasure(gateways: readonly Gateway[]): readonly Gateway[] {
  const largest = Math.max(...gateways.map(({ weight }) => weight));
  if (largest <= WEIGHT_MAX) return gateways;
  const scaled = (weight: number): number =>
    weight === 0 ? 0 : Math.max(1, Math.round((weight * WEIGHT_MAX) / largest));
  return gateways.map(({ address, weight }) => ({ address, weight: scaled(weight) }));
}

function parseItems<Parsed>(
  node: ConfigNode | undefined,
  { path, example }: { readonly path: string; readonly example: string },
  findings: Findings,
  read: (item: Item) => Parsed | undefined,
): readonly Parsed[] {
  if (!node) return [];
  const todo = `write each as a map such as ${example}`;
  if (node.kind !== "list") {
    findings.error({
      code: "CONFIG_TYPE",
      place: node.place,
      path,
      what: `${showKind(node)} where a list of routes belongs`,
      todo,
    });
    return [];
  }
  const specs = fieldsOf(path);
  return node.items.flatMap((each, at) => {
    const itemPath = `${path}[${at}]`;
    if (each.kind !== "map") {
      findings.error({
        code: "CONFIG_TYPE",
        place: each.place,
        path: itemPath,
        what: `${showKind(each)} where a route belongs`,
        todo,
      });
      return [];
    }
    const item = new Item(each, itemPath, specs, findings);
    const parsed = read(item);
    return parsed === undefined || item.isWrong ? [] : [parsed];
  });
}

/** Reads the fields of one item, each by its row in the schema, and says what is wrong with them. */
class Item {
  readonly map: ConfigMap;
  isWrong = false;
  readonly #path: string;
  readonly #specs: ReadonlyMap<string, FieldSpec>;
  readonly #findings: Findings;

  constructor(map: ConfigMap, path: string, specs: ReadonlyMap<string, FieldSpec>, findings: Findings) {
    this.map = map;
    this.#path = path;
    this.#specs = specs;
    this.#findings = findings;
    for (const entry of map.entries.values()) {
      if (specs.has(entry.key)) continue;
      this.isWrong = true;
      findings.error(explainUnknownField(entry, path, specs, (field) => map.entries.has(field)));
    }
  }

  /** A map inside this item: what is wrong with it is wrong with both. */
  inside(map: ConfigMap, field: string, specs: ReadonlyMap<string, FieldSpec>): Item {
    return new Item(map, `${this.#path}.${field}`, specs, this.#findings);
  }

  /** What stands there; nothing counts as absent. */
  get(field: string): ConfigNode | undefined {
    const node = this.map.entries.get(field)?.value;
    return node?.kind === "null" ? undefined : node;
  }

  has(field: string): boolean {
    return this.get(field) !== undefined;
  }

  scalar(field: string): ConfigScalar | undefined {
    const node = this.get(field);
    if (!node || node.kind === "scalar") return node;
    this.error(node, field, `${showKind(node)} where one value belongs`, undefined, "CONFIG_TYPE");
    return undefined;
  }

  /** Host bits cleared, with a word about it. */
  prefix(field: string): { readonly prefix: Prefix; readonly place: Place; readonly path: string } | undefined {
    const node = this.scalar(field);
    if (!this.has(field)) this.missing(field, "add a prefix such as 192.168.7.0/24");
    if (!node) return undefined;
    const given = parsePrefix(node.text);
    if (!given) {
      this.error(node, field, `${show(node.text)} ${prefixComplaint(node.text)}`, undefined, "CONFIG_TYPE");
      return undefined;
    }
    const { place } = node;
    const path = `${this.#path}.${field}`;
    const prefix = masked(given);
    if (prefix.address !== given.address) {
      const what = `is all of ${formatPrefix(prefix)}`;
      this.#findings.warn({ code: "CONFIG_VALUE", place, path, what, todo: `write ${formatPrefix(prefix)}` });
    }
    return { prefix, place, path };
  }

  /** Within the range of its row; quoted numbers are numbers. */
  integer(field: string): number | undefined {
    const node = this.scalar(field);
    const type = this.#specs.get(field)?.type;
    if (!node || type?.kind !== "integer") return undefined;
    const value = parseInteger(node.text);
    if (value === undefined)
      this.error(node, field, `${show(node.text)} ${integerComplaint(type)(node.text)}`, undefined, "CONFIG_TYPE");
    else if (value < type.min || value > type.max) {
      this.error(node, field, `${value} is out of range`, `it may be ${type.min} to ${type.max}`, "CONFIG_RANGE");
      return undefined;
    }
    return value;
  }

  boolean(field: string): boolean | undefined {
    const node = this.scalar(field);
    const value = node && parseBoolean(node.text);
    if (node && value === undefined)
      this.error(node, field, `${show(node.text)} ${booleanComplaint(node.text)}`, undefined, "CONFIG_TYPE");
    return value;
  }

  /** Nothing stands there. A name in its place that is no field has been reported already. */
  missing(field: string, todo: string): void {
    this.isWrong = true;
    if (!isMisspelt(field, this.map, this.#specs)) this.error(this.map, field, "is missing", todo);
  }

  error(
    at: { readonly place: Place },
    field: string,
    what: string,
    todo?: string,
    code: ConfigErrorCode = "CONFIG_VALUE",
  ): void {
    this.isWrong = true;
    const error = { code, place: at.place, path: `${this.#path}.${field}`, what };
    this.#findings.error(todo === undefined ? error : { ...error, todo });
  }
}

type FieldSpec = Pick<KeySpec, "type">;

const GATEWAY_FIELDS: ReadonlyMap<string, FieldSpec> = new Map([
  ["gateway", { type: { kind: "address" } }],
  ["weight", { type: { kind: "integer", min: 0, max: GIVEN_WEIGHT_MAX, unit: "" } }],
]);

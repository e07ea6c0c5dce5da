import { Fault } from "../../base/fault.ts";
import { DEVICE_KEYS } from "./device-keys.ts";
import { DISCOVERY_KEYS } from "./discovery-keys.ts";
import { FIREWALL_KEYS } from "./firewall-keys.ts";
import { IDENTITY_KEYS } from "./identity-keys.ts";
import type { KeySpec } from "./key-spec.ts";
import { OPERATION_KEYS } from "./operation-keys.ts";
import { TUNNEL_KEYS } from "./tunnel-keys.ts";

/** Every key of the configuration, once. Order is that of docs/CONFIG.md. */
export const SCHEMA: readonly KeySpec[] = [
  ...IDENTITY_KEYS,
  ...DISCOVERY_KEYS,
  ...DEVICE_KEYS,
  ...FIREWALL_KEYS,
  ...TUNNEL_KEYS,
  ...OPERATION_KEYS,
];

/** Keys at the top level that begin so are nobody's: a place for anchors that aliases repeat elsewhere. */
export const FREE_PREFIX = "x-";

const BY_PATH: ReadonlyMap<string, KeySpec> = new Map(SCHEMA.map((spec) => [spec.path, spec]));

/** The key at a path, or undefined. */
export function findSpec(path: string): KeySpec | undefined {
  return BY_PATH.get(path);
}

/** The key at a path that the program itself names. */
export function specOf(path: string): KeySpec {
  const spec = BY_PATH.get(path);
  if (!spec) throw new Fault("config-key", `the schema has no key ${path}`);
  return spec;
}

/** Names that may stand directly below a section ("" is the top level); undefined when it is no section. */
export function namesIn(sectionPath: string): ReadonlySet<string> | undefined {
  return SECTIONS.get(sectionPath);
}

/** Sections whose last name this is, with the names in each. */
export function sectionsNamed(name: string): readonly (readonly [path: string, names: ReadonlySet<string>])[] {
  return [...SECTIONS].filter(([path]) => path !== "" && lastName(path) === name);
}

/** The fields of the items of a list, by name. */
export function fieldsOf(list: string): ReadonlyMap<string, KeySpec> {
  return new Map(
    SCHEMA.filter(({ path }) => parentOf(path) === `${list}[]`).map((spec) => [lastName(spec.path), spec]),
  );
}

/** The fields of a firewall rule, by name. */
export const RULE_FIELDS: ReadonlyMap<string, KeySpec> = fieldsOf("firewall.inbound");

/** The last name of a path. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** The path without its last name; "" at the top level. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), 0));
}

const SECTIONS: ReadonlyMap<string, ReadonlySet<string>> = sectionsOf(SCHEMA);

function sectionsOf(specs: readonly KeySpec[]): ReadonlyMap<string, ReadonlySet<string>> {
  const sections = new Map<string, Set<string>>([["", new Set()]]);
  for (const { path } of specs) {
    if (path.includes("[]")) continue;
    for (let child = path; child !== ""; child = parentOf(child)) {
      const names = sections.get(parentOf(child)) ?? new Set();
      sections.set(parentOf(child), names.add(lastName(child)));
    }
  }
  return sections;
}

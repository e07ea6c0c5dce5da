import { type ConfigEntry, type ConfigMap, type ConfigNode, formatPlace } from "../../config/document/document.ts";
import { show } from "../../config/document/show.ts";
import { addressComplaint, prefixComplaint } from "../../config/parse/complaints.ts";
import { entriesOf } from "../../config/parse/nodes.ts";
import { type IpAddress, parseAddress } from "../../netip/address.ts";
import { masked, type Prefix, parsePrefix } from "../../netip/prefix.ts";
import type { AllowedService, KnownHost } from "../policy.ts";
import { isPlainName, parseAllowed } from "../words.ts";
import type { PlacedText, PolicyReader } from "./texts.ts";

/** The names that rules and tests may use. */
export interface Vocabulary {
  readonly groups: ReadonlySet<string>;
  readonly hosts: ReadonlyMap<string, KnownHost>;
  readonly services: ReadonlyMap<string, readonly AllowedService[]>;
}

/** Reads `groups`, `hosts` and `services`. */
export function readVocabulary(root: ConfigMap, reader: PolicyReader): Vocabulary {
  const groups = new Set<string>();
  const node = root.entries.get("groups")?.value;
  for (const named of node && node.kind !== "null" ? reader.texts(node, "groups") : []) {
    if (groups.has(named.text)) reader.error(named, named.path, `${show(named.text)} stands twice`, "remove one");
    if (checkName(named, reader)) groups.add(named.text);
  }
  const hosts = readHosts(root, groups, reader);
  return { groups, hosts, services: readServices(root, reader) };
}

function readHosts(root: ConfigMap, groups: Set<string>, reader: PolicyReader): ReadonlyMap<string, KnownHost> {
  const hosts = new Map<string, KnownHost>();
  const owners = new Map<IpAddress, string>();
  for (const entry of entriesOf(
    root.entries.get("hosts")?.value,
    "hosts",
    "write NAME: [GROUP, ...]",
    reader.findings,
  )) {
    const host = readHost(entry, reader);
    hosts.set(host.name, host);
    for (const group of host.groups) groups.add(group);
    for (const address of host.addresses) {
      const owner = owners.get(address);
      if (owner !== undefined)
        reader.error({ place: entry.keyPlace }, `hosts.${host.name}`, `has the address ${address}, as ${owner} has`);
      owners.set(address, host.name);
    }
  }
  return hosts;
}

/** A list of groups, or a map with more. */
function readHost({ key, keyPlace, value }: ConfigEntry, reader: PolicyReader): KnownHost {
  const path = `hosts.${key}`;
  const place = { place: keyPlace };
  checkName({ text: key, path, ...place }, reader);
  const host = { name: key, place: formatPlace(keyPlace) };
  if (value.kind !== "map") return { ...host, groups: groupsOf(value, path, reader), addresses: [], behind: [] };
  reader.checkKeys(value, path, ["groups", "address", "behind"]);
  const field = (name: string): ConfigNode => value.entries.get(name)?.value ?? { kind: "null", ...place };
  return {
    ...host,
    groups: groupsOf(field("groups"), `${path}.groups`, reader),
    addresses: valuesOf(field("address"), `${path}.address`, reader, parseAddress, addressComplaint),
    behind: valuesOf(field("behind"), `${path}.behind`, reader, networkOf, prefixComplaint),
  };
}

function networkOf(text: string): Prefix | undefined {
  const prefix = parsePrefix(text);
  return prefix && masked(prefix);
}

function groupsOf(node: ConfigNode, path: string, reader: PolicyReader): readonly string[] {
  const isNone = node.kind === "null" || (node.kind === "list" && node.items.length === 0);
  const given = isNone ? [] : reader.texts(node, path);
  return [...new Set(given.flatMap((named) => (checkName(named, reader) ? [named.text] : [])))];
}

function valuesOf<Value>(
  node: ConfigNode,
  path: string,
  reader: PolicyReader,
  parse: (text: string) => Value | undefined,
  complaint: (text: string) => string,
): readonly Value[] {
  if (node.kind === "null") return [];
  return reader.texts(node, path).flatMap((given) => {
    const value = parse(given.text);
    if (value === undefined) reader.error(given, given.path, `${show(given.text)} ${complaint(given.text)}`);
    return value ?? [];
  });
}

function readServices(root: ConfigMap, reader: PolicyReader): ReadonlyMap<string, readonly AllowedService[]> {
  const services = new Map<string, readonly AllowedService[]>();
  const entries = entriesOf(root.entries.get("services")?.value, "services", "write NAME: tcp/PORT", reader.findings);
  for (const { key, keyPlace, value } of entries) {
    const path = `services.${key}`;
    const own = { text: key, path, place: keyPlace };
    if (checkName(own, reader) && parseAllowed(key).ok)
      reader.error(own, path, `${show(key)} means something already`, "choose a name that is no protocol");
    const texts = value.kind === "null" ? [] : reader.texts(value, path);
    if (value.kind === "null") reader.error(own, path, "has no value", "write tcp/PORT, udp/PORT or icmp");
    services.set(
      key,
      texts.flatMap((given) => {
        const parsed = parseAllowed(given.text);
        if (parsed.ok) return parsed.value;
        reader.error(given, given.path, `${show(given.text)} ${parsed.reason}`);
        return [];
      }),
    );
  }
  return services;
}

function checkName(named: PlacedText, reader: PolicyReader): boolean {
  if (isPlainName(named.text)) return true;
  const todo = "letters, digits, dots, dashes and underscores are safe; any means everybody";
  reader.error(named, named.path, `${show(named.text)} cannot be a name`, todo);
  return false;
}

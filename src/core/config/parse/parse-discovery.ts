import { type IpAddress, parseAddress } from "../../netip/address.ts";
import type { ConfigError } from "../document/config-error.ts";
import type { ConfigEntry, ConfigNode, ConfigScalar, Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKey, showKind } from "../document/show.ts";
import { misplacedKey } from "../schema/unknown-key.ts";
import type { HostPort } from "../settings.ts";
import { addressComplaint } from "./complaints.ts";
import { parseHostPort } from "./host-port.ts";
import type { ConfigReader } from "./reader.ts";

/** A host:port and where it was written. */
export interface PlacedHostPort {
  readonly hostPort: HostPort;
  readonly place: Place;
  readonly path: string;
}

/** One entry of static_host_map. */
export interface StaticHost {
  readonly address: IpAddress;
  readonly keyPlace: Place;
  readonly endpoints: readonly PlacedHostPort[];
}

/** `static_host_map`: overlay address to one host:port or a list of them. */
export function parseStaticHosts(reader: ConfigReader, findings: Findings): readonly StaticHost[] {
  const found = reader.given("static_host_map");
  if (!found) return [];
  if (found.node.kind !== "map") {
    const what = `${showKind(found.node)} where a map of overlay addresses belongs`;
    const todo = `write entries such as "10.77.0.1": ["192.0.2.1:4242"]`;
    findings.error({ code: "CONFIG_TYPE", place: found.node.place, path: "static_host_map", what, todo });
    return [];
  }
  const byAddress = new Map<IpAddress, StaticHost>();
  for (const entry of found.node.entries.values()) {
    const host = parseStaticHost(entry, reader, findings);
    if (!host) continue;
    if (byAddress.has(host.address)) findings.error(sameHostTwice(entry, host.address));
    else byAddress.set(host.address, host);
  }
  return [...byAddress.values()];
}

/** `lighthouse.advertise_addrs`; port 0 stands for the port that this host is bound to. */
export function parseAdvertised(reader: ConfigReader, findings: Findings): readonly PlacedHostPort[] {
  const node = reader.given("lighthouse.advertise_addrs")?.node;
  return node ? parseHostPorts(node, "lighthouse.advertise_addrs", { portless: true }, findings) : [];
}

function parseStaticHost(entry: ConfigEntry, reader: ConfigReader, findings: Findings): StaticHost | undefined {
  const path = `static_host_map.${/^[0-9A-Fa-f:.]{1,45}$/.test(entry.key) ? entry.key : showKey(entry.key)}`;
  const address = parseAddress(entry.key);
  if (!address) {
    findings.error(notAHost(entry, path, reader));
    return undefined;
  }
  return {
    address,
    keyPlace: entry.keyPlace,
    endpoints: parseHostPorts(entry.value, path, { single: true }, findings),
  };
}

/** A key that names no host. What stands under it is not looked at: it may belong to something else. */
function notAHost(entry: ConfigEntry, path: string, reader: ConfigReader): ConfigError {
  const what = `${show(entry.key)} is not an overlay address`;
  const misplaced = misplacedKey(entry, path, "static_host_map", (key) => reader.isGiven(key), what);
  if (misplaced) return misplaced;
  const turned = turnedRound(entry);
  if (turned !== undefined) {
    const mistake = "has the overlay address and the place of the host the wrong way round";
    return { code: "CONFIG_VALUE", place: entry.keyPlace, path, what: mistake, todo: `write ${turned}` };
  }
  const todo = "the key is the host's overlay address; its underlay addresses stand in the list";
  const complaint = `${show(entry.key)} ${addressComplaint(entry.key)}`;
  return { code: "CONFIG_VALUE", place: entry.keyPlace, path, what: complaint, todo };
}

/** The entry as it is meant, where a place is the key and an address what is there. */
function turnedRound({ key, value }: ConfigEntry): string | undefined {
  const [first] = value.kind === "list" ? value.items : [value];
  const address = first?.kind === "scalar" ? parseAddress(first.text) : undefined;
  return address !== undefined && parseHostPort(key).ok ? `"${address}": ["${key}"]` : undefined;
}

function sameHostTwice(entry: ConfigEntry, address: IpAddress): Parameters<Findings["error"]>[0] {
  const what = `${address} is given twice, in two spellings`;
  const path = `static_host_map.${entry.key}`;
  return { code: "CONFIG_DUPLICATE_KEY", place: entry.keyPlace, path, what, todo: "put both lists into one entry" };
}

function parseHostPorts(
  node: ConfigNode,
  path: string,
  options: { readonly portless?: boolean; readonly single?: boolean },
  findings: Findings,
): readonly PlacedHostPort[] {
  if (node.kind === "scalar" && options.single) return parseItem(node, path, options.portless ?? false, findings);
  if (node.kind !== "list") {
    const what = `${showKind(node)} where a list of host:port belongs`;
    findings.error({ code: "CONFIG_TYPE", place: node.place, path, what, todo: `write ["192.0.2.1:4242"]` });
    return [];
  }
  return node.items.flatMap((item, i) => {
    if (item.kind === "scalar") return parseItem(item, `${path}[${i}]`, options.portless ?? false, findings);
    const what = `${showKind(item)} where host:port belongs`;
    findings.error({ code: "CONFIG_TYPE", place: item.place, path: `${path}[${i}]`, what });
    return [];
  });
}

function parseItem(node: ConfigScalar, path: string, portless: boolean, findings: Findings): readonly PlacedHostPort[] {
  const parsed = parseHostPort(node.text, { portless });
  if (parsed.ok) return [{ hostPort: parsed.value, place: node.place, path }];
  findings.error({ code: "CONFIG_VALUE", place: node.place, path, what: `${show(node.text)} ${parsed.reason}` });
  return [];
}

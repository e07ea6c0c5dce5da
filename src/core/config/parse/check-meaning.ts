import { nearest } from "../../base/suggest.ts";
import { familyOf, type IpAddress } from "../../netip/address.ts";
import { AllowedRemotes, type RemoteAllowList } from "../../netip/allow-list.ts";
import { endpointAddress } from "../../netip/endpoint.ts";
import { overlayDoubt } from "../../netip/overlay-network.ts";
import type { OwnAllowList } from "../../netip/own-allow-list.ts";
import { contains, formatPrefix, formatPrefixes, masked, overlaps, type Prefix } from "../../netip/prefix.ts";
import type { Place, Placed } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import type { Host, LiveSettings } from "../settings.ts";
import { checkPlaces } from "./check-places.ts";
import type { PlacedRange } from "./parse-calculated-remotes.ts";
import type { PlacedHostPort, StaticHost } from "./parse-discovery.ts";
import type { PlacedOverlayRoute, PlacedUnsafeRoute } from "./parse-routes.ts";
import type { ConfigReader } from "./reader.ts";

/** What the checks between keys look at. */
export interface Meaning {
  readonly amLighthouse: boolean;
  readonly lighthouses: readonly Placed<IpAddress>[];
  readonly amRelay: boolean;
  readonly relays: readonly Placed<IpAddress>[];
  readonly listenHost: Host;
  readonly listenPort: number;
  readonly network: LiveSettings["staticMap"]["network"];
  readonly staticHosts: readonly StaticHost[];
  readonly advertised: readonly PlacedHostPort[];
  readonly calculated: readonly PlacedRange[];
  readonly remoteAllowList: RemoteAllowList;
  readonly ownAllowList: OwnAllowList;
  readonly servesDns: boolean;
  readonly rules: { readonly inbound: readonly unknown[]; readonly outbound: readonly unknown[] };
  readonly tunDisabled: boolean;
  readonly mtu: number;
  readonly routes: readonly PlacedOverlayRoute[];
  readonly unsafeRoutes: readonly PlacedUnsafeRoute[];
}

/** Checks that need more than one key, but not the certificates. */
export function checkMeaning(meaning: Meaning, reader: ConfigReader, start: Place, findings: Findings): void {
  checkLighthouses(meaning, reader, start, findings);
  checkRelays(meaning, reader, findings);
  checkRulesExist(meaning, reader, start, findings);
  checkReachability(meaning, reader, findings);
  checkPlaces(meaning, reader, findings);
}

/** The certificate says which network it is: nothing in the configuration mends it. */
function warnOfOverlay(networks: readonly Prefix[], reader: ConfigReader, findings: Findings): void {
  const path = "pki.cert";
  const place = reader.given(path)?.node.place;
  for (const network of networks) {
    const doubt = overlayDoubt(masked(network));
    if (!doubt || !place) continue;
    const what = `the certificate is for ${formatPrefix(network)}`;
    const todo = "have the network moved to another one, such as 10.77.0.0/24, by whoever holds the authority";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, why: doubt.why, todo });
  }
}

/** Checks against the overlay networks of this host's own certificate. */
export function checkNetworks(
  meaning: Meaning,
  networks: readonly Prefix[],
  reader: ConfigReader,
  findings: Findings,
): void {
  checkMtu(meaning, networks, reader, findings);
  warnOfOverlay(networks, reader, findings);
  const inOverlay = (address: IpAddress): Prefix | undefined => networks.find((network) => contains(network, address));
  for (const { value, place, path } of meaning.lighthouses) {
    if (findings.blame(path)) continue;
    if (!meaning.amLighthouse && networks.some(({ address }) => address === value)) {
      const what = `${value} is this host itself`;
      const todo = "is this the lighthouse? then write am_lighthouse: true";
      findings.warn({ code: "CONFIG_CONFLICT", place, path, what, todo });
    }
    if (inOverlay(value)) continue;
    const what = `${value} is outside this host's networks (${formatPrefixes(networks)})`;
    const todo = "it can be asked, but nothing else can be sent to it";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, todo });
  }
  for (const { value, place, path } of meaning.relays) {
    if (!networks.some(({ address }) => address === value)) continue;
    const what = `${value} is this host itself`;
    const todo = "is this the relay? then write am_relay: true";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, todo });
  }
  for (const host of meaning.staticHosts) {
    const path = `static_host_map.${host.address}`;
    if (findings.blame(path)) continue;
    if (!inOverlay(host.address)) {
      const what = `${host.address} is outside this host's networks (${formatPrefixes(networks)})`;
      findings.warn({ code: "CONFIG_VALUE", place: host.keyPlace, path, what, todo: "is it an overlay address?" });
    }
    for (const endpoint of host.endpoints) refuseOverlay(endpoint, inOverlay, findings);
  }
  for (const { range, place, path } of meaning.calculated) {
    if (networks.some((network) => overlaps(network, range.overlay))) continue;
    const what = `${formatPrefix(range.overlay)} is outside this host's networks (${formatPrefixes(networks)})`;
    findings.warn({ code: "CONFIG_VALUE", place, path, what, todo: "is it an overlay prefix?" });
  }
}

/** RFC 8200, section 5. The kernel takes no IPv6 address on a smaller device. */
const IPV6_MTU_BYTES = 1_280;

function checkMtu(meaning: Meaning, networks: readonly Prefix[], reader: ConfigReader, findings: Findings): void {
  const ipv6 = networks.find(({ address }) => familyOf(address) === 6);
  const place = reader.given("tun.mtu")?.node.place;
  if (!ipv6 || !place || meaning.tunDisabled || meaning.mtu >= IPV6_MTU_BYTES) return;
  const what = `is ${meaning.mtu}, but IPv6 needs at least ${IPV6_MTU_BYTES} and this host has ${formatPrefix(ipv6)}`;
  const todo = `write mtu: ${IPV6_MTU_BYTES} or more`;
  findings.error({ code: "CONFIG_CONFLICT", place, path: "tun.mtu", what, todo });
}

/** The advertised endpoints that peers could use; those inside the overlay are left out with a warning. */
export function usableAdvertised(
  advertised: readonly PlacedHostPort[],
  networks: readonly Prefix[],
  findings: Findings,
): readonly PlacedHostPort[] {
  return advertised.filter(({ hostPort, place, path }) => {
    if (hostPort.kind === "name") return true;
    const address = endpointAddress(hostPort.endpoint);
    if (!networks.some((network) => contains(network, address))) return true;
    const what = `${address} is inside the overlay and is not advertised`;
    findings.warn({ code: "CONFIG_VALUE", place, path, what, todo: "advertise an underlay address" });
    return false;
  });
}

function refuseOverlay(
  { hostPort, place, path }: PlacedHostPort,
  inOverlay: (address: IpAddress) => Prefix | undefined,
  findings: Findings,
): void {
  if (hostPort.kind === "name") return;
  const network = inOverlay(endpointAddress(hostPort.endpoint));
  if (!network) return;
  const what = `${hostPort.endpoint} is inside the overlay network ${formatPrefix(network)}`;
  const why = "a tunnel cannot be reached through itself";
  findings.error({
    code: "CONFIG_VALUE",
    place,
    path,
    what,
    why,
    todo: "write the host's address outside the overlay",
  });
}

/** As many as a lighthouse takes (protocol 5.3). */
const RELAYS_TOLD_MAX = 10;

function checkRelays({ amRelay, relays }: Meaning, reader: ConfigReader, findings: Findings): void {
  const [first] = relays;
  if (amRelay && first) {
    const what = "has entries, but this host is a relay itself";
    const place = reader.given("relay.relays")?.keyPlace ?? first.place;
    const todo = "leave it empty: nobody is reached through two relays";
    findings.warn({ code: "CONFIG_CONFLICT", place, path: "relay.relays", what, todo });
  }
  const surplus = relays[RELAYS_TOLD_MAX];
  if (!surplus) return;
  const what = `has ${relays.length} entries, and lighthouses remember ${RELAYS_TOLD_MAX}`;
  findings.warn({
    code: "CONFIG_VALUE",
    place: surplus.place,
    path: surplus.path,
    what,
    todo: "put the best ones first",
  });
}

function checkLighthouses(meaning: Meaning, reader: ConfigReader, start: Place, findings: Findings): void {
  const { amLighthouse, lighthouses, listenPort, staticHosts } = meaning;
  const hosts = reader.given("lighthouse.hosts");
  if (amLighthouse && listenPort === 0 && !findings.blame("listen.port", "lighthouse.am_lighthouse")) {
    const place =
      reader.given("listen.port")?.node.place ?? reader.given("lighthouse.am_lighthouse")?.keyPlace ?? start;
    const what = "is 0, but a lighthouse needs a fixed port";
    findings.error({ code: "CONFIG_CONFLICT", place, path: "listen.port", what, todo: "write listen: {port: 4242}" });
  }
  if (!amLighthouse && lighthouses.length === 0 && !findings.blame("lighthouse.hosts", "lighthouse.am_lighthouse")) {
    const what = "is empty";
    const todo = "this host will find only the hosts in static_host_map, and only they will find it";
    const place = hosts?.keyPlace ?? start;
    findings.warn({ code: "CONFIG_MISSING_KEY", place, path: "lighthouse.hosts", what, todo });
  }
  const named = new Set(lighthouses.map(({ value }) => value));
  for (const { value, place, path } of lighthouses) {
    const host = staticHosts.find(({ address }) => address === value);
    if ((host && host.endpoints.length > 0) || findings.blame("static_host_map", path)) continue;
    const what = `${value} has no entry in static_host_map`;
    const add = `add static_host_map: {"${value}": ["ADDRESS:PORT"]}`;
    const others = staticHosts.map(({ address }) => address).filter((address) => !named.has(address));
    const similar = others.length === 1 ? others[0] : nearest(value, others, 2);
    const todo = similar === undefined ? add : `write ${similar} if that is meant, or ${add}`;
    findings.error({ code: "CONFIG_CONFLICT", place, path, what, why: "nobody else knows where it is", todo });
  }
}

/** What is said about how hosts are found, and cannot do anything. */
function checkReachability(meaning: Meaning, reader: ConfigReader, findings: Findings): void {
  const allowed = new AllowedRemotes(meaning.remoteAllowList);
  for (const { address, endpoints } of meaning.staticHosts)
    for (const { hostPort, place, path } of endpoints) {
      if (hostPort.kind === "name" || allowed.allows([address], endpointAddress(hostPort.endpoint))) continue;
      const what = `${hostPort.endpoint} is not allowed by lighthouse.remote_allow_list or remote_allow_ranges`;
      findings.warn({ code: "CONFIG_CONFLICT", place, path, what, todo: "allow it there, or remove it here" });
    }
  const dns = reader.given("lighthouse.serve_dns");
  if (meaning.servesDns && !meaning.amLighthouse && !findings.blame("lighthouse.am_lighthouse")) {
    const what = "is true, but only a lighthouse knows names, and this host is none";
    const todo = "write am_lighthouse: true, or remove it";
    findings.warn({ code: "CONFIG_CONFLICT", place: dns?.keyPlace, path: "lighthouse.serve_dns", what, todo });
  }
}

function checkRulesExist(meaning: Meaning, reader: ConfigReader, start: Place, findings: Findings): void {
  const sides = [
    [
      "firewall.inbound",
      meaning.rules.inbound,
      "nobody can reach this host",
      "add a rule such as {port: any, proto: icmp, host: any}",
    ],
    [
      "firewall.outbound",
      meaning.rules.outbound,
      "this host can reach nobody",
      "add {port: any, proto: any, host: any} to allow all",
    ],
  ] as const;
  for (const [path, rules, what, todo] of sides) {
    const given = reader.given(path);
    // A device that is off carries no packets; and who writes an empty list means it where the network's policy counts.
    if (rules.length === 0 && given && reader.choice("firewall.policy") === "network") continue;
    if (rules.length > 0 || meaning.tunDisabled || findings.blame(path, "tun.disabled")) continue;
    findings.warn({ code: "CONFIG_RULE", place: given?.keyPlace ?? start, path, what: `no rule: ${what}`, todo });
  }
}

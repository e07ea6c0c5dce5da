import type { ConfigEntry, ConfigMap, ConfigNode, Place } from "../document/document.ts";
import { parseBoolean } from "../parse/scalar.ts";
import type { FoundValue } from "./keys.ts";

/** Where this host would behave otherwise than Nebula with the same configuration: one row of docs/COMPATIBILITY.md, and of `lacis check --from-nebula`. */
export interface Unlike {
  /** The key that it is about; "" for what no key changes. */
  readonly path: string;
  /**
   * `different`: does something else. `stricter`: refuses or drops what Nebula takes. `ours`: Nebula does not know it, which matters to whoever goes
   * back. `refused`: a value is an error here, so that whoever uses it is told at once.
   */
  readonly kind: "different" | "stricter" | "ours" | "refused";
  /** One sentence without a full stop. */
  readonly says: string;
  /** Whether it concerns this configuration; left out: whenever the key is given. A row of kind `refused` needs none. */
  readonly concerns?: (given: Given) => boolean;
}

/** What a configuration holds under a key; undefined where it is not given. */
export type Given = (path: string) => ConfigNode | undefined;

/** One row that concerns a configuration, with the place of its key where there is one. */
export interface Difference {
  readonly path: string;
  readonly kind: Unlike["kind"];
  readonly says: string;
  readonly place: Place | undefined;
}

const RELATIVE = "a relative path starts at the folder of the configuration file, in Nebula at the working directory";

const says =
  (path: string, is: (text: string) => boolean) =>
  (given: Given): boolean => {
    const node = given(path);
    return node?.kind === "scalar" && is(node.text);
  };

const isRelativePath = (path: string): ((given: Given) => boolean) =>
  says(path, (text) => !text.startsWith("/") && !text.includes("-----BEGIN"));

const isTrue = (path: string): ((given: Given) => boolean) => says(path, (text) => parseBoolean(text) === true);

const someRule =
  (is: (rule: ConfigMap["entries"]) => boolean) =>
  (given: Given): boolean =>
    [given("firewall.inbound"), given("firewall.outbound")].some(
      (list) => list?.kind === "list" && list.items.some((rule) => rule.kind === "map" && is(rule.entries)),
    );

function textOf(entry: ConfigEntry | undefined): string {
  return entry?.value.kind === "scalar" ? entry.value.text : "";
}

/** Every known difference, in the order of the schema. */
export const UNLIKE_NEBULA: readonly Unlike[] = [
  ...["pki.ca", "pki.cert", "pki.key"].map(
    (path): Unlike => ({ path, kind: "different", says: RELATIVE, concerns: isRelativePath(path) }),
  ),
  { path: "pki.key", kind: "refused", says: "a key file that other users can read or write" },
  { path: "pki.key", kind: "refused", says: "a pkcs11: URI: keys in hardware tokens are not supported" },
  {
    path: "pki.blocklist",
    kind: "ours",
    says: "an entry key:HEX blocks a public key with every certificate for it; Nebula does not know that form",
    concerns: (given) => items(given("pki.blocklist")).some(({ text }) => text.startsWith("key:")),
  },
  {
    path: "lighthouse.serve_dns",
    kind: "stricter",
    says: "names that are none in DNS are not published, ANY is not answered, and one host gets 50 answers a second",
    concerns: isTrue("lighthouse.serve_dns"),
  },
  {
    path: "lighthouse.serve_dns",
    kind: "different",
    says: "without lighthouse.dns.host names are served at the overlay addresses and loopback, by Nebula at every address of the host; of two hosts with one name the lower address counts, in Nebula the latest",
    concerns: (given) =>
      isTrue("lighthouse.serve_dns")(given) && !says("lighthouse.dns.host", (text) => text !== "")(given),
  },
  {
    path: "counters.try_promote",
    kind: "different",
    says: "a preferred address is tried once a second at most; 0 is never, and ends Nebula",
  },
  {
    path: "handshakes.query_buffer",
    kind: "different",
    says: "has no effect: questions are sent at once, and what waits for a lighthouse's tunnel has a fixed limit",
  },
  { path: "preferred_ranges", kind: "refused", says: "an entry that is no prefix; Nebula warns and leaves it out" },
  {
    path: "lighthouse.calculated_remotes",
    kind: "refused",
    says: "a key in an entry that is neither mask nor port",
  },
  {
    path: "tun.cpu_affinity",
    kind: "refused",
    says: "an entry that is no number of a CPU; Nebula warns and ignores the list",
  },
  {
    path: "routines",
    kind: "different",
    says: "more than 64 count as 64",
    concerns: says("routines", (text) => Number(text) > 64),
  },
  {
    path: "",
    kind: "stricter",
    says: "each echo request over IPv6 is a flow of its own: that a peer may ping this host does not let this host ping the peer, as it does in Nebula 1.11",
  },
  { path: "firewall.inbound_action", kind: "refused", says: "a word that is neither drop nor reject; Nebula drops" },
  { path: "firewall.outbound_action", kind: "refused", says: "a word that is neither drop nor reject; Nebula drops" },
  { path: "firewall.inbound[].port", kind: "refused", says: "a port above 65535" },
  {
    path: "firewall.inbound[].icmp_type",
    kind: "ours",
    says: "unknown to Nebula, which would let every message of ICMP through",
    concerns: someRule((rule) => rule.has("icmp_type")),
  },
  {
    path: "firewall.inbound[].port",
    kind: "stricter",
    says: "a number means a port of TCP or UDP; Nebula compares it with the first bytes of GRE and every other protocol",
    concerns: someRule((rule) => textOf(rule.get("proto")) === "any" && /^[1-9]/.test(textOf(rule.get("port")))),
  },
  {
    path: "firewall.inbound[].port",
    kind: "different",
    says: "fragments follow their first one: a rule about a port lets all of a datagram through, of which Nebula lets the first part through and the others only with port any or fragment",
    concerns: someRule((rule) => /^[1-9]/.test(textOf(rule.get("port")))),
  },
  ...["host", "group", "groups", "cidr", "local_cidr", "ca_name", "ca_sha"].map(
    (field): Unlike => ({
      path: `firewall.inbound[].${field}`,
      kind: "refused",
      says: "nothing after the colon, or an empty text, which Nebula takes for a name or for no selector",
    }),
  ),
  { path: "tun.routes[].mtu", kind: "refused", says: "an MTU above 8969, which no datagram of the protocol carries" },
  {
    path: "tun.unsafe_routes[].mtu",
    kind: "refused",
    says: "an MTU above 8969, which no datagram of the protocol carries",
  },
  {
    path: "tun.unsafe_routes[].via",
    kind: "refused",
    says: "a gateway outside this host's networks, one given twice, and more than 16 of them",
  },
  {
    path: "tun.unsafe_routes[].via",
    kind: "ours",
    says: "a gateway of weight 0 stands by until no other one answers; Nebula refuses that weight",
    concerns: (given) => gateways(given("tun.unsafe_routes")).some(({ weight }) => weight === "0"),
  },
  {
    path: "tun.unsafe_routes[].metric",
    kind: "different",
    says: "a quoted number counts; Nebula reads it as 0",
    concerns: () => false,
  },
  {
    path: "tun.unsafe_routes",
    kind: "different",
    says: "of several gateways one that does not answer is left within 3 s, and each flow stays with the one that it has; in Nebula ports alone choose, and a dead one is left after its tunnel",
    concerns: (given) => gateways(given("tun.unsafe_routes")).length > 0,
  },
  {
    path: "tun.unsafe_routes",
    kind: "stricter",
    says: "a route of somebody else's for the same prefix and metric is left alone, which lacis status tells of; Nebula replaces it. While the data plane is down, packets for installed routes are unreachable instead of leaving in clear",
  },
  {
    path: "tun.use_system_route_table",
    kind: "different",
    says: "only the main table counts, and a route of the configuration goes before one of the system for the same prefix",
    concerns: says("tun.use_system_route_table", () => true),
  },
  {
    path: "",
    kind: "stricter",
    says: "packets to the broadcast addresses of the overlay, or to multicast addresses, start no handshake: as in Nebula they find no tunnel",
    concerns: () => false,
  },
  {
    path: "sshd.enabled",
    kind: "different",
    says: "a command that fails ends with exit status 1, in Nebula with 0; whoever is logged in stays through a reload; profiles are those of Node.js",
    concerns: isTrue("sshd.enabled"),
  },
  {
    path: "sshd.host_key",
    kind: "refused",
    says: "a key that is missing, does not parse or that other users can read; Nebula goes on without a console",
  },
  {
    path: "sshd.authorized_users",
    kind: "refused",
    says: "a key that does not parse, DSA, and keys in hardware tokens (sk-...); Nebula leaves out what does not parse",
  },
  {
    path: "sshd.trusted_cas",
    kind: "stricter",
    says: "a certificate without principals lets nobody in; Nebula takes it for everybody",
    concerns: (given) => items(given("sshd.trusted_cas")).length > 0,
  },
  {
    path: "sshd.sandbox_dir",
    kind: "stricter",
    says: "a folder that others can write in is not written to",
    concerns: isTrue("sshd.enabled"),
  },
  {
    path: "logging.format",
    kind: "different",
    says: "lines have other sentences, levels in lower case and a stable code; both formats have the same fields",
    concerns: () => false,
  },
  { path: "stats.interval", kind: "refused", says: "less than 100ms" },
  {
    path: "stats.protocol",
    kind: "ours",
    says: "metrics go to Graphite over UDP, too; Nebula refuses that",
    concerns: says("stats.protocol", (text) => text.toLowerCase().startsWith("udp")),
  },
  {
    path: "stats.type",
    kind: "different",
    says: "of runtime.* and debug.* it shows what Node.js knows, and 0 for what only Go has; of udp.N.* what /proc shows",
    concerns: says("stats.type", (text) => !["", "none"].includes(text.toLowerCase())),
  },
  {
    path: "punchy.delay",
    kind: "different",
    says: "the wait is for a second punch: the first goes out at once, or 20 ms later to a caller of ours behind a translator, up to 120 ms if that is far; it waits 30 ms or as long with its call",
  },
  {
    path: "punchy.respond",
    kind: "different",
    says: "a host behind a translator calls back whatever this says: at once where each peer is given another port, else when no call has got through for half a second",
  },
  {
    path: "relay.am_relay",
    kind: "stricter",
    says: "a host is led on only under an address of its own certificate, and only between hosts that this one has a direct tunnel with; whoever asks for most makes room in the table",
    concerns: isTrue("relay.am_relay"),
  },
  {
    path: "relay.relays",
    kind: "different",
    says: "a tunnel to each of them is kept and tried every 10 s, so that this host is found at once and a relay that starts anew finds it again",
  },
  {
    path: "relay.use_relays",
    kind: "different",
    says: "a straight way is looked for as soon as a relayed tunnel stands, after 5 s, after 30 s and then every minute while it is used; Nebula looks after each 1,000 packets",
  },
  {
    path: "firewall.inbound_action",
    kind: "stricter",
    says: "with reject, no answer to a RST, to what fails the address checks, or above 100 a second for a peer",
    concerns: says("firewall.inbound_action", (text) => text.toLowerCase() === "reject"),
  },
  {
    path: "firewall.outbound_action",
    kind: "stricter",
    says: "with reject, no answer to a RST, to what fails the address checks, or above 1,000 a second",
    concerns: says("firewall.outbound_action", (text) => text.toLowerCase() === "reject"),
  },
  {
    path: "",
    kind: "stricter",
    says: "a TCP flow ends 10 s after FIN both ways or a RST, in Nebula after tcp_timeout",
  },
  {
    path: "",
    kind: "different",
    says: "errors of ICMP about a live flow pass without a rule, in Nebula they need one",
  },
  {
    path: "",
    kind: "different",
    says: "log lines have sentences and codes of their own (docs/EVENTS.md); their format and level are as configured",
  },
];

/** The rows that concern this configuration. */
export function differencesOf(found: ReadonlyMap<string, FoundValue>): readonly Difference[] {
  const given: Given = (path) => found.get(path)?.node;
  return UNLIKE_NEBULA.filter(({ path, kind, concerns }) => {
    if (kind === "refused") return false;
    return concerns ? concerns(given) : path === "" || found.has(path);
  }).map(({ path, kind, says }) => ({ path, kind, says, place: found.get(path)?.keyPlace }));
}

function items(node: ConfigNode | undefined): readonly { readonly text: string }[] {
  return node?.kind === "list" ? node.items.flatMap((item) => (item.kind === "scalar" ? [item] : [])) : [];
}

/** The gateways of routes that name several. */
function gateways(routes: ConfigNode | undefined): readonly { readonly weight: string | undefined }[] {
  if (routes?.kind !== "list") return [];
  return routes.items.flatMap((route) => {
    const via = route.kind === "map" ? route.entries.get("via")?.value : undefined;
    if (via?.kind !== "list") return [];
    return via.items.map((item) => {
      const weight = item.kind === "map" ? item.entries.get("weight")?.value : undefined;
      return { weight: weight?.kind === "scalar" ? weight.text : undefined };
    });
  });
}

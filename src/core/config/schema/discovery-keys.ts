import {
  ADDRESS,
  BOOLEAN,
  choice,
  duration,
  HOST,
  HOST_PORT,
  integer,
  type KeySpec,
  listOf,
  mapOf,
  PREFIX,
  removed,
  section,
  structure,
  type ValueType,
} from "./key-spec.ts";

const ALLOW_LIST = mapOf("prefix", BOOLEAN);

/** A domain, with or without a dot at its end. */
const DOMAIN: ValueType = {
  kind: "text",
  pattern: /^(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?)?$/i,
  means: "a domain",
};

/** Where other hosts are and how this one is found: static hosts, lighthouses, punching, relays. */
export const DISCOVERY_KEYS: readonly KeySpec[] = [
  ...section(
    "",
    { reload: "live" },
    {
      static_host_map: {
        type: mapOf("overlay address", listOf(HOST_PORT, { single: true })),
        default: "{}",
        about:
          "Where hosts are known to be: overlay address to a list of underlay host:port. Every lighthouse needs an entry.",
      },
      preferred_ranges: {
        type: listOf(PREFIX),
        default: "[]",
        about: "Underlay prefixes whose addresses are tried first and moved to, for instance the local network.",
      },
      local_range: {
        type: structure("prefix"),
        state: removed("write preferred_ranges with a list of prefixes", { refused: true }),
        about: "Older form of preferred_ranges.",
      },
    },
  ),
  ...section(
    "static_map",
    { reload: "live" },
    {
      cadence: {
        type: duration(1_000, 86_400_000),
        default: "30s",
        since: "1.7",
        about: "How often the names in static_host_map are resolved again.",
      },
      network: {
        type: choice(["ip4", "ip6", "ip"]),
        default: "ip4",
        since: "1.7",
        about: "Which addresses names resolve to: IPv4, IPv6 or both (ip).",
      },
      lookup_timeout: {
        type: duration(1, 60_000),
        default: "250ms",
        since: "1.7",
        about: "How long one lookup may take; on failure the addresses known before stay.",
      },
    },
  ),
  ...section(
    "lighthouse",
    { reload: "live" },
    {
      am_lighthouse: {
        type: BOOLEAN,
        default: "false",
        reload: "restart",
        about: "Answer other hosts' queries. Needs a fixed listen.port.",
      },
      interval: {
        type: integer(0, 86_400, "s"),
        default: "10",
        about: "Seconds between reports of this host's own addresses to its lighthouses; 0 never reports.",
      },
      hosts: {
        type: listOf(ADDRESS),
        default: "[]",
        about:
          "Overlay addresses of the lighthouses that this host reports to and asks. A lighthouse may name others that name it, too: then each answers for the hosts of all.",
      },
      advertise_addrs: {
        type: listOf(HOST_PORT),
        default: "[]",
        since: "1.6",
        about: "Further underlay addresses to report, for instance a forwarded port; port 0 stands for listen.port.",
      },
      serve_dns: {
        type: BOOLEAN,
        default: "false",
        about:
          "Answer DNS queries (UDP) for the names in certificates, on a lighthouse: its own and those of all hosts that have a tunnel with it.",
      },
      "dns.host": {
        type: HOST,
        default: "",
        since: "1.1",
        about:
          "Address of the DNS responder. Empty: this host's overlay addresses and loopback; 0.0.0.0 or ::, which is what empty means to Nebula, serves every network that the host is in.",
      },
      "dns.port": {
        type: integer(1, 65_535),
        default: "53",
        since: "1.1",
        about: "Port of the DNS responder.",
      },
      remote_allow_list: {
        type: ALLOW_LIST,
        default: "{}",
        since: "1.2",
        about:
          "Which underlay addresses of peers may be used, to call them and to be called from. The longest prefix decides; if all say the same of a family, the rest of it gets the opposite, otherwise its /0 has to be there.",
      },
      remote_allow_ranges: {
        type: mapOf("overlay prefix", ALLOW_LIST),
        default: "{}",
        since: "1.5",
        about:
          "The same for peers in an overlay range, of which the longest counts. An address has to be allowed by both lists.",
      },
      local_allow_list: {
        type: structure("map: prefix to true, false; `interfaces` to map: regular expression to true, false"),
        default: "{}",
        since: "1.2",
        about:
          "Which of this host's own addresses are reported: one of its interfaces and its prefix have to be allowed. All interfaces say the same, the others get the opposite.",
      },
      calculated_remotes: {
        type: mapOf("overlay prefix", listOf(structure("{mask: prefix, port: 1 to 65535}"))),
        default: "{}",
        since: "1.7",
        about:
          "Where hosts of an overlay range may be: the first bits of the mask, the others of their overlay address. Beside what lighthouses say, for hosts that are not in static_host_map.",
      },
    },
  ),
  ...section(
    "punchy",
    { reload: "live" },
    {
      punch: {
        type: BOOLEAN,
        default: "false",
        about: "Keep the mappings of address translators open with a small packet to each live peer.",
      },
      respond: {
        type: BOOLEAN,
        default: "false",
        about: "When a lighthouse says that a peer is calling, also start a handshake back.",
      },
      delay: {
        type: duration(0, 60_000),
        default: "1s",
        since: "1.2",
        about: "Wait before the punch that a lighthouse asked for.",
      },
      respond_delay: {
        type: duration(0, 60_000),
        default: "5s",
        since: "1.7",
        about: "Wait before the handshake back.",
      },
      target_all_remotes: {
        type: BOOLEAN,
        default: "false",
        since: "1.7",
        about: "Punch every known address of a peer, not only the one in use.",
      },
    },
  ),
  ...section(
    "",
    { reload: "live" },
    {
      punchy: {
        type: BOOLEAN,
        state: { kind: "alias", of: "punchy.punch" },
        about: "`punchy: true`, the older form of punchy.punch.",
      },
      punch_back: {
        type: BOOLEAN,
        state: { kind: "alias", of: "punchy.respond" },
        about: "Older name of punchy.respond.",
      },
    },
  ),
  ...section(
    "relay",
    { reload: "live" },
    {
      am_relay: { type: BOOLEAN, default: "false", since: "1.6", about: "Forward packets between other hosts." },
      use_relays: {
        type: BOOLEAN,
        default: "true",
        since: "1.6",
        about: "Reach peers through their relays, too. A relay itself never does.",
      },
      relays: {
        type: listOf(ADDRESS),
        default: "[]",
        since: "1.6",
        about: "Overlay addresses of relays through which others reach this host; lighthouses are told the first ten.",
      },
      peer_rate: {
        type: integer(0, 4_000_000),
        default: "0",
        since: "lacis",
        about: "On a relay: thousands of bytes that one host may have forwarded in a second. 0: as many as it likes.",
      },
    },
  ),
  ...section(
    "dns",
    { reload: "restart" },
    {
      domain: {
        type: DOMAIN,
        default: "",
        since: "lacis",
        about:
          "Below this domain programs on this host find the names in certificates: server.mesh for the host server where it is mesh. Names of hosts with a tunnel are known here, others are asked of lighthouses that serve DNS. Only this domain is asked of this host, and the resolver's settings are put back when it stops. Empty: nothing of the resolver is touched.",
      },
      mode: {
        type: choice(["auto", "resolved", "resolvconf", "file"]),
        default: "auto",
        since: "lacis",
        about:
          "How the system's resolver is told: by systemd-resolved, by resolvconf, or by a line in /etc/resolv.conf. auto takes the first of them that manages this machine's resolver.",
      },
    },
  ),
];

import { ICMP_NAMES } from "../../netip/icmp-message.ts";
import {
  BOOLEAN,
  choice,
  duration,
  ignored,
  integer,
  type KeySpec,
  listOf,
  RULES,
  removed,
  section,
  structure,
  TEXT,
} from "./key-spec.ts";

/** Up to 49 days: what 32 bits of milliseconds hold. */
const TIMEOUT = duration(1, 4_233_600_000);

/** Who may reach what: `firewall`. */
export const FIREWALL_KEYS: readonly KeySpec[] = [
  ...section(
    "firewall",
    { reload: "live" },
    {
      inbound: {
        type: RULES,
        default: "[]",
        about: "What others may reach on this host. Allow rules only, in any order; what no rule allows is dropped.",
      },
      outbound: {
        type: RULES,
        default: "[]",
        about: "What this host may reach on others. Replies to allowed flows always pass.",
      },
      inbound_action: {
        type: choice(["drop", "reject"]),
        default: "drop",
        since: "1.7",
        about: "Whether a refused inbound packet is answered: with a TCP reset or an ICMP error.",
      },
      outbound_action: {
        type: choice(["drop", "reject"]),
        default: "drop",
        since: "1.7",
        about: "The same for packets of this host that no rule lets out, or that have no route.",
      },
      policy: {
        type: choice(["own", "network"]),
        default: "own",
        since: "lacis",
        about:
          "Whose rules count: those below inbound and outbound, or those of the network's policy (docs/POLICY.md), from when the host hears of one; until then its own.",
      },
      tell_peers: {
        type: BOOLEAN,
        default: "true",
        since: "lacis",
        about:
          "Whether a peer is told, inside the tunnel, which rule comes closest when this host refuses a packet of it, or when it asks; and a host that is not let in, why.",
      },
      default_local_cidr_any: {
        type: BOOLEAN,
        default: "false",
        since: "1.9",
        about:
          "Whether rules without local_cidr also cover the networks behind this host. Matters only on a host whose certificate has some.",
      },
    },
  ),
  ...section(
    "firewall.conntrack",
    { reload: "live" },
    {
      tcp_timeout: { type: TIMEOUT, default: "12m", about: "How long a silent TCP flow is remembered." },
      udp_timeout: { type: TIMEOUT, default: "3m", about: "How long a silent UDP flow is remembered." },
      default_timeout: { type: TIMEOUT, default: "10m", about: "How long any other silent flow is remembered." },
      max_flows: {
        type: integer(1_024, 1_048_576),
        default: "65536",
        since: "lacis",
        about:
          "Flows remembered at once, 100 bytes each, 180 of IPv6; for one more, whoever has most of them gives one.",
      },
      routine_cache_timeout: {
        type: duration(0, 3_600_000),
        default: "0s",
        since: "1.4",
        state: ignored("flows are found without a cache of each thread, so a new rule or an expiry is never late"),
        about: "For how long a thread of Nebula's may go by what it allowed before.",
      },
      max_connections: {
        type: structure("integer"),
        state: removed("remove it; it never had an effect", { refused: false }),
        about: "Never implemented by Nebula.",
      },
    },
  ),
  ...section(
    "firewall.inbound[]",
    { reload: "live" },
    {
      port: {
        type: structure("`any`, a port, a range `a-b`, or `fragment`"),
        about:
          "Port on the side that is called: this host's for inbound rules, the peer's for outbound. Not for icmp. fragment: fragments after the first, which have no port.",
      },
      code: { type: structure("as port"), about: "Older name of port; ICMP codes were never matched." },
      proto: { type: choice(["any", "tcp", "udp", "icmp"]), about: "Protocol; icmp includes ICMPv6." },
      icmp_type: {
        type: structure("name or number, or a list of them"),
        since: "lacis",
        about: `Of ICMP and ICMPv6 only these messages: ${[...ICMP_NAMES.keys()].join(", ")}, or the number of a type. Without it all.`,
      },
      host: { type: TEXT, about: "Name in the peer's certificate, or any." },
      group: { type: TEXT, about: "A group that the peer's certificate must hold, or any." },
      groups: { type: listOf(TEXT, { single: true }), about: "Groups that it must all hold. Not together with group." },
      cidr: { type: structure("prefix or `any`"), about: "Prefix that holds the peer's overlay address." },
      local_cidr: {
        type: structure("prefix or `any`"),
        since: "1.7",
        about:
          "Prefix that holds the local address: this host's, or one behind it. Without it: every one, but only this host's networks if its certificate has others behind it.",
      },
      ca_name: { type: TEXT, about: "Name of the authority that issued the peer's certificate." },
      ca_sha: { type: TEXT, about: "Fingerprint of that authority; with ca_name, one of them suffices." },
    },
  ),
];

import {
  BOOLEAN,
  choice,
  duration,
  type KeySpec,
  type KeyState,
  listOf,
  NOT_YET,
  notYet,
  RULES,
  removed,
  section,
  structure,
  TEXT,
} from "./key-spec.ts";

/** Given in a rule, it is always refused: no value of it changes nothing. */
const NOT_YET_IN_A_RULE: KeyState = NOT_YET;

const TIMEOUT = duration(1, 31_536_000_000);

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
        state: NOT_YET,
        about: "Whether a refused inbound packet is answered.",
      },
      outbound_action: {
        type: choice(["drop", "reject"]),
        default: "drop",
        since: "1.7",
        state: NOT_YET,
        about: "Whether a refused outbound packet is answered.",
      },
      default_local_cidr_any: {
        type: BOOLEAN,
        default: "false",
        since: "1.9",
        state: NOT_YET,
        about: "Whether rules without local_cidr also cover networks behind this host.",
      },
    },
  ),
  ...section(
    "firewall.conntrack",
    { reload: "live", state: NOT_YET },
    {
      tcp_timeout: { type: TIMEOUT, default: "12m", about: "How long a silent TCP flow is remembered." },
      udp_timeout: { type: TIMEOUT, default: "3m", about: "How long a silent UDP flow is remembered." },
      default_timeout: { type: TIMEOUT, default: "10m", about: "How long any other silent flow is remembered." },
      routine_cache_timeout: {
        type: duration(0, 3_600_000),
        default: "0s",
        since: "1.4",
        state: notYet("1s"),
        about: "Cache of each thread.",
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
        type: structure("`any`, a port, or a range `a-b`"),
        about: "Port on the side that is called: this host's for inbound rules, the peer's for outbound. Not for icmp.",
      },
      code: { type: structure("as port"), about: "Older name of port; ICMP codes were never matched." },
      proto: { type: choice(["any", "tcp", "udp", "icmp"]), about: "Protocol; icmp includes ICMPv6." },
      host: { type: TEXT, about: "Name in the peer's certificate, or any." },
      group: { type: TEXT, about: "A group that the peer's certificate must hold, or any." },
      groups: { type: listOf(TEXT, { single: true }), about: "Groups that it must all hold. Not together with group." },
      cidr: { type: structure("prefix or `any`"), about: "Prefix that holds the peer's overlay address." },
      local_cidr: {
        type: structure("prefix or `any`"),
        since: "1.7",
        state: NOT_YET_IN_A_RULE,
        about: "Prefix that holds this host's address.",
      },
      ca_name: { type: TEXT, about: "Name of the authority that issued the peer's certificate." },
      ca_sha: { type: TEXT, about: "Fingerprint of that authority; with ca_name, one of them suffices." },
    },
  ),
];

import { BOOLEAN, duration, ignored, integer, type KeySpec, removed, section, structure } from "./key-spec.ts";

const BOUNDED_OTHERWISE = ignored("queues here have fixed limits, see docs/LIMITS.md");

/** How tunnels come and go: `handshakes`, `tunnels`, `timers`, `counters`; and over what, where UDP is blocked: `carrier`. */
export const TUNNEL_KEYS: readonly KeySpec[] = [
  ...section(
    "handshakes",
    { reload: "restart" },
    {
      try_interval: {
        type: duration(10, 60_000),
        default: "100ms",
        since: "1.2",
        about: "Step of the wait between attempts: one step after the first, two after the second, and so on.",
      },
      retries: {
        type: integer(1, 1_000),
        default: "10",
        since: "1.2",
        about: "Attempts before a handshake is given up; with the default step ten take 5.5 s.",
      },
      query_buffer: {
        type: integer(1, 0x7fff_ffff),
        default: "64",
        since: "1.8",
        state: BOUNDED_OTHERWISE,
        about: "Queue of questions to lighthouses.",
      },
      trigger_buffer: {
        type: integer(1, 0x7fff_ffff),
        default: "64",
        since: "1.2",
        state: BOUNDED_OTHERWISE,
        about: "Queue of answers from lighthouses.",
      },
      wait_rotation: {
        type: structure("integer"),
        state: removed("remove it; it has no effect", { refused: false }),
        about: "Gone without a successor.",
      },
    },
  ),
  ...section(
    "tunnels",
    { reload: "live" },
    {
      drop_inactive: { type: BOOLEAN, default: "false", since: "1.9", about: "Close tunnels that carry nothing." },
      inactivity_timeout: {
        type: duration(1_000, 31_536_000_000),
        default: "10m",
        since: "1.9",
        about: "How long a tunnel may carry nothing before drop_inactive closes it.",
      },
    },
  ),
  ...section(
    "timers",
    { reload: "restart" },
    {
      connection_alive_interval: {
        type: integer(1, 3_600, "s"),
        default: "5",
        about: "Seconds of silence before a peer is asked whether it is still there.",
      },
      pending_deletion_interval: {
        type: integer(1, 3_600, "s"),
        default: "10",
        about: "Seconds it has to answer before the tunnel is closed.",
      },
      requery_wait_duration: {
        type: duration(0, 86_400_000),
        default: "60s",
        reload: "live",
        since: "1.8",
        about: "Shortest time between two questions to the lighthouses about a connected peer.",
      },
    },
  ),
  ...section(
    "counters",
    { reload: "live" },
    {
      try_promote: {
        type: integer(0, 0x7fff_ffff, "packets"),
        default: "1000",
        since: "1.8",
        about:
          "Packets sent to a peer between attempts to reach it at an address in preferred_ranges, at most one a second; 0: never.",
      },
      requery_every_packets: {
        type: integer(0, 0x7fff_ffff, "packets"),
        default: "5000",
        since: "1.8",
        about: "Packets sent to a peer between questions to the lighthouses about where it is; 0: never.",
      },
    },
  ),
  ...section(
    "carrier",
    { reload: "live" },
    {
      listen: {
        type: integer(0, 65_535),
        default: "0",
        since: "lacis",
        about:
          "On a lighthouse or relay: TCP port, usually 443, where hosts whose UDP is blocked may come over TLS 1.3, at the address of listen.host. 0: they may not. A port below 1024 takes CAP_NET_BIND_SERVICE.",
      },
      port: {
        type: integer(0, 65_535),
        default: "443",
        since: "lacis",
        about:
          "TCP port at which this host tries its lighthouses and relays once UDP to them has failed for two seconds, until UDP works again. 0: it does not.",
      },
    },
  ),
];

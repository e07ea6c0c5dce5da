import {
  BOOLEAN,
  choice,
  HOST,
  ignored,
  integer,
  type KeySpec,
  listOf,
  PORT,
  PREFIX,
  section,
  structure,
} from "./key-spec.ts";

const WINDOWS_ONLY = ignored("it is for Windows");
/** Nebula takes less than one for one. */
const ROUTINES = integer(0, 65_536);
const RECV_ERROR = choice(["always", "never", "private"], {
  true: "always",
  yes: "always",
  y: "always",
  false: "never",
  no: "never",
  n: "never",
});

/** What fits a datagram of the protocol. */
const MTU_MAX = 8_969;
const ROUTE_MTU = integer(500, MTU_MAX, "bytes");

/** Largest buffer the kernel takes as an int. */
const BUFFER = integer(0, 0x7fff_ffff, "bytes");

/** The two ends of the data plane, UDP socket and TUN device: `listen`, `tun`, `routines`. */
export const DEVICE_KEYS: readonly KeySpec[] = [
  ...section(
    "listen",
    { reload: "restart" },
    {
      host: {
        type: HOST,
        default: "0.0.0.0",
        about:
          "Underlay address to bind: 0.0.0.0 for IPv4, :: for both families, or one address of this machine. A name is resolved at the start, and its first address counts.",
      },
      port: { type: PORT, default: "0", about: "UDP port; 0 lets the system choose. A lighthouse needs a fixed one." },
      batch: {
        type: integer(1, 1_024, "packets"),
        default: "64",
        about: "Datagrams received in one system call, at most.",
      },
      read_buffer: { type: BUFFER, default: "0", about: "Receive buffer of the socket; 0 leaves it to the system." },
      write_buffer: { type: BUFFER, default: "0", about: "Send buffer of the socket; 0 leaves it to the system." },
      so_mark: {
        type: integer(0, 0xffff_ffff),
        default: "0",
        since: "1.10",
        about: "Mark (SO_MARK) on every datagram, for policy routing; 0 sets none.",
      },
      send_recv_error: {
        type: RECV_ERROR,
        reload: "live",
        default: "always",
        since: "1.6",
        about: "Tell senders of packets for unknown tunnels that the tunnel is gone; private: only private addresses.",
      },
      accept_recv_error: {
        type: RECV_ERROR,
        reload: "live",
        default: "always",
        since: "1.10",
        about: "Believe such notes about this host's own tunnels.",
      },
      map_port: {
        type: BOOLEAN,
        reload: "live",
        default: "false",
        since: "lacis",
        about:
          "Ask the router in front of this host (PCP, NAT-PMP, UPnP) for a port outside that leads here, tell lighthouses, renew it, and give it back at the end.",
      },
      udp_offloads: {
        type: BOOLEAN,
        default: "true",
        since: "1.12",
        about: "Let the system receive and send several datagrams in one piece (GRO, GSO).",
      },
      windows_bypass_wdf: {
        type: BOOLEAN,
        default: "true",
        since: "1.11",
        state: WINDOWS_ONLY,
        about: "Permit filter for the port.",
      },
      rebind_on_network_change: {
        type: BOOLEAN,
        default: "true",
        since: "1.11",
        state: ignored("it is for macOS"),
        about: "Bind again when the network changes.",
      },
      routines: { type: ROUTINES, default: "1", about: "Older place of routines." },
    },
  ),
  ...section(
    "",
    { reload: "restart" },
    {
      routines: {
        type: ROUTINES,
        default: "1",
        since: "1.5",
        about:
          "Queues of socket and device, each with its own thread; more than 64 count as 64. Worth it with several CPUs and many peers.",
      },
    },
  ),
  ...section(
    "tun",
    { reload: "restart" },
    {
      disabled: {
        type: BOOLEAN,
        default: "false",
        since: "1.3",
        about: "No device: for a lighthouse, which then needs no privilege.",
      },
      user: {
        type: BOOLEAN,
        default: "false",
        about:
          "No device of the system: TCP ends in this process, for programs of its user (lacis nc, lacis forward, lacis socks). Needs no privilege.",
      },
      dev: {
        type: {
          kind: "text",
          // What sysctls call everybody is nobody's name.
          pattern: /^(?!(?:\.\.?|all|default)$)[!-$&-.0-9;-~]{0,15}$/,
          means:
            "a device name: up to 15 ASCII characters, no space, slash, colon or percent sign, and not all or default",
        },
        default: "",
        about: "Name of the device; empty lets the system choose.",
      },
      mtu: {
        type: integer(576, MTU_MAX, "bytes"),
        default: "1300",
        reload: "live",
        about:
          "Largest packet on the device. 1280 at least for an IPv6 overlay; the underlay carries 60 to 80 bytes more.",
      },
      // Linux makes no queue whose pointers take more than 4 MiB.
      tx_queue: { type: integer(0, 500_000, "packets"), default: "500", about: "Transmit queue of the device." },
      drop_local_broadcast: {
        type: BOOLEAN,
        default: "false",
        reload: "live",
        about: "Drop packets to the broadcast addresses of the overlay networks.",
      },
      drop_multicast: { type: BOOLEAN, default: "false", reload: "live", about: "Drop multicast packets." },
      routines: { type: ROUTINES, default: "1", about: "Older place of routines." },
      use_offloads: {
        type: BOOLEAN,
        default: "true",
        since: "1.12",
        about: "Let the system hand over and take several packets in one piece (TSO, USO).",
      },
      pin_threads: {
        type: BOOLEAN,
        default: "true",
        since: "1.12",
        about: "Keep each thread that reads the device on one CPU, where there are several (routines).",
      },
      pin_threads_key: {
        type: choice(["", "pid", "port"]),
        default: "",
        since: "1.12",
        about:
          "What moves the first CPU, so that several hosts on one machine do not share it: their process ids, or their ports.",
      },
      cpu_affinity: {
        type: listOf(integer(0, 4_095)),
        default: "[]",
        since: "1.12",
        about: "Which CPUs these threads are kept on, in turn; any when this process may not run on all of them.",
      },
      routes: {
        type: structure("list of {route, mtu}"),
        default: "[]",
        reload: "live",
        about: "Other MTUs for parts of the overlay. The device gets the largest one.",
      },
      unsafe_routes: {
        type: structure("list of {route, via, mtu, metric, install}"),
        default: "[]",
        reload: "live",
        about:
          "Networks behind other hosts, whose certificates have to carry them. With several gateways each flow stays with one while that one answers.",
      },
      use_system_route_table: {
        type: BOOLEAN,
        default: "false",
        since: "1.7",
        about:
          "Also take the system's routes through the device whose next hop is inside the overlay for such networks.",
      },
      use_system_route_table_buffer_size: {
        type: BUFFER,
        default: "0",
        since: "1.10",
        about: "Receive buffer for news of them; 0 leaves it to the system.",
      },
      network_category: {
        type: choice(["private", "public", "domain", "unset"]),
        default: "private",
        since: "1.11",
        state: WINDOWS_ONLY,
        about: "Firewall profile of the adapter.",
      },
      windows_bypass_wdf: {
        type: BOOLEAN,
        default: "true",
        since: "1.11",
        state: WINDOWS_ONLY,
        about: "Permit filter for the adapter.",
      },
    },
  ),
  ...section(
    "tun.routes[]",
    { reload: "live" },
    {
      route: { type: PREFIX, about: "Part of the overlay." },
      mtu: { type: ROUTE_MTU, about: "MTU of the route." },
    },
  ),
  ...section(
    "tun.unsafe_routes[]",
    { reload: "live" },
    {
      route: { type: PREFIX, about: "Network behind the gateway." },
      via: {
        type: structure("address, or list of {gateway, weight}"),
        about:
          "Overlay address of the gateway. Of several each gets its share of the flows by its weight (1); one of weight 0 stands by until no other one answers.",
      },
      mtu: { type: integer(0, MTU_MAX, "bytes"), default: "0", about: "MTU of the route, 500 at least; 0 is tun.mtu." },
      metric: { type: integer(0, 0x7fff_ffff), default: "0", since: "1.5", about: "Metric in the system's table." },
      install: { type: BOOLEAN, default: "true", since: "1.7", about: "Whether the system's table gets it." },
    },
  ),
];

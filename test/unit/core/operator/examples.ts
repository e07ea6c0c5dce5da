import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import type { DropSample } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { EventCode, EventOf } from "../../../../src/core/operator/event.ts";
import { via } from "../../../../src/core/path/place.ts";

/** One event of each code: what its test looks at, and what docs/EVENTS.md shows. A code without one does not compile. */
export const EXAMPLES: { readonly [Code in EventCode]: EventOf<Code> } = {
  "tunnel-up": { code: "tunnel-up", ...server(), ...session(), handshakeMs: 3.0625 },
  "session-renewed": { code: "session-renewed", ...server(), ...session(), handshakeMs: undefined },
  "tunnel-down": { code: "tunnel-down", ...server(), reason: "no-answer" },
  "session-ended": { code: "session-ended", ...server(), reason: "replaced" },
  "recv-error": { code: "recv-error", ...server(), endpoint: endpoint() },
  renewal: { code: "renewal", ...server(), reason: "old-age" },
  "renewal-failed": {
    code: "renewal-failed",
    ...server(),
    failure: {
      reason: "handshake-timeout",
      why: "no-answer",
      tried: [endpoint()],
      waitedMs: 6_540,
      attempts: 10,
    },
  },
  "gateway-left": { code: "gateway-left", ...server(), routes: 2 },
  "gateway-back": { code: "gateway-back", ...server() },
  "peer-distrusted": {
    code: "peer-distrusted",
    ...server(),
    refusal: { code: "expired", text: "the certificate expired 3 h ago" },
  },
  "bulletin-held": { code: "bulletin-held", kind: "revocations", number: 7, authority: "home", from: "server" },
  "bulletin-refused": {
    code: "bulletin-refused",
    ...server(),
    kind: "policy",
    number: 3,
    refusal: { code: "bad-signature", text: "its signature is not that of the authority it names" },
  },
  "lighthouse-message-malformed": {
    code: "lighthouse-message-malformed",
    name: "server",
    reason: "the lighthouse message names no host",
  },
  "lighthouse-message-refused": { code: "lighthouse-message-refused", ...server(), refusal: "not-its-address" },
  "relay-message-malformed": {
    code: "relay-message-malformed",
    name: "server",
    reason: "the relay message does not name both ends",
  },
  "path-changed": { code: "path-changed", ...server(), path: via("10.77.0.9" as IpAddress) },
  relaying: { code: "relaying", ...server(), other: "printer" },
  "relaying-ended": { code: "relaying-ended", ...server(), other: "printer" },
  "relay-refused": { code: "relay-refused", name: "server", to: address(), refusal: "no-relay" },
  "session-not-adopted": {
    code: "session-not-adopted",
    refusal: { of: "cipher", session: "aes", configured: "chachapoly" },
  },
  "handshake-refused": {
    code: "handshake-refused",
    address: undefined,
    endpoint: endpoint(),
    refusal: {
      code: "unknown-issuer",
      text: "the certificate's CA is not trusted here: it names none",
      fingerprint: "5af2" as Fingerprint,
    },
  },
  "handshake-failed": {
    code: "handshake-failed",
    address: address(),
    failure: {
      reason: "no-endpoint-known",
      why: "unknown-to-lighthouses",
      target: address(),
      lighthouses: ["10.77.0.1" as IpAddress],
      places: [],
    },
  },
  "handshake-deferred": { code: "handshake-deferred", endpoint: endpoint() },
  "handshake-repeated": { code: "handshake-repeated", address: address(), endpoint: endpoint() },
  "message-2-unreadable": { code: "message-2-unreadable", address: address(), endpoint: endpoint() },
  "message-2-not-read": { code: "message-2-not-read", address: address(), endpoint: endpoint() },
  "carrier-up": { code: "carrier-up", ...server(), remote: tcp() },
  "carrier-down": { code: "carrier-down", ...server(), remote: tcp(), why: "intercepted" },
  "carrier-failed": { code: "carrier-failed", address: address(), why: "unreachable" },
  "wrong-responder": { code: "wrong-responder", address: address(), endpoint: endpoint(), name: "printer" },
  "data-plane-down": { code: "data-plane-down", tunnels: 3 },
  "data-plane-refused": {
    code: "data-plane-refused",
    command: "install-session",
    reason: "table-full",
    error: "the table is full",
  },
  "data-plane-lost": { code: "data-plane-lost", why: "it was ended by SIGKILL" },
  "data-plane-failed": { code: "data-plane-failed", why: "cannot listen on UDP port 4242" },
  "data-plane-up": { code: "data-plane-up", device: "nebula1", port: 4242 },
  "data-plane-replaced": { code: "data-plane-replaced", differs: ["tun.mtu"] },
  "data-plane-upgraded": {
    code: "data-plane-upgraded",
    before: "lacis-dataplane 0.1.0 (1f2e3d4c5b6a)",
    after: "lacis-dataplane 0.1.1 (0a1b2c3d4e5f)",
    tookMs: 31,
  },
  "data-plane-kept": { code: "data-plane-kept", why: "it ended with exit code 1: nobody listens there" },
  "guard-failed": { code: "guard-failed", part: "underlay", why: "nf_tables: Operation not permitted (os error 1)" },
  "route-missing": {
    code: "route-missing",
    prefix: "192.168.7.0/24",
    why: "the route 192.168.7.0/24: one with metric 0 leads to eth1",
  },
  "underlay-changed": { code: "underlay-changed", changes: 3, addresses: ["192.0.2.77" as IpAddress] },
  "port-mapped": {
    code: "port-mapped",
    gateway: "192.168.1.1" as IpAddress,
    protocol: "pcp",
    endpoint: "203.0.113.8:4242" as Endpoint,
    lifetimeMs: 7_200_000,
  },
  "port-not-mapped": {
    code: "port-not-mapped",
    gateway: "192.168.1.1" as IpAddress,
    protocol: "nat-pmp",
    why: "address-not-public",
  },
  woke: { code: "woke", asleepMs: 61_200 },
  "listen-address-missing": { code: "listen-address-missing", address: "192.0.2.77" as IpAddress },
  "listen-address-there": { code: "listen-address-there", address: "192.0.2.77" as IpAddress },
  "underlay-watch-ended": { code: "underlay-watch-ended", why: "it ended with SIGKILL" },
  "bulletins-unreadable": {
    code: "bulletins-unreadable",
    path: "/var/cache/lacis/config-1f0c93ab.bulletins.pem",
    why: "holds something else than bulletins",
  },
  "bulletins-unwritable": {
    code: "bulletins-unwritable",
    path: "/var/cache/lacis/config-1f0c93ab.bulletins.pem",
    why: "the disk is full",
  },
  "places-unreadable": {
    code: "places-unreadable",
    path: "/var/cache/lacis/config-1f0c93ab.places",
    why: "is no list of places",
  },
  "places-unwritable": {
    code: "places-unwritable",
    path: "/var/cache/lacis/config-1f0c93ab.places",
    why: "the disk is full",
  },
  "route-watch-ended": { code: "route-watch-ended", why: "it ended with SIGKILL" },
  "routes-restored": { code: "routes-restored", routes: 2 },
  "device-watch-ended": { code: "device-watch-ended", why: "it ended with SIGKILL" },
  "device-restored": { code: "device-restored", device: "mesh0", repairs: ["fd77::2/64", "down", "mtu"] },
  "device-gone": { code: "device-gone", device: "mesh0" },
  "overlay-address-missing": {
    code: "overlay-address-missing",
    device: "mesh0",
    why: "the address fd77::2/64: Permission denied (os error 13)",
  },
  "guard-restored": { code: "guard-restored", part: "routes" },
  "overlay-over-lan": {
    code: "overlay-over-lan",
    device: "eth0",
    lan: "10.77.0.0/24",
    overlay: "10.77.0.0/16",
    wins: true,
    tunnel: false,
  },
  "overlay-shadowed": { code: "overlay-shadowed", prefix: "10.77.0.2/32", device: "eth0" },
  "socket-error": { code: "socket-error", error: "Network is down" },
  "device-error": { code: "device-error", error: "File descriptor in bad state" },
  "send-refused": { code: "send-refused", error: "EPERM", endpoint: endpoint() },
  "send-refusals-ended": { code: "send-refusals-ended", error: "EPERM", lastedMs: 12_000 },
  "data-plane-lacks": { code: "data-plane-lacks", capability: "queues", key: "routines" },
  "names-wired": { code: "names-wired", domain: "mesh", how: "/etc/resolv.conf" },
  "names-not-wired": { code: "names-not-wired", why: "EROFS: read-only file system" },
  "dns-listening": { code: "dns-listening", places: ["10.77.0.1:53", "127.0.0.1:53"] },
  "dns-not-listening": {
    code: "dns-not-listening",
    why: "DNS queries at 127.0.0.1:53 are not answered: another program listens there",
  },
  "so-mark-ignored": { code: "so-mark-ignored" },
  "packet-dropped": { code: "packet-dropped", sample: { ...sample(), reason: "no-route", inbound: false } },
  "refused-there": {
    code: "refused-there",
    address: address(),
    reason: "expired",
    text: "the certificate expired 3 h ago",
    via: "lighthouse",
  },
  "refused-by-peer": {
    code: "refused-by-peer",
    ...server(),
    packet: {
      protocol: 6,
      source: "10.77.0.3" as IpAddress,
      destination: address(),
      sourcePort: 50_000,
      destinationPort: 22,
      icmpMessage: undefined,
    },
    denial: {
      allowed: false,
      reason: "no-matching-rule",
      closest: { place: "config.yml:18", text: "tcp 22 groups=admin", misses: ["peer"] },
    },
    own: { name: "laptop", groups: ["admins"] },
  },
  "packet-denied": {
    code: "packet-denied",
    sample: sample(),
    closest: {
      place: "config.yml:18",
      rule: "tcp 2222 groups=admin",
      misses: ["port", "peer"],
      peer: { name: "laptop", groups: ["admins", "laptops"] },
    },
  },
  ready: {
    code: "ready",
    name: "laptop",
    addresses: ["10.77.0.3" as IpAddress],
    device: "nebula1",
    port: 4242,
    dataPlane: "native",
    adopted: true,
    version: "0.1.0",
    pid: 4711,
  },
  stopped: { code: "stopped" },
  left: { code: "left" },
  reloaded: { code: "reloaded" },
  "policy-applied": { code: "policy-applied", number: 7, mode: "audit", rules: 12, forSeconds: 60 },
  "out-of-network": { code: "out-of-network", text: 'the certificate was revoked: list 7 of "home"', via: "db1" },
  "debug-access-begun": {
    code: "debug-access-begun",
    name: "laptop",
    until: 1_798_761_600,
    services: ["tcp/5432", "icmp"],
  },
  "debug-access-ended": { code: "debug-access-ended", name: "laptop", until: 1_798_761_600 },
  "debug-access-refused": { code: "debug-access-refused", number: 7, why: "its guests make no sense" },
  "policy-reverted": { code: "policy-reverted", number: 7 },
  "policy-refused": { code: "policy-refused", number: 7, why: "its rule 3 makes no sense" },
  "policy-would-refuse": {
    code: "policy-would-refuse",
    name: "laptop",
    direction: "inbound",
    protocol: 6,
    destinationPort: 5432,
    rule: "policy.yaml:18",
  },
  "certificate-expires": {
    code: "certificate-expires",
    name: "laptop",
    version: 1,
    isGuest: false,
    notAfter: 1_798_761_600,
    secondsLeft: 604_799,
    renewsItself: false,
  },
  "certificate-renewed": {
    code: "certificate-renewed",
    name: "laptop",
    notAfter: 1_798_761_600,
    secondsLeft: 7_776_300,
  },
  "certificate-not-renewed": {
    code: "certificate-not-renewed",
    why: "10.77.0.1:4242: nobody answers",
    todo: "see that its TCP port is open there, and on the way: lacis-cert serve",
    againSeconds: 3_600,
  },
  "certificate-pending": { code: "certificate-pending", id: "5b1c", why: "the authority's key is not here" },
  "config-warning": {
    code: "config-warning",
    warning: {
      code: "CONFIG_IGNORED_KEY",
      place: { file: "config.yml", line: 3, column: 1 },
      path: "tun.network_category",
      what: "has no effect here",
      why: "it is for Windows",
    },
  },
  "carrier-listening": { code: "carrier-listening", where: "0.0.0.0:443" },
  "carrier-not-listening": { code: "carrier-not-listening", why: "another program uses this port" },
  "console-served": { code: "console-served", where: "127.0.0.1:2222" },
  "console-unavailable": { code: "console-unavailable", why: "another program uses this port" },
  "console-login": { code: "console-login", user: "me", address: "192.0.2.7" },
  "console-refused": { code: "console-refused", user: "me", address: "192.0.2.7" },
  "collector-reached": { code: "collector-reached", to: "http://127.0.0.1:4318" },
  "collector-unreachable": {
    code: "collector-unreachable",
    why: "http://127.0.0.1:4318 does not take metrics: nobody listens there",
  },
  "metrics-served": { code: "metrics-served", where: "http://127.0.0.1:8080/metrics" },
  "metrics-sent": { code: "metrics-sent", to: "192.0.2.1:2003" },
  "metrics-unavailable": { code: "metrics-unavailable", why: "another program uses this port" },
  "reload-applied": {
    code: "reload-applied",
    applied: ["firewall.inbound"],
    needsRestart: ["tun.dev"],
  },
  "reload-refused": {
    code: "reload-refused",
    complaint: { what: "cannot use the configuration", why: "it has an error", todo: "correct it" },
    first: "config.yml:3:1: firewal: there is no such key",
  },
  repeated: {
    code: "repeated",
    of: "data-plane-lost",
    times: 57,
    isOver: true,
    text: "The data plane ended by itself.",
  },
  suppressed: { code: "suppressed", of: "packet-denied", count: 12 },
};

function server(): { readonly name: string; readonly address: IpAddress } {
  return { name: "server", address: address() };
}

function session(): Pick<EventOf<"tunnel-up">, "path" | "role" | "version" | "peerVersion"> {
  return { path: endpoint(), role: "initiator", version: 1, peerVersion: 2 };
}

function address(): IpAddress {
  return "10.77.0.2" as IpAddress;
}

function tcp(): Endpoint {
  return "192.0.2.2:443" as Endpoint;
}

function endpoint(): Endpoint {
  return "192.0.2.2:4242" as Endpoint;
}

function sample(): DropSample {
  return {
    reason: "no-matching-rule",
    inbound: true,
    localAddress: "10.77.0.3" as IpAddress,
    remoteAddress: address(),
    protocol: 6,
    localPort: 22,
    remotePort: 50_000,
    localIndex: undefined,
    origin: undefined,
    action: "drop",
  };
}

import type { NodeStatus, PingResult } from "../../core/io.ts";
import { natVerdict } from "../../core/nat/verdict.ts";
import { familyOf, type IpAddress, type IpFamily } from "../../core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../core/netip/endpoint.ts";
import type { PingFailure } from "../../core/operator/failure.ts";
import { pingFailureText } from "../../core/operator/failure-text.ts";
import type { PortMappingState } from "../../runtime/port-mapping/port-mapping.ts";
import { translatorReport } from "../translator-report.ts";
import type { LighthouseCheck, NetcheckReport, Obstacle, TcpResult } from "./report.ts";

/** What was measured beside what the node knows. */
export interface Measured {
  readonly pings: readonly { readonly address: IpAddress; readonly result: PingResult }[];
  /** Names of other hosts that have answered straight over UDP, while no lighthouse did. */
  readonly others: readonly string[];
  readonly tcp443: TcpResult | undefined;
  readonly hairpin: boolean;
}

/** The report, from what the node knows and what was measured. */
export function judge(
  status: NodeStatus,
  measured: Measured,
  options: { readonly hasRelays: boolean; readonly portMapping: PortMappingState },
): NetcheckReport {
  const { nat, peers } = status;
  const lighthouses = measured.pings.map(({ address, result }) => checkOf(address, result, peers));
  const isReached = lighthouses.some(({ failed }) => failed === null);
  const isOverUdp = lighthouses.some(({ over }) => over === "udp");
  const isUdpBlocked =
    measured.others.length === 0 &&
    lighthouses.length > 0 &&
    lighthouses.every(({ over, failed }) => over === "tcp" || failed?.obstacle === "udp");
  const mtus = peers.flatMap(({ addresses, mtu }) =>
    mtu !== undefined && measured.pings.some(({ address }) => addresses.includes(address)) ? [mtu] : [],
  );
  return {
    udp: isOverUdp || measured.others.length > 0 ? "yes" : isUdpBlocked ? "no" : "unknown",
    ipv4: { seenAt: seenOver(4, nat) },
    ipv6: { seenAt: seenOver(6, nat) },
    nat: { ...translatorReport(nat), hairpin: measured.hairpin ? "yes" : "unknown" },
    portMapping: options.portMapping,
    mtu: mtus.length > 0 ? Math.min(...mtus) : null,
    tcp443: measured.tcp443 ?? "unknown",
    lighthouses,
    verdict: verdictOf(status, lighthouses, { ...options, ...measured, isReached, isOverUdp, isUdpBlocked }),
  };
}

/** Where this host is seen by addresses of one family. */
export function seenOver(family: IpFamily, { seenAt }: NodeStatus["nat"]): readonly Endpoint[] {
  return seenAt.filter((at) => familyOf(endpointAddress(at)) === family);
}

function verdictOf(
  { amLighthouse, nat }: NodeStatus,
  lighthouses: readonly LighthouseCheck[],
  known: {
    readonly isReached: boolean;
    readonly isOverUdp: boolean;
    readonly isUdpBlocked: boolean;
    readonly others: readonly string[];
    readonly tcp443: TcpResult | undefined;
    readonly hasRelays: boolean;
  },
): string {
  if (amLighthouse) return "This host is a lighthouse: it asks none, so nobody tells it how it is seen.";
  if (lighthouses.length === 0) return "No lighthouse is configured: nobody can say how this host is seen.";
  if (known.isReached && known.isUdpBlocked)
    return "UDP is blocked on the way: this host comes over TCP, and its peers are reached through a relay.";
  const [other] = known.others;
  if (
    other !== undefined &&
    !known.isOverUdp &&
    lighthouses.every(({ over, failed }) => over || failed?.obstacle === "udp")
  )
    return `No lighthouse answers over UDP, which works all the same (${other} answers): they are down, or something is on the way to them.`;
  if (known.isReached) return sentence(natVerdict(nat, known.hasRelays));
  const obstacles = new Set(lighthouses.map(({ failed }) => failed?.obstacle));
  const [first] = obstacles;
  if (obstacles.size > 1 || first === undefined) return "No lighthouse is reached, each for a reason of its own.";
  return NOT_REACHED[first](known.tcp443);
}

const NOT_REACHED: Readonly<Record<Obstacle, (tcp443: TcpResult | undefined) => string>> = {
  dns: () => "No lighthouse is reached: their names do not resolve (DNS).",
  udp: (tcp443) =>
    tcp443 === "open"
      ? "No lighthouse answers over UDP, and TCP port 443 is open: UDP is blocked on the way."
      : "No lighthouse answers over UDP: it is blocked on the way, or they are down.",
  certificate: () =>
    "The lighthouses answer, and the handshake fails: one side does not accept the other's certificate.",
  configuration: () => "No lighthouse is reached: the configuration does not say where they may be called.",
  "this-host": () => "No lighthouse was called: this host cannot send at the moment.",
};

function checkOf(address: IpAddress, result: PingResult, peers: NodeStatus["peers"]): LighthouseCheck {
  if (result.outcome === "pong") {
    const { name, path, roundTripMs } = result;
    const carrier = carrierOf(address, peers);
    const over = overOf(address, result, peers);
    return { address, name, roundTripMs, path: (carrier ? carrier.remote : path) ?? null, over, failed: null };
  }
  const known = peers.find(({ addresses }) => addresses.includes(address))?.name;
  const failed = { obstacle: obstacleOf(result.failure), ...pingFailureText(result.failure) };
  return { address, name: result.name ?? known ?? null, roundTripMs: null, path: null, over: null, failed };
}

/** By what an answer has come; null when there was none. */
export function overOf(address: IpAddress, result: PingResult, peers: NodeStatus["peers"]): LighthouseCheck["over"] {
  if (result.outcome !== "pong") return null;
  return carrierOf(address, peers) ? "tcp" : result.relay ? "relay" : "udp";
}

function carrierOf(address: IpAddress, peers: NodeStatus["peers"]): NodeStatus["peers"][number]["carrier"] {
  return peers.find(({ addresses }) => addresses.includes(address))?.carrier;
}

function obstacleOf(failure: PingFailure): Obstacle {
  switch (failure.reason) {
    case "no-endpoint-known":
      return failure.why === "names-do-not-resolve" ? "dns" : "configuration";
    case "handshake-refused":
      return failure.why === "too-many-sessions" ? "this-host" : "certificate";
    case "handshake-timeout":
      if (failure.why === "unreadable") return "certificate";
      // A lighthouse is called where its names lead: nothing was tried while they led nowhere.
      if (failure.why === "no-tunnel-in-time") return failure.tried.length === 0 ? "dns" : "udp";
      return failure.why === "no-answer" ? "udp" : "this-host";
    case "no-reply":
      return failure.why === "silent" ? "udp" : "this-host";
    case "own-address":
    case "outside-networks":
    case "unknown-name":
      return "configuration";
    case "data-plane-down":
      return "this-host";
  }
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

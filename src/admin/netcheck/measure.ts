import { connect } from "node:net";
import type { IpAddress } from "../../core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../core/netip/endpoint.ts";
import type { Daemon } from "../../runtime/daemon.ts";
import { systemCode } from "../../runtime/operator-error.ts";
import { hairpins } from "./hairpin.ts";
import { judge, overOf, seenOver } from "./judge.ts";
import type { NetcheckReport, TcpResult } from "./report.ts";

/** A whole call of a lighthouse takes 5.5 s. */
const PING_MS = 7_000;
const TCP_MS = 2_000;
/** Hosts with a tunnel that are asked when no lighthouse answers. */
const OTHERS_MAX = 4;
const OTHER_MS = 1_500;
/** Lighthouses and addresses that are looked at. */
const LIGHTHOUSES_MAX = 8;
const ADDRESSES_MAX = 8;

/** Asks the lighthouses and the way to them; a few seconds when nobody answers. */
export async function netcheck(daemon: Daemon): Promise<NetcheckReport> {
  const all = daemon.status().lighthouses.map(({ address }) => address);
  const lighthouses = all.slice(0, LIGHTHOUSES_MAX);
  const ping = async (address: IpAddress) => ({
    address,
    result: await daemon.ping({ by: "address", address }, PING_MS),
  });
  const [pings, tcp443] = await Promise.all([Promise.all(lighthouses.map(ping)), tcpTo(placesOf(daemon, lighthouses))]);
  const status = daemon.status();
  const isOverUdp = pings.some(({ address, result }) => overOf(address, result, status.peers) === "udp");
  const others = isOverUdp ? [] : await answeringStraight(daemon, lighthouses);
  const [outside] = seenOver(4, status.nat);
  const isBehindOne = outside !== undefined && status.nat.mapping !== "none";
  const hairpin = isBehindOne && (await hairpins(outside));
  const { useRelays, relays } = daemon.settings.live.relay;
  return judge(
    status,
    { pings, others, tcp443, hairpin },
    { hasRelays: useRelays && relays.length > 0, portMapping: daemon.portMapping },
  );
}

/** Names of hosts other than these that answer by a straight way over UDP: then it is not UDP that keeps the lighthouses away. */
async function answeringStraight(daemon: Daemon, lighthouses: readonly IpAddress[]): Promise<readonly string[]> {
  const straight = daemon.status().peers.filter(({ state, pathKind, carrier, addresses }) => {
    return state === "up" && pathKind === "direct" && !carrier && !lighthouses.some((each) => addresses.includes(each));
  });
  const heardLately = straight.toSorted((a, b) => (a.lastReceivedMs ?? Infinity) - (b.lastReceivedMs ?? Infinity));
  const results = await Promise.all(
    heardLately.slice(0, OTHERS_MAX).flatMap(({ addresses: [address] }) => {
      return address === undefined ? [] : [daemon.ping({ by: "address", address }, OTHER_MS)];
    }),
  );
  return results.flatMap((result) => (result.outcome === "pong" && !result.relay ? [result.name] : []));
}

function placesOf(daemon: Daemon, lighthouses: readonly IpAddress[]): readonly Endpoint[] {
  const known = daemon.details().places.filter(({ host }) => lighthouses.includes(host));
  return known.flatMap(({ configured, learned }) => [...configured, ...learned]);
}

/** The best that any of these addresses says; undefined when there is none to ask. */
async function tcpTo(places: readonly Endpoint[]): Promise<TcpResult | undefined> {
  const addresses = [...new Set(places.map(endpointAddress))].slice(0, ADDRESSES_MAX);
  const results = await Promise.all(addresses.map((address) => tcp443(address)));
  return (["open", "refused", "no-answer"] as const).find((best) => results.includes(best));
}

async function tcp443(host: IpAddress): Promise<TcpResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 443, timeout: TCP_MS });
    const settle = (result: TcpResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => settle("open"));
    socket.once("timeout", () => settle("no-answer"));
    socket.once("error", (error) => settle(systemCode(error) === "ECONNREFUSED" ? "refused" : "no-answer"));
  });
}

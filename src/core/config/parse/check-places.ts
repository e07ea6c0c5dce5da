import { familyOf, type IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import {
  familiesOf,
  isLimitedBroadcast,
  isLinkLocal6,
  isLoopback,
  isMulticast,
  isReserved,
  isSendable,
  isUnspecified,
} from "../../netip/special.ts";
import type { Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import type { Host, LiveSettings } from "../settings.ts";
import type { PlacedHostPort, StaticHost } from "./parse-discovery.ts";
import type { ConfigReader } from "./reader.ts";

/** What decides whether places can be used. */
export interface Places {
  readonly listenHost: Host;
  readonly listenPort: number;
  readonly network: LiveSettings["staticMap"]["network"];
  readonly staticHosts: readonly StaticHost[];
  readonly advertised: readonly PlacedHostPort[];
}

/** Warns of places where no host can be, and of those that this host's socket cannot send to. */
export function checkPlaces(places: Places, reader: ConfigReader, findings: Findings): void {
  const advertised = literals(places.advertised);
  const known = literals(places.staticHosts.flatMap(({ endpoints }) => endpoints));
  for (const { endpoint, address, place, path } of [...known, ...advertised]) {
    const why = whyNobodyIsAt(address);
    if (why === undefined) continue;
    const what = `${endpoint} is no place of a host`;
    const todo = "write the underlay address at which the host is reached";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, why, todo });
  }
  warnOfOurselves(places, findings);
  for (const { endpoint, address, place, path } of advertised) {
    if (!isLoopback(address)) continue;
    const what = `${endpoint} is no place at which others reach this host`;
    const why = "loopback is each machine itself";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, why, todo: "write the underlay address, or remove it" });
  }
  checkFamilies(places, reader, findings);
}

/** Loopback, with the port of this host's own socket: what is sent there comes back. */
function warnOfOurselves({ listenHost, listenPort, staticHosts }: Places, findings: Findings): void {
  const hears = (address: IpAddress): boolean =>
    typeof listenHost === "string" && (isUnspecified(listenHost) || listenHost === address);
  for (const { hostPort, place, path } of staticHosts.flatMap(({ endpoints }) => endpoints)) {
    const port = hostPort.kind === "name" ? hostPort.port : endpointPort(hostPort.endpoint);
    if (listenPort === 0 || port !== listenPort) continue;
    const isOurs =
      hostPort.kind === "name"
        ? /^localhost\.?$/i.test(hostPort.name)
        : isLoopback(endpointAddress(hostPort.endpoint)) && hears(endpointAddress(hostPort.endpoint));
    if (!isOurs) continue;
    const what = `${hostPort.kind === "name" ? `${hostPort.name}:${port}` : hostPort.endpoint} is this host itself`;
    const why = `it listens on port ${port} of this machine`;
    const todo =
      "write the underlay address at which the other host is reached, or the port that it has on this machine";
    findings.warn({ code: "CONFIG_VALUE", place, path, what, why, todo });
  }
}

interface Literal {
  readonly endpoint: Endpoint;
  readonly address: IpAddress;
  readonly place: Place;
  readonly path: string;
}

/** Those that are written as addresses. */
function literals(places: readonly PlacedHostPort[]): readonly Literal[] {
  return places.flatMap(({ hostPort, place, path }) => {
    if (hostPort.kind === "name") return [];
    return [{ endpoint: hostPort.endpoint, address: endpointAddress(hostPort.endpoint), place, path }];
  });
}

/** A clause; undefined where a host may be. */
function whyNobodyIsAt(address: IpAddress): string | undefined {
  if (isUnspecified(address)) return `${address} stands for this host itself, whichever it is`;
  if (isMulticast(address)) return `${address} is a group (multicast)`;
  if (isLimitedBroadcast(address)) return `${address} is everybody on the link (broadcast)`;
  if (isReserved(address)) return `${address} is nobody's: 240.0.0.0/4 is reserved`;
  if (isLinkLocal6(address)) return `${address} is link-local and means something only together with an interface`;
  return undefined;
}

function checkFamilies({ listenHost, network, staticHosts }: Places, reader: ConfigReader, findings: Findings): void {
  if (typeof listenHost !== "string" || findings.blame("listen.host")) return;
  const families = familiesOf(listenHost);
  const other = families.has(4) ? 6 : 4;
  if (families.has(other)) return;
  const why = `listen.host is ${listenHost}, which sends IPv${other === 6 ? 4 : 6} only`;
  const todo = 'write listen.host: "::" for both families, or remove it here';
  const endpoints = staticHosts.flatMap((host) => host.endpoints);
  for (const { endpoint, address, place, path } of literals(endpoints)) {
    if (familyOf(address) !== other || !isSendable(address) || isLoopback(address)) continue;
    const what = `${endpoint} is IPv${other}, and nothing is sent there`;
    findings.warn({ code: "CONFIG_CONFLICT", place, path, what, why, todo });
  }
  if (network !== `ip${other}` || !endpoints.some(({ hostPort }) => hostPort.kind === "name")) return;
  const what = `names resolve to IPv${other} only, and nothing is sent there`;
  const path = "static_map.network";
  const way = `write static_map.network: ip, and listen.host: "::" for both families`;
  findings.warn({ code: "CONFIG_CONFLICT", place: reader.given(path)?.node.place, path, what, why, todo: way });
}

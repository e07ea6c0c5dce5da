import { isServiceEndpoint } from "../core/enrolment/name.ts";
import { familyOf, type IpAddress, parseAddress } from "../core/netip/address.ts";
import { isPrivate, isPublic } from "../core/netip/special.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";
import type { Surroundings } from "../runtime/underlay/interfaces.ts";
import { localPlace } from "../runtime/underlay/local-place.ts";
import { surroundingsNow } from "../runtime/underlay/surroundings-now.ts";

/** As many as a host need try. */
const ENDPOINTS_MAX = 4;

/** Where others reach this host. */
export interface Endpoints {
  readonly endpoints: readonly string[];
  readonly port: number;
  /** Nobody has said where, and what this machine knows of itself leads here only from nearby. */
  readonly isNearbyOnly: boolean;
}

/** What was given, with the port where none stands; else the addresses of this machine, without those of its containers and of other VPNs. */
export async function endpointsOf(
  given: readonly string[],
  defaultPort: number,
  look: () => Promise<Surroundings> = surroundingsNow,
): Promise<Endpoints> {
  if (given.length === 0) {
    const own = ownAddresses(await look()).slice(0, ENDPOINTS_MAX);
    if (own.length === 0) throw nowhere();
    const isNearbyOnly = !own.some(isPublic);
    return { endpoints: own.map((address) => withPort(address, defaultPort)), port: defaultPort, isNearbyOnly };
  }
  const endpoints = given.map((text) => {
    const address = parseAddress(text);
    const endpoint = address ? withPort(address, defaultPort) : /:\d+$/.test(text) ? text : `${text}:${defaultPort}`;
    if (isServiceEndpoint(endpoint)) return endpoint;
    throw new OperatorError(
      "usage",
      {
        what: `--endpoint ${JSON.stringify(text)}`,
        why: "it is no name or address with a port",
        todo: "write vpn.example.org, 203.0.113.7:4242 or [2001:db8::1]:4242",
      },
      ExitCode.usage,
    );
  });
  return { endpoints, port: Number(endpoints[0]?.replace(/^.*:/, "")), isNearbyOnly: false };
}

/** The one that packets into the world leave from first, then those of the world, then IPv4 before IPv6. */
function ownAddresses(surroundings: Surroundings): readonly IpAddress[] {
  const first = thisPlatform().wayOut()?.client;
  const rank = (address: IpAddress): number =>
    (address === first ? 0 : 4) + (isPrivate(address) ? 2 : 0) + (familyOf(address) === 4 ? 0 : 1);
  const { addresses, interfaces, aside } = localPlace(surroundings, []);
  return addresses
    .filter((address) => interfaces?.get(address)?.some((name) => !aside?.has(name)))
    .sort((a, b) => rank(a) - rank(b));
}

function withPort(address: IpAddress, port: number): string {
  return familyOf(address) === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}

function nowhere(): OperatorError {
  return new OperatorError("no-endpoint", {
    what: "cannot tell where others reach this host",
    why: "it has no address but its own loopback's",
    todo: "connect it to a network, or say where: --endpoint HOST[:PORT]",
  });
}

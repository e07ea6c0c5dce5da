import type { IpAddress } from "../../netip/address.ts";
import { endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";
import type { Findings } from "../document/findings.ts";
import type { Meaning } from "./check-meaning.ts";
import type { PlacedHostPort, StaticHost } from "./parse-discovery.ts";

/**
 * What has an address of the underlay where one of the overlay belongs, or the other way round: one mistake, which several other checks would each tell of in
 * words that lead elsewhere.
 */
export function checkSides(meaning: Meaning, networks: readonly Prefix[], findings: Findings): void {
  const inOverlay = (address: IpAddress): boolean => networks.some((network) => contains(network, address));
  for (const host of meaning.staticHosts) checkTurnedRound(host, inOverlay, findings);
  for (const { value, place, path } of meaning.lighthouses) {
    if (meaning.staticHosts.some(({ address }) => address === value)) continue;
    const owner = inOverlay(value) ? undefined : ownerOf(value, meaning.staticHosts);
    if (owner) {
      const what = `${value} is where ${owner.address} is, not its overlay address`;
      findings.error({ code: "CONFIG_CONFLICT", place, path, what, todo: `write ${owner.address}` });
    } else if (!meaning.amLighthouse && networks.some(({ address }) => address === value)) {
      const what = `${value} is this host itself`;
      const todo = "write am_lighthouse: true if this is the lighthouse, else the overlay address of the one that is";
      findings.error({ code: "CONFIG_CONFLICT", place, path, what, todo });
    }
  }
  for (const { value, place, path } of meaning.relays) {
    const owner = inOverlay(value) ? undefined : ownerOf(value, meaning.staticHosts);
    if (!owner) continue;
    const what = `${value} is where ${owner.address} is, not its overlay address`;
    findings.warn({ code: "CONFIG_VALUE", place, path, what, todo: `write ${owner.address}` });
  }
}

function checkTurnedRound(
  { address, keyPlace, endpoints }: StaticHost,
  inOverlay: (address: IpAddress) => boolean,
  findings: Findings,
): void {
  if (inOverlay(address)) return;
  const meant = endpoints.find((place) => {
    const literal = literalIn(place);
    return literal !== undefined && inOverlay(literal);
  });
  const overlay = meant && literalIn(meant);
  if (!meant || overlay === undefined) return;
  const what = "has the overlay address and the place of the host the wrong way round";
  const underlay = address.includes(":") ? `[${address}]` : address;
  const todo = `write "${overlay}": ["${underlay}:${portOf(meant)}"]`;
  findings.error({ code: "CONFIG_CONFLICT", place: keyPlace, path: `static_host_map.${address}`, what, todo });
}

/** The host that the configuration says is there. */
function ownerOf(address: IpAddress, hosts: readonly StaticHost[]): StaticHost | undefined {
  return hosts.find(({ endpoints }) => endpoints.some((place) => literalIn(place) === address));
}

function literalIn({ hostPort }: PlacedHostPort): IpAddress | undefined {
  return hostPort.kind === "literal" ? endpointAddress(hostPort.endpoint) : undefined;
}

function portOf({ hostPort }: PlacedHostPort): number {
  return hostPort.kind === "literal" ? endpointPort(hostPort.endpoint) : hostPort.port;
}

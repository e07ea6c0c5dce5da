import { debugGroupOf } from "../cert/debug-group.ts";
import type { IpAddress } from "../netip/address.ts";
import { contains, overlaps } from "../netip/prefix.ts";
import type { HostFacts, Party } from "./policy.ts";

/** Whether a party means a host by its name or its groups, wherever a packet comes from or goes to. */
export function meansByName(party: Party, { name, groups }: Pick<HostFacts, "name" | "groups">): boolean {
  const guest = debugGroupOf(groups);
  if (guest !== undefined && !(party.kind === "groups" && party.groups.includes(guest))) return false;
  switch (party.kind) {
    case "any":
      return true;
    case "groups":
      return party.groups.every((group) => groups.includes(group));
    case "host":
      return party.name === name;
    case "network":
      return false;
  }
}

/** Whether a network means a host that has this address: one that was let in to debug is meant by its own group alone. */
export function meansByAddress(
  { prefix }: Extract<Party, { kind: "network" }>,
  { groups }: Pick<HostFacts, "groups">,
  address: IpAddress,
): boolean {
  return debugGroupOf(groups) === undefined && contains(prefix, address);
}

/** Whether a party means whoever sends from this address of a host, or from behind it. */
export function meansSource(party: Party, host: HostFacts, address: IpAddress): boolean {
  return party.kind === "network" ? meansByAddress(party, host, address) : meansByName(party, host);
}

/** Whether a party means this address of a host. What lies behind a host is meant only by addresses. */
export function meansDestination(party: Party, host: HostFacts, address: IpAddress): boolean {
  if (party.kind === "network") return meansByAddress(party, host, address);
  return meansByName(party, host) && host.addresses.includes(address);
}

/** Whether a network has an address that is the host's own, or lies behind it. */
export function touches(party: Extract<Party, { kind: "network" }>, host: HostFacts): boolean {
  return (
    host.addresses.some((address) => meansByAddress(party, host, address)) ||
    host.behind.some((network) => overlaps(party.prefix, network))
  );
}

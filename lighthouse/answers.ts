import type { LighthousePeer, LighthouseReply, LighthouseRequest } from "../src/core/discovery/service.ts";
import type { IpAddress } from "../src/core/netip/address.ts";
import { contains } from "../src/core/netip/prefix.ts";
import type { LighthouseMessage } from "../src/core/wire/lighthouse.ts";
import { type Directory, endpointsOf, type KnownHost, learnedBy, natOf } from "./directory.ts";

type HostUpdate = Extract<LighthouseMessage, { kind: "host-update" }>;

/** A host says where it is: remember it and acknowledge, so that its tunnel sees an answer (protocol 5.3). */
export function acceptUpdate(
  directory: Directory,
  from: LighthousePeer,
  update: HostUpdate,
  { dialect }: LighthouseRequest,
): readonly LighthouseReply[] {
  const [name] = from.addresses;
  if (name === undefined) return [];
  if (update.address !== undefined && !from.addresses.includes(update.address)) return [];
  directory.report({
    addresses: from.addresses,
    networks: from.certificate.networks,
    reported: update.endpoints,
    relays: update.relays,
    nat: update.nat,
  });
  const known = directory.find(name);
  const address = dialect === 1 ? name : undefined;
  return [{ to: name, dialect, message: { kind: "host-update-ack", address, seen: known ? learnedBy(known) : [] } }];
}

/**
 * A host asks where another is (protocol 5.6): the reply to it, and word to the other one that somebody is about to call, so that it
 * opens its router. Nothing at all for a host that is not known.
 */
export function answerQuery(
  directory: Directory,
  from: LighthousePeer,
  target: IpAddress,
  { dialect }: LighthouseRequest,
): readonly LighthouseReply[] {
  const [asker] = from.addresses;
  const known = directory.find(target);
  if (!known || asker === undefined) return [];
  const reply: LighthouseReply = {
    to: asker,
    dialect,
    message: { kind: "host-query-reply", target, ...waysTo(known) },
  };
  const punch = notificationFor(directory, known, from);
  return punch ? [reply, punch] : [reply];
}

function notificationFor(directory: Directory, queried: KnownHost, asker: LighthousePeer): LighthouseReply | undefined {
  const [to] = queried.addresses;
  const [name] = asker.addresses;
  const known = name === undefined ? undefined : directory.find(name);
  if (!known || to === undefined || name === undefined) return undefined;
  // The asker under the address that the queried host can reach, if it has several.
  const address = asker.addresses.find((own) => queried.networks.some((network) => contains(network, own))) ?? name;
  return {
    to,
    dialect: "recipient",
    message: { kind: "host-punch", address, ...waysTo(known) },
  };
}

function waysTo(host: KnownHost): Pick<HostUpdate, "endpoints" | "relays" | "nat"> {
  const nat = natOf(host);
  return { endpoints: endpointsOf(host), relays: host.relays, ...(nat && { nat }) };
}

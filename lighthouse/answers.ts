import type {
  LighthouseAnswer,
  LighthousePeer,
  LighthouseReply,
  LighthouseRequest,
} from "../src/core/discovery/service.ts";
import type { IpAddress } from "../src/core/netip/address.ts";
import { contains } from "../src/core/netip/prefix.ts";
import type { AskingHost, LighthouseMessage } from "../src/core/wire/lighthouse.ts";
import { type Directory, endpointsOf, type KnownHost, learnedBy, natOf } from "./directory.ts";

type HostUpdate = Extract<LighthouseMessage, { kind: "host-update" }>;
type Ways = Pick<HostUpdate, "endpoints" | "relays" | "nat">;

/** A host says where it is: remember it and acknowledge, so that its tunnel sees an answer (protocol 5.3). Nobody speaks for another. */
export function acceptUpdate(
  directory: Directory,
  from: LighthousePeer,
  update: HostUpdate,
  { dialect }: LighthouseRequest,
): LighthouseAnswer {
  const [name] = from.addresses;
  if (name === undefined) return [];
  if (update.address !== undefined && !from.addresses.includes(update.address)) return "not-its-address";
  directory.report({
    addresses: from.addresses,
    certificate: from.certificate,
    endpoints: update.endpoints,
    relays: update.relays,
    nat: update.nat,
  });
  const known = directory.find(name);
  const address = dialect === 1 ? name : undefined;
  const seen = known ? learnedBy(known) : [];
  return [{ to: name, dialect, message: { kind: "host-update-ack", address, seen, tellsBindings: seen.length > 0 } }];
}

/**
 * A host asks where another is (protocol 5.6): the reply to it, and word to the other one that somebody is about to call, so that it
 * opens its router.
 */
export function answerQuery(
  directory: Directory,
  from: Pick<LighthousePeer, "addresses">,
  known: KnownHost,
  query: { readonly target: IpAddress; readonly dialect: LighthouseRequest["dialect"] },
): readonly LighthouseReply[] {
  const [asker] = from.addresses;
  if (asker === undefined) return [];
  const ownWord = directory.find(asker);
  const punch = ownWord && punchFor(known, from.addresses, waysOf(ownWord));
  return [replyTo(asker, known, query), ...(punch ? [punch] : [])];
}

/**
 * Another lighthouse asks for a host of its own. It is told, and the host that was asked for hears who will call: by what this lighthouse knows of
 * that one, else by what the other says.
 */
export function answerFor(
  directory: Directory,
  from: LighthousePeer,
  known: KnownHost,
  query: { readonly target: IpAddress; readonly dialect: LighthouseRequest["dialect"]; readonly asker: AskingHost },
): readonly LighthouseReply[] {
  const [name] = from.addresses;
  if (name === undefined) return [];
  const { asker } = query;
  const ownWord = directory.find(asker.address);
  const ways = ownWord ? waysOf(ownWord) : plausible(directory, asker);
  const punch = punchFor(known, ownWord?.addresses ?? [asker.address], ways);
  return [replyTo(name, known, query), ...(punch ? [punch] : [])];
}

/** What a host says and is seen to say about how it is reached. */
export function waysOf(known: KnownHost | undefined): Ways {
  if (!known) return { endpoints: [], relays: [] };
  return { endpoints: endpointsOf(known), relays: known.relays, nat: natOf(known) };
}

/** What another lighthouse says of a host, without places where no single machine can be. */
export function plausible(directory: Directory, { endpoints, relays, nat }: Ways): Ways {
  return { endpoints: endpoints.filter((at) => directory.isPlausible(at)), relays, ...(nat && { nat }) };
}

function replyTo(
  to: IpAddress,
  known: KnownHost,
  { target, dialect }: { readonly target: IpAddress; readonly dialect: LighthouseRequest["dialect"] },
): LighthouseReply {
  const { endpoints, relays, nat } = waysOf(known);
  return { to, dialect, message: { kind: "host-query-reply", target, endpoints, relays, nat } };
}

/** `asker`: its addresses, of which the queried host is told the one that it can reach, if there are several. */
function punchFor(
  { addresses: [to], certificate }: KnownHost,
  asker: readonly IpAddress[],
  ways: Ways,
): LighthouseReply | undefined {
  const networks = certificate?.networks ?? [];
  const address = asker.find((own) => networks.some((network) => contains(network, own))) ?? asker[0];
  if (to === undefined || address === undefined) return undefined;
  const { endpoints, relays, nat } = ways;
  return { to, dialect: "recipient", message: { kind: "host-punch", address, endpoints, relays, nat } };
}

import { nearest } from "../core/base/suggest.ts";
import { wildcard } from "../core/base/wildcard.ts";
import type { PeerStatus } from "../core/io.ts";
import { parseAddress } from "../core/netip/address.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import type { Members } from "./verb.ts";

export const PEER_STATES: readonly PeerStatus["state"][] = ["up", "unconfirmed", "handshaking", "failed"];

/** Longest name or group that is asked for: what a certificate holds. */
const TEXT_MAX = 253;

/** Which peers are wanted in a picture of a host; what is not given is not asked about. */
export interface PeerQuery {
  /** A name or an address; in a name `*` stands for anything. */
  readonly peer?: string;
  readonly group?: string;
  readonly states?: readonly PeerStatus["state"][];
  readonly relayed?: true;
  /** No more than these: those in trouble first, then those that were heard last. */
  readonly limit?: number;
}

/** What both the picture and the report of it say about a peer. */
export type AskedPeer = {
  readonly name: string | null | undefined;
  readonly addresses: readonly string[];
  readonly groups: readonly string[];
  readonly state: PeerStatus["state"];
  readonly relay: object | null | undefined;
  readonly lastReceivedMs: number | null | undefined;
};

/** Those that are asked for, in their order. */
export function asked<Peer extends AskedPeer>(peers: readonly Peer[], query: PeerQuery): readonly Peer[] {
  const { group, states, relayed } = query;
  const isMeant = query.peer === undefined ? () => true : meaning(query.peer);
  return peers.filter(
    (peer) =>
      isMeant(peer) &&
      (group === undefined || peer.groups.includes(group)) &&
      (states === undefined || states.includes(peer.state)) &&
      (relayed === undefined || (peer.relay ?? null) !== null),
  );
}

/** So many of them as fit: half of the places for those in trouble, if there are so many, the others for those that were heard last. */
export function foremost<Peer extends AskedPeer>(peers: readonly Peer[], limit: number): readonly Peer[] {
  if (peers.length <= limit) return peers;
  const isTroubled = ({ state }: Peer): boolean => state === "failed" || state === "handshaking";
  const well = peers.filter((peer) => !isTroubled(peer));
  const troubled = peers.filter(isTroubled).slice(0, Math.max(Math.ceil(limit / 2), limit - well.length));
  const heard = (peer: Peer): number => peer.lastReceivedMs ?? Number.POSITIVE_INFINITY;
  const last = well.toSorted((a, b) => heard(a) - heard(b)).slice(0, limit - troubled.length);
  return [...last, ...troubled];
}

/** Throws when a name, an address or a group is asked for that nobody here has: a slip of the finger is not to be read as "all is quiet". */
export function refuseUnknown({ peer, group }: PeerQuery, peers: readonly AskedPeer[]): void {
  if (peer !== undefined && wildcard(peer) === undefined && asked(peers, { peer }).length === 0)
    throw unknownPeer(peer, peers);
  if (group !== undefined && asked(peers, { group }).length === 0) throw unknownGroup(group, peers);
}

/** What to say when nobody is meant. */
export function unknownPeer(text: string, peers: readonly AskedPeer[]): OperatorError {
  const names = peers.flatMap(({ name }) => name ?? []);
  const near = nearest(text, names);
  const isAddress = parseAddress(text) !== undefined;
  return new OperatorError(
    "unknown-peer",
    {
      what: `no peer ${JSON.stringify(text)} here`,
      why: isAddress ? "there is no tunnel with that address" : "no tunnel leads to a host with that name",
      todo:
        near === undefined
          ? `lacis ping ${isAddress ? text : "its overlay address"} builds one; lacis status shows those there are`
          : `did you mean ${near}?`,
    },
    ExitCode.usage,
  );
}

/** The same for a group that nobody is in. */
export function unknownGroup(text: string, peers: readonly AskedPeer[]): OperatorError {
  const near = nearest(
    text,
    peers.flatMap(({ groups }) => groups),
  );
  return new OperatorError(
    "unknown-group",
    {
      what: `no peer is in a group ${JSON.stringify(text)} here`,
      why: "no tunnel leads to a host whose certificate names that group",
      todo: near === undefined ? "lacis status --json shows the groups of each peer" : `did you mean ${near}?`,
    },
    ExitCode.usage,
  );
}

/** Reads what a client asks for; a sentence when it makes no sense. */
export function parsePeerQuery({ peers = {} }: Members): PeerQuery | string {
  if (typeof peers !== "object" || peers === null) return "peers is not an object";
  const { peer, group, states, relayed, limit }: Members = { ...peers };
  if (!isText(peer) || !isText(group)) return "peer and group are text";
  if (!isStates(states)) return `states is a list of ${PEER_STATES.join(", ")}`;
  if (relayed !== undefined && relayed !== true) return "relayed is true, or not given";
  if (limit !== undefined && !(typeof limit === "number" && Number.isInteger(limit) && limit >= 0))
    return "limit is a number of peers";
  return {
    ...(peer !== undefined && { peer }),
    ...(group !== undefined && { group }),
    ...(states !== undefined && { states }),
    ...(relayed && { relayed }),
    ...(limit !== undefined && { limit }),
  };
}

function meaning(text: string): (peer: AskedPeer) => boolean {
  const address = parseAddress(text);
  if (address !== undefined) return ({ addresses }) => addresses.includes(address);
  const isLike = wildcard(text) ?? ((name: string) => name === text);
  return ({ name }) => typeof name === "string" && isLike(name);
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && value !== "" && value.length <= TEXT_MAX);
}

function isStates(value: unknown): value is readonly PeerStatus["state"][] | undefined {
  return value === undefined || (Array.isArray(value) && value.every((one) => PEER_STATES.includes(one)));
}

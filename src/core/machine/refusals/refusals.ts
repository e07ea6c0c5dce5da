import { Pace } from "../../base/pace.ts";
import { Shares } from "../../base/shares.ts";
import type { Instant } from "../../base/time.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { Direction, DropSample, FlowRecord } from "../../dataplane/contract.ts";
import { DropReason } from "../../drop-reason.ts";
import { abroad, judge, seenFrom } from "../../firewall/judge.ts";
import type { RecentRefusal } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import {
  type ExplanationMessage,
  encodeExplanation,
  type Judgement,
  type PacketAddresses,
} from "../../wire/explanation.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit } from "../machine.ts";

type Denial = Extract<Judgement, { allowed: false }>;
type Noted = Omit<RecentRefusal, "firstAgoMs" | "lastAgoMs"> & { readonly firstAt: Instant; readonly lastAt: Instant };

/** Services that are remembered; who has most of them makes room. */
const REMEMBERED_MAX = 256;
/** Peers and services of theirs that have been told, and who has told us, for as long as the pace lasts. */
const TOLD_MAX = 4_096;
const PEERS_MAX = 1_024;

/** A flow that was sampled so lately is known. */
const SAMPLED_MS = 1_000;

/** One peer is told of the same service once in ten seconds, and of no more than eight at once. */
const ONE_SERVICE = { burst: 1, intervalMs: 10_000 };
const ONE_PEER = { burst: 8, intervalMs: 500 };
const ALL_PEERS = { perSecond: 100, burst: 200 };
/** Refused flows beside the samples that are looked at: each costs a look at every rule, and somebody may try every port. */
const RECORDED = { perSecond: 20, burst: 40 };

/**
 * Packets that rules refuse. Whoever sent one hears why, inside the tunnel, without asking: by which end, the rule that comes closest, what it misses.
 * So both ends know it while the program that sent it still waits. A peer is told about its own packets only, and believed about ours only.
 */
export class Refusals {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<CommonEvent>;
  readonly #noted = new Map<string, Noted>();
  readonly #shares = new Shares<IpAddress, string>();
  readonly #services = new Pace<string>(ONE_SERVICE, TOLD_MAX);
  readonly #tellsPeer = new Pace<IpAddress>(ONE_PEER, PEERS_MAX);
  readonly #hearsPeer = new Pace<IpAddress>(ONE_PEER, PEERS_MAX);
  readonly #tellsAll = new TokenBucket(ALL_PEERS);
  readonly #recorded = new TokenBucket(RECORDED);

  constructor(facts: Facts, peers: Peers, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /** A packet that the data plane dropped and picked as a sample. What the rules forbid is what operators look for. */
  dropped(sample: DropSample): void {
    const session = sample.localIndex === undefined ? undefined : this.#peers.session(sample.localIndex);
    const packet = packetOf(sample);
    const isDenied = sample.reason === DropReason.noMatchingRule;
    const denial = session && packet && isTold(sample.reason) ? this.#judged(session, packet, sample) : undefined;
    if (!isDenied) this.#emit({ kind: "tell", event: { code: "packet-dropped", sample } });
    else this.#emit({ kind: "tell", event: { code: "packet-denied", sample, closest: closestOf(denial, session) } });
    if (!session || !packet || !denial) return;
    const direction = sample.inbound ? "inbound" : "outbound";
    this.#note({ by: "us", session, direction, packet, denial });
    if (sample.inbound) this.#tellPeer(session, packet, denial);
  }

  /**
   * A flow that the data plane has refused. Samples are few and for everybody, and somebody else's rubbish may have used them up: this is told of
   * every flow, a moment later.
   */
  recorded(record: FlowRecord): void {
    if (record.happening !== "refused" || record.peer === undefined || !isTold(record.reason)) return;
    const session = this.#peers.primaryOf(record.peer);
    const { direction, ...flow } = record.flow;
    const inbound = direction === "inbound";
    const packet = packetOf({ ...flow, inbound });
    const { now } = this.#facts;
    const noted = session && packet && this.#noted.get(keyOf("us", direction, session, packet));
    if (!session || !packet || (noted && now - noted.lastAt < SAMPLED_MS)) return;
    if (!this.#recorded.take(now)) return;
    const denial = this.#judged(session, packet, { inbound, reason: record.reason });
    if (!denial) return;
    this.#note({ by: "us", session, direction, packet, denial });
    if (inbound) this.#tellPeer(session, packet, denial);
  }

  /** A peer has refused a packet of ours. The refusal, where it is believed. */
  told(
    session: Session,
    { packet, judgement }: Extract<ExplanationMessage, { kind: "refused" }>,
  ): { readonly packet: PacketAddresses; readonly judgement: Denial } | undefined {
    const { routes, now } = this.#facts;
    const name = nameAddress(session);
    // It speaks of a packet that this host may have sent there: whatever else it says is not for it to say.
    const isOurs = routes.targetOf(packet.source) === "own" && this.#leadsTo(session, packet.destination);
    if (judgement.allowed || !isOurs || !this.#hearsPeer.take(name, now)) return undefined;
    this.#note({ by: "peer", session, direction: "outbound", packet, denial: judgement });
    const { credential } = this.#facts.settings.live.identity;
    const groups = credential.certificates[session.ownVersion]?.groups ?? [];
    this.#emit({
      kind: "tell",
      event: {
        code: "refused-by-peer",
        name: session.peer.name,
        address: name,
        packet,
        denial: judgement,
        own: { name: credential.name, groups },
      },
    });
    return { packet, judgement };
  }

  /** The last ones first. */
  recent(): readonly RecentRefusal[] {
    const { now } = this.#facts;
    return [...this.#noted.values()]
      .sort((a, b) => b.lastAt - a.lastAt)
      .map(({ firstAt, lastAt, ...noted }) => ({ ...noted, firstAgoMs: now - firstAt, lastAgoMs: now - lastAt }));
  }

  /** Undefined when the rules have changed since and would allow it now. */
  #judged(
    session: Session,
    packet: PacketAddresses,
    { inbound, reason }: Pick<DropSample, "inbound" | "reason">,
  ): Denial | undefined {
    const { settings, routes } = this.#facts;
    const { firewall: rules, identity } = settings.live;
    const host = { rules, routes, caOf: (peer: Session["peer"]) => identity.pool.caOf(peer) };
    const direction = inbound ? "inbound" : "outbound";
    const judgement = judge(host, direction, seenFrom(direction, packet), session.peer);
    return judgement.allowed || judgement.reason !== reason ? undefined : judgement;
  }

  #tellPeer(session: Session, packet: PacketAddresses, denial: Denial): void {
    const { now, settings } = this.#facts;
    const name = nameAddress(session);
    if (!settings.live.tellsPeers) return;
    if (!this.#tellsPeer.has(name, now) || !this.#services.take(serviceKey(name, packet), now)) return;
    if (!this.#tellsAll.take(now) || !this.#tellsPeer.take(name, now)) return;
    const body = encodeExplanation({ kind: "refused", packet, judgement: abroad(denial) });
    this.#emit({ kind: "command", command: controlPacket(session, body) });
  }

  #note({ by, session, direction, packet, denial }: Refused): void {
    const { now } = this.#facts;
    const key = keyOf(by, direction, session, packet);
    const before = this.#noted.get(key);
    const { name, groups } = session.peer;
    if (before) this.#shares.touch(nameAddress(session), key);
    else this.#shares.add(nameAddress(session), key);
    this.#noted.set(key, {
      by,
      peer: { name, address: nameAddress(session), groups },
      direction,
      packet,
      reason: denial.reason,
      closest: denial.closest,
      times: (before?.times ?? 0) + 1,
      firstAt: before?.firstAt ?? now,
      lastAt: now,
    });
    if (this.#noted.size > REMEMBERED_MAX) this.#makeRoom();
  }

  #makeRoom(): void {
    const owner = this.#shares.largest();
    const key = this.#shares.oldestOfLargest();
    if (owner === undefined || key === undefined) return;
    this.#shares.remove(owner, key);
    this.#noted.delete(key);
  }

  #leadsTo(session: Session, destination: IpAddress): boolean {
    const target = this.#facts.routes.lookUp(destination)?.target;
    if (target?.kind === "peer") return session.addresses.includes(destination);
    return target?.kind === "gateways" && target.gateways.some(({ address }) => session.addresses.includes(address));
  }
}

interface Refused {
  readonly by: RecentRefusal["by"];
  readonly session: Session;
  readonly direction: Direction;
  readonly packet: PacketAddresses;
  readonly denial: Denial;
}

type Dropped = Pick<DropSample, "inbound" | "localAddress" | "remoteAddress" | "protocol" | "localPort" | "remotePort">;

/** What whoever sent the packet can do something about. */
function isTold(reason: DropReason): boolean {
  return (
    reason === DropReason.noMatchingRule || reason === DropReason.localAddress || reason === DropReason.remoteAddress
  );
}

function packetOf(sample: Dropped): PacketAddresses | undefined {
  const { inbound, localAddress, remoteAddress, protocol, localPort, remotePort } = sample;
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  return inbound
    ? {
        protocol,
        source: remoteAddress,
        destination: localAddress,
        sourcePort: remotePort,
        destinationPort: localPort,
        icmpMessage: undefined,
      }
    : {
        protocol,
        source: localAddress,
        destination: remoteAddress,
        sourcePort: localPort,
        destinationPort: remotePort,
        icmpMessage: undefined,
      };
}

function keyOf(by: RecentRefusal["by"], direction: Direction, session: Session, packet: PacketAddresses): string {
  return `${by} ${direction} ${serviceKey(nameAddress(session), packet)}`;
}

/** What is the same when a program tries again. */
function serviceKey(peer: IpAddress, { protocol, source, destination, destinationPort }: PacketAddresses): string {
  return `${peer} ${source} ${destination} ${protocol} ${destinationPort}`;
}

function closestOf(denial: Denial | undefined, session: Session | undefined) {
  if (!denial?.closest || !session) return undefined;
  const { place, text: rule, misses } = denial.closest;
  const { name, groups } = session.peer;
  return { place, rule, misses, peer: { name, groups } };
}

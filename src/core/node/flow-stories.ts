import { type Rate, TokenBucket } from "../base/token-bucket.ts";
import type { Flow, FlowRecord } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import { explain } from "../firewall/explain.ts";
import type { Rule } from "../firewall/rule.ts";
import { ruleText } from "../firewall/rule-text.ts";
import { verdictReason } from "../firewall/verdict-reason.ts";
import type { FlowStory, Named } from "../flow-story.ts";
import type { Facts } from "../machine/facts.ts";
import type { Policies } from "../machine/policies/policies.ts";
import type { IpAddress } from "../netip/address.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import { relayOn } from "../peer/place.ts";
import { nameAddress, type Session } from "../peer/session.ts";
import type { Judgement, PacketAddresses } from "../wire/explanation.ts";

/** What a peer tells of a packet that it refused. */
export interface RefusedThere {
  readonly packet: PacketAddresses;
  readonly judgement: Extract<Judgement, { allowed: false }>;
}

/** Looking for the rule that nearly allowed a flow goes over all rules: of a flood of refused flows some are told without. */
const EXPLAINED: Rate = { perSecond: 20, burst: 20 };

/** Makes of what the data plane says about flows what an operator reads: who, by which rule, on which way, and why not. */
export class FlowStories {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #policies: Policies;
  readonly #explained = new TokenBucket(EXPLAINED);
  readonly #rules = new WeakMap<Rule, NonNullable<FlowStory["rule"]>>();

  constructor(facts: Facts, peers: Peers, policies: Policies) {
    this.#facts = facts;
    this.#peers = peers;
    this.#policies = policies;
  }

  /** Of what became of a flow. */
  of(record: FlowRecord): FlowStory {
    const { flow, happening } = record;
    const session = record.peer === undefined ? this.#sessionOf(flow) : this.#peers.primaryOf(record.peer);
    const end = happening === "ended" ? record.end : undefined;
    if (happening !== "refused") return this.#story(flow, { session, peer: record.peer, happening, end });
    const { reason, action } = record;
    const closest = this.#closest(record, session);
    const refusal = { by: "us", reason: verdictReason(reason), drop: reason, action, closest } as const;
    return this.#story(flow, { session, peer: record.peer, happening, end, refusal });
  }

  /** Of a packet of this host that a peer says it has refused. */
  ofRefusedThere(session: Session, { packet, judgement }: RefusedThere): FlowStory {
    const { protocol, source: localAddress, destination: remoteAddress, sourcePort: localPort } = packet;
    return {
      direction: "outbound",
      protocol,
      localAddress,
      remoteAddress,
      localPort,
      remotePort: packet.destinationPort,
      ageMs: 0,
      idleMs: 0,
      sentPackets: 1n,
      sentBytes: 0n,
      receivedPackets: 0n,
      receivedBytes: 0n,
      peer: described(session),
      path: this.#pathOf(session),
      rule: undefined,
      happening: "refused",
      end: undefined,
      refusal: {
        by: "peer",
        reason: verdictReason(judgement.reason),
        drop: judgement.reason,
        action: "drop",
        closest: judgement.closest,
      },
    };
  }

  /** Of a flow that goes on. */
  ofOpen(flow: Flow): FlowStory {
    return this.#story(flow, { session: this.#sessionOf(flow), peer: undefined, happening: "open", end: undefined });
  }

  /** Written out: of a host with many flows this is done for each, and copying what is already there costs more than all the rest. */
  #story(flow: Flow, { session, peer, happening, end, refusal }: Happened): FlowStory {
    const rule = refusal ? undefined : this.#policies.ruleOf(flow.policyId, flow.direction, flow.ruleId);
    return {
      localAddress: flow.localAddress,
      remoteAddress: flow.remoteAddress,
      localPort: flow.localPort,
      remotePort: flow.remotePort,
      protocol: flow.protocol,
      direction: flow.direction,
      sentPackets: flow.sentPackets,
      sentBytes: flow.sentBytes,
      receivedPackets: flow.receivedPackets,
      receivedBytes: flow.receivedBytes,
      ageMs: flow.ageMs,
      idleMs: flow.idleMs,
      peer: session
        ? described(session)
        : peer === undefined
          ? undefined
          : { name: undefined, address: peer, groups: [] },
      path: session && this.#pathOf(session),
      rule: rule && this.#described(rule),
      refusal,
      happening,
      end,
    };
  }

  /** The same object for all flows of a rule. */
  #described(rule: Rule): NonNullable<FlowStory["rule"]> {
    let described = this.#rules.get(rule);
    if (!described) {
      described = { place: rule.place, text: ruleText(rule), ...(rule.audit && { audit: true }) };
      this.#rules.set(rule, described);
    }
    return described;
  }

  /** Whose session such packets go through: the other side's own, or its gateway's. */
  #sessionOf({ remoteAddress }: Flow): Session | undefined {
    const own = this.#peers.primaryOf(remoteAddress);
    if (own) return own;
    const target = this.#facts.routes.lookUp(remoteAddress)?.target;
    if (target?.kind !== "gateways") return undefined;
    // Several share the flows, and which one has this is the data plane's to know.
    const [only, ...more] = target.gateways;
    return only && more.length === 0 ? this.#peers.primaryOf(only.address) : undefined;
  }

  #pathOf({ path }: Session): FlowStory["path"] {
    const relay = relayOn(path, this.#peers);
    return { endpoint: endpointOf(path), relay: relay && named(relay) };
  }

  #closest(
    { flow, reason }: Extract<FlowRecord, { happening: "refused" }>,
    session: Session | undefined,
  ): NonNullable<FlowStory["refusal"]>["closest"] {
    if (reason !== DropReason.noMatchingRule || !session || !this.#explained.take(this.#facts.now)) return undefined;
    const { firewall, identity } = this.#facts.settings.live;
    const { peer } = session;
    const caOf = (certificate: Session["peer"]) => identity.pool.caOf(certificate);
    const explanation = explain(firewall, { direction: flow.direction, packet: flow, peer, caOf });
    if (explanation.allowed || !explanation.closest) return undefined;
    const { rule, misses } = explanation.closest;
    return { place: rule.place, text: ruleText(rule), misses };
  }
}

/** What became of a flow, and whose it is. */
interface Happened extends Pick<FlowStory, "happening" | "end"> {
  readonly session: Session | undefined;
  /** As the data plane knows it, for when its session is gone. */
  readonly peer: IpAddress | undefined;
  readonly refusal?: FlowStory["refusal"];
}

function described(session: Session): NonNullable<FlowStory["peer"]> {
  return { name: session.peer.name, address: nameAddress(session), groups: session.peer.groups };
}

function named(session: Session): Named {
  return { name: session.peer.name, address: nameAddress(session) };
}

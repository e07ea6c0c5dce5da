import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import { AllowedRemotes } from "../../netip/allow-list.ts";
import { RouteTable } from "../../route/route-table.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { Direction, HostFacts, PolicyProgram } from "../contract.ts";
import { FLOW_TIMEOUTS } from "../flow-timeouts.ts";
import { Acquaintances } from "./acquaintances.ts";
import { FlowTable } from "./flow-table.ts";
import { Fragments } from "./fragments.ts";
import { Outbox } from "./outbox.ts";
import { OwnNetworks } from "./own-networks.ts";
import { Parking } from "./parking.ts";
import { PolicyTable } from "./policy-table.ts";
import { RelayTable } from "./relay-table.ts";
import type { Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";

/** What both directions of a data plane share. */
export class Tables {
  readonly sessions: SessionTable = new SessionTable();
  readonly relays: RelayTable = new RelayTable();
  readonly policies: PolicyTable = new PolicyTable();
  readonly flows: FlowTable = new FlowTable();
  readonly fragments: Readonly<Record<Direction, Fragments>> = { inbound: new Fragments(), outbound: new Fragments() };
  readonly parking: Parking = new Parking();
  readonly acquaintances: Acquaintances = new Acquaintances();
  readonly out: Outbox = new Outbox();
  /** Until the first `apply-routes` no packet goes anywhere. */
  routes: RouteTable = RouteTable.EMPTY;
  #facts: HostFacts = UNCONFIGURED;
  #own: OwnNetworks = new OwnNetworks([]);
  #allowedRemotes: AllowedRemotes = AllowedRemotes.ALL;

  get facts(): HostFacts {
    return this.#facts;
  }

  get own(): OwnNetworks {
    return this.#own;
  }

  /** Where peers may move to. */
  get allowedRemotes(): AllowedRemotes {
    return this.#allowedRemotes;
  }

  configure(facts: HostFacts): void {
    this.#facts = facts;
    this.#own = new OwnNetworks(facts.networks);
    this.#allowedRemotes = new AllowedRemotes(facts.remoteAllowList);
    this.flows.timeouts = facts.flowTimeouts;
  }

  /** The session is over, and so are the relays that it is a hop of. */
  forget(session: Session): void {
    this.sessions.remove(session);
    this.relays.forget(session.localIndex);
  }

  /** Whether the packet may pass (SEMANTICS 4.3 and 4.4). One that may not is dropped here. */
  admits(session: Session, packet: InnerPacket, direction: Direction, now: Instant): boolean {
    const owner = direction === "inbound" ? session.peer : packet.remoteAddress;
    const fragments = this.fragments[direction];
    if (!this.#allows(session, packet, direction, now)) {
      fragments.withdraw(owner, packet);
      return false;
    }
    const reason = fragments.admit(owner, packet, now);
    if (reason) {
      this.out.drop(reason, { inbound: direction === "inbound", localIndex: session.localIndex, packet }, now);
    }
    return reason === undefined;
  }

  /** Whether the packet belongs to an allowed flow or may open one. */
  #allows(session: Session, packet: InnerPacket, direction: Direction, now: Instant): boolean {
    const { policyId, localIndex, peer } = session;
    const program = { policyId, ...(this.policies.get(policyId) ?? NOTHING_ALLOWED) };
    const verdict = this.flows.judge(packet, direction, { peer, program }, now);
    if (!verdict.allowed) {
      const context = { inbound: direction === "inbound", localIndex, packet };
      if (packet.isRest) this.out.drop(DropReason.fragment, context, now);
      else this.out.drop(DropReason.noMatchingRule, { ...context, action: verdict.action }, now);
    } else if (verdict.opened) {
      this.policies.count(verdict.opened.by);
      if (verdict.opened.evicted) this.out.countDrops(DropReason.flowEvicted, 1);
    }
    return verdict.allowed;
  }
}

const NOTHING_ALLOWED: PolicyProgram = { inbound: [], outbound: [], refuse: { inbound: "drop", outbound: "drop" } };

/** Until the first `configure` no network is ours, and nobody is answered. */
const UNCONFIGURED: HostFacts = {
  networks: [],
  sendRecvError: "never",
  dropLocalBroadcast: false,
  dropMulticast: false,
  answerEcho: false,
  flowTimeouts: FLOW_TIMEOUTS,
  relayPeerKilobytes: 0,
  remoteAllowList: { everybody: [], ranges: [] },
};

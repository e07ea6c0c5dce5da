import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import { AllowedRemotes } from "../../netip/allow-list.ts";
import { endpointAddress } from "../../netip/endpoint.ts";
import type { Origin } from "../../path/path.ts";
import { RouteTable } from "../../route/route-table.ts";
import type { Direction, HostFacts } from "../contract.ts";
import { FLOWS_DEFAULT } from "../flow-limit.ts";
import { FLOW_TIMEOUTS } from "../flow-timeouts.ts";
import { Acquaintances } from "./acquaintances.ts";
import { Capture } from "./capture.ts";
import { FlowLog } from "./flow-log.ts";
import { FlowTable } from "./flow-table.ts";
import { Fragments } from "./fragments.ts";
import { KeptGateways } from "./kept-gateways.ts";
import { Outbox } from "./outbox.ts";
import { OwnNetworks } from "./own-networks.ts";
import { Parking } from "./parking.ts";
import { PolicyTable } from "./policy-table.ts";
import { RelayTable } from "./relay-table.ts";
import type { Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** What both directions of a data plane share. */
export class Tables {
  readonly sessions: SessionTable = new SessionTable();
  readonly relays: RelayTable = new RelayTable();
  readonly policies: PolicyTable = new PolicyTable();
  readonly flowLog: FlowLog = new FlowLog((index) => this.sessions.get(index)?.peer);
  readonly flows: FlowTable = new FlowTable(this.flowLog);
  readonly fragments: Readonly<Record<Direction, Fragments>> = { inbound: new Fragments(), outbound: new Fragments() };
  readonly keptGateways: KeptGateways = new KeptGateways();
  readonly parking: Parking = new Parking();
  readonly acquaintances: Acquaintances = new Acquaintances();
  readonly silence: SilenceWatch = new SilenceWatch();
  readonly capture: Capture = new Capture();
  readonly out: Outbox = new Outbox(this.flowLog);
  /** Until the first `apply-routes` no packet goes anywhere. */
  routes: RouteTable = RouteTable.EMPTY;
  #fragmentId = 0;
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

  /** Of packets of IPv6 that are divided here. */
  nextFragmentId(): number {
    this.#fragmentId = (this.#fragmentId + 1) >>> 0;
    return this.#fragmentId;
  }

  configure(facts: HostFacts, now: Instant): void {
    this.#facts = facts;
    this.#own = new OwnNetworks(facts.networks);
    this.#allowedRemotes = new AllowedRemotes(facts.remoteAllowList);
    this.flowLog.isOn = facts.recordFlows;
    this.flows.setTimeouts(facts.flowTimeouts);
    this.out.countDrops(DropReason.flowEvicted, this.flows.setLimit(facts.flowLimit, now));
  }

  /** The session is over, and so are the relays that it is a hop of. */
  forget(session: Session): void {
    this.sessions.remove(session);
    this.relays.forget(session.localIndex);
    this.silence.forget(session);
  }

  /** Whether what comes through a session may be from this address: a peer speaks for itself, a gateway for what lies behind it, nobody for us. */
  speaksFor(session: Session, remoteAddress: IpAddress): boolean {
    const from = this.routes.targetOf(remoteAddress);
    if (from === "peer") return session.peerAddresses.includes(remoteAddress);
    return from !== "own" && session.isBehind(remoteAddress);
  }

  /** Whether its peer may be where this came from. */
  mayBeAt({ peerAddresses }: Session, origin: Origin): boolean {
    return origin.kind === "relayed" || this.allowedRemotes.allows(peerAddresses, endpointAddress(origin.endpoint));
  }
}

/** Until the first `configure` no network is ours, and nobody is answered. */
const UNCONFIGURED: HostFacts = {
  networks: [],
  sendRecvError: "never",
  dropLocalBroadcast: false,
  dropMulticast: false,
  answerEcho: false,
  flowTimeouts: FLOW_TIMEOUTS,
  flowLimit: FLOWS_DEFAULT,
  recordFlows: false,
  relayPeerKilobytes: 0,
  remoteAllowList: { everybody: [], ranges: [] },
  refuseNoRoute: "drop",
};

import type { Instant } from "../../base/time.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { HostFacts } from "../contract.ts";
import { FlowTable } from "./flow-table.ts";
import { Outbox } from "./outbox.ts";
import { OwnNetworks } from "./own-networks.ts";
import { Parking } from "./parking.ts";
import type { Direction } from "./policy-eval.ts";
import { PolicyTable } from "./policy-table.ts";
import type { Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";

/** What both directions of a data plane share. */
export class Tables {
  readonly sessions: SessionTable = new SessionTable();
  readonly policies: PolicyTable = new PolicyTable();
  readonly flows: FlowTable = new FlowTable();
  readonly parking: Parking = new Parking();
  readonly out: Outbox = new Outbox();
  #facts: HostFacts = UNCONFIGURED;
  #own: OwnNetworks = new OwnNetworks([]);

  get facts(): HostFacts {
    return this.#facts;
  }

  get own(): OwnNetworks {
    return this.#own;
  }

  configure(facts: HostFacts): void {
    this.#facts = facts;
    this.#own = new OwnNetworks(facts.networks);
  }

  /** Whether the packet belongs to an allowed flow or may open one (SEMANTICS 4.3). */
  isAllowed(session: Session, inner: InnerPacket, direction: Direction, now: Instant): boolean {
    const { policyId } = session;
    const program = this.policies.get(policyId) ?? NOTHING_ALLOWED;
    const verdict = this.flows.judge(inner, direction, { policyId, ...program }, now);
    if (verdict.evicted) this.out.countDrops("flow-evicted", 1);
    return verdict.allowed;
  }
}

const NOTHING_ALLOWED = { inbound: [], outbound: [] } as const;

/** Until the first `configure`: no network is ours, so no packet goes anywhere and nobody is answered. */
const UNCONFIGURED: HostFacts = {
  networks: [],
  sendRecvError: "never",
  dropLocalBroadcast: false,
  dropMulticast: false,
  answerEcho: false,
};

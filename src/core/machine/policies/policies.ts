import type { VerifiedCertificate } from "../../cert/certificate.ts";
import type { IdentifiedProgram, PolicyId } from "../../dataplane/contract.ts";
import { compileProgram } from "../../firewall/compile.ts";
import { PolicyInterner } from "../../firewall/interner.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import type { Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";

export type PoliciesEvent = CommonEvent;

/** What each peer may do: the rules reduced to its certificate, one program for all peers that come out the same. */
export class Policies implements Machine {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<PoliciesEvent>;
  readonly #interner = new PolicyInterner();
  /** The program of each session. */
  readonly #bound = new Map<LocalIndex, PolicyId>();

  constructor(facts: Facts, peers: Peers, emit: Emit<PoliciesEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /**
   * The program for a session to be, which the data plane has before the session. It is sent every time: the data plane forgets programs
   * that no session uses, and a session that was closed under way may have been the last user of one that we think it has.
   */
  bind(localIndex: LocalIndex, peer: VerifiedCertificate): PolicyId {
    const program = this.#bindProgram(localIndex, peer);
    const command = { kind: "apply-policies", programs: [program], bindings: [], raiseEpoch: false } as const;
    this.#emit({ kind: "command", command });
    return program.policyId;
  }

  /** A session has ended. */
  release({ localIndex }: Session): void {
    const policyId = this.#bound.get(localIndex);
    this.#bound.delete(localIndex);
    if (policyId !== undefined) this.#interner.release(policyId);
  }

  /** Judges every session anew, all at once: every flow is asked about again in the direction that opened it. */
  rebind(): void {
    const programs = new Map<PolicyId, IdentifiedProgram>();
    const bindings = [...this.#peers.sessions()].map(({ localIndex, peer }) => {
      const program = this.#bindProgram(localIndex, peer);
      programs.set(program.policyId, program);
      return { localIndex, policyId: program.policyId };
    });
    const command = { kind: "apply-policies", programs: [...programs.values()], bindings, raiseEpoch: true } as const;
    this.#emit({ kind: "command", command });
  }

  reload(): void {
    this.rebind();
  }

  #bindProgram(localIndex: LocalIndex, peer: VerifiedCertificate): IdentifiedProgram {
    const { firewall, identity } = this.#facts.settings.live;
    const program = compileProgram(firewall, peer, (certificate) => identity.pool.caOf(certificate));
    const { policyId } = this.#interner.idOf(program);
    const before = this.#bound.get(localIndex);
    this.#bound.set(localIndex, policyId);
    if (before !== undefined) this.#interner.release(before);
    return { policyId, ...program };
  }
}

import type { VerifiedCertificate } from "../cert/certificate.ts";
import type { IdentifiedProgram, PolicyId } from "../dataplane/contract.ts";
import { compileProgram } from "../firewall/compile.ts";
import { PolicyInterner } from "../firewall/interner.ts";
import type { Tunnel } from "../tunnel/tunnel.ts";
import type { NodeState } from "./state.ts";

/** What each peer may do: the rules reduced to its certificate, one program for all peers that come out the same. */
export class Policies {
  readonly #state: NodeState;
  readonly #interner = new PolicyInterner();

  constructor(state: NodeState) {
    this.#state = state;
  }

  /**
   * The program for this peer, which the data plane has when this returns. It is sent every time: the data plane forgets programs that no
   * session uses, and a session that was closed under way may have been the last user of one that we think it has.
   */
  bind(peer: VerifiedCertificate): PolicyId {
    const program = this.#programFor(peer);
    this.#state.out.command({ kind: "apply-policies", programs: [program], bindings: [], raiseEpoch: false });
    return program.policyId;
  }

  /** A session with this program has ended. */
  release(policyId: PolicyId): void {
    this.#interner.release(policyId);
  }

  /** Programs for a session taken over; bound by the next `rebind`. */
  adopt(peer: VerifiedCertificate): PolicyId {
    return this.#programFor(peer).policyId;
  }

  /** Judges every session anew, all at once: every flow is asked about again in the direction that opened it. */
  rebind(): void {
    const { tunnels, out } = this.#state;
    const programs = new Map<PolicyId, IdentifiedProgram>();
    const bindings = [...tunnels.all()].map((tunnel) => this.#rebindTunnel(tunnel, programs));
    out.command({ kind: "apply-policies", programs: [...programs.values()], bindings, raiseEpoch: true });
  }

  #rebindTunnel(tunnel: Tunnel, programs: Map<PolicyId, IdentifiedProgram>): Pick<Tunnel, "localIndex" | "policyId"> {
    const before = tunnel.policyId;
    const program = this.#programFor(tunnel.peer);
    tunnel.policyId = program.policyId;
    this.#interner.release(before);
    programs.set(program.policyId, program);
    return { localIndex: tunnel.localIndex, policyId: tunnel.policyId };
  }

  #programFor(peer: VerifiedCertificate): IdentifiedProgram {
    const { firewall, identity } = this.#state.settings.live;
    const program = compileProgram(firewall, peer, (certificate) => identity.pool.caOf(certificate));
    return { policyId: this.#interner.idOf(program).policyId, ...program };
  }
}

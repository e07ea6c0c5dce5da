import { readUint32 } from "../../base/bytes.ts";
import type { Instant } from "../../base/time.ts";
import type { VerifiedCertificate } from "../../cert/certificate.ts";
import type { Direction, IdentifiedProgram, PolicyId, RuleCounter } from "../../dataplane/contract.ts";
import { PeerClasses } from "../../firewall/classes.ts";
import { PolicyInterner } from "../../firewall/interner.ts";
import type { Rule, Ruleset } from "../../firewall/rule.ts";
import { RuleHits, type RuleTally } from "../../firewall/rule-hits.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";
import { areMany, preparing } from "./preparation.ts";

export type PoliciesEvent =
  | CommonEvent
  /** The last rules are in force for every session. */
  | { readonly kind: "rules-stand"; readonly ofReload: boolean };

/** Programs that a data plane has room for (SEMANTICS.md 1): with more of them, those that are not in use are forgotten. */
const PROGRAMS_MAX = 4_096;
/** The same for their rules. */
const RULES_MAX = 262_144;

/**
 * What each peer may do: the rules reduced to its certificate, one program for all peers that come out the same. The data plane forgets
 * programs only when every session is judged anew, so that what it has is known here and nothing is sent twice in between - whatever
 * sessions it has closed meanwhile.
 */
export class Policies implements Machine {
  readonly waitsFor = "new rules";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<PoliciesEvent>;
  readonly #programs: PolicyInterner;
  /** Those that the data plane has. */
  readonly #sent = new Set<PolicyId>();
  readonly #hits = new RuleHits();
  #classes: PeerClasses | undefined;
  /** The end of a reload is still to be told. */
  #owesReload = false;
  /** Under way: many new rules, which take the place of the old ones all at once when it is done. */
  #preparation: { readonly rules: Ruleset; readonly steps: Generator<void, PeerClasses> } | undefined;

  constructor(facts: Facts, peers: Peers, emit: Emit<PoliciesEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
    this.#programs = new PolicyInterner(readUint32(facts.entropy.bytes(4), 0));
  }

  /** The program for a session to be, which the data plane has before the session. */
  bind(peer: VerifiedCertificate): PolicyId {
    // A session that comes while new rules are prepared is not to be the only one under them.
    while (this.#preparation) this.#step();
    const program = this.#programOf(peer);
    const { policyId } = program;
    if (this.#sent.has(policyId)) return policyId;
    // Classes that came and went fill the data plane until every session is judged anew, be it by the same rules.
    const isFull = this.#programs.size > PROGRAMS_MAX || this.#programs.rules > RULES_MAX;
    if (!isFull || !this.#judgeAnew([program])) this.#apply([program], [], false);
    return policyId;
  }

  /** Judges every session anew, all at once: every flow is asked about again in the direction that opened it. */
  rebind(): void {
    this.#preparation = undefined;
    this.#judgeAnew([]);
  }

  /** A program or a session that needs one was refused: nothing is taken for known until it has been sent again. */
  refused(): void {
    this.#sent.clear();
  }

  /** What the data plane has counted. Of programs that it has forgotten meanwhile nothing is taken. */
  sampled(counters: readonly RuleCounter[]): void {
    for (const counter of counters) if (this.#sent.has(counter.policyId)) this.#hits.count(counter);
  }

  /** The rule of a program; undefined of one that is not in force any more, whose rules may have stood elsewhere. */
  ruleOf(policyId: PolicyId, direction: Direction, ruleId: number): Rule | undefined {
    return this.#sent.has(policyId) ? this.#facts.settings.live.firewall[direction][ruleId] : undefined;
  }

  /** What a rule has allowed since the last reload. */
  hitsOf(direction: Direction, ruleId: number): RuleTally {
    return this.#hits.of(direction, ruleId);
  }

  reload(): void {
    this.#owesReload = true;
    this.replace();
  }

  /** There are other rules. Few are in force at once; many are prepared in steps, so that the host goes on meanwhile. */
  replace(): void {
    const { firewall: rules, identity } = this.#facts.settings.live;
    this.#classes?.forgetPeers();
    this.#preparation = undefined;
    if (this.#facts.udpPort === undefined || this.#classes?.rules === rules || !areMany(rules)) {
      this.rebind();
      this.#stand();
      return;
    }
    const peers = Array.from(this.#peers.sessions(), ({ peer }) => peer);
    this.#preparation = { rules, steps: preparing(rules, peers, (certificate) => identity.pool.caOf(certificate)) };
  }

  stop(): void {
    this.#preparation = undefined;
    this.#sent.clear();
    this.#hits.retain(new Set());
  }

  nextAt(): Instant | undefined {
    return this.#preparation && this.#facts.now;
  }

  tick(): void {
    this.#step();
  }

  #step(): void {
    const step = this.#preparation?.steps.next();
    if (!step?.done) return;
    this.#use(step.value);
    this.rebind();
    this.#stand();
  }

  #stand(): void {
    this.#emit({ kind: "rules-stand", ofReload: this.#owesReload });
    this.#owesReload = false;
  }

  /** With one more program, only when there is room for it beside those in use. */
  #judgeAnew(besides: readonly IdentifiedProgram[]): boolean {
    const programs = new Map(besides.map((program) => [program.policyId, program]));
    const bindings = [...this.#peers.sessions()].map(({ localIndex, peer }) => {
      const program = this.#programOf(peer);
      programs.set(program.policyId, program);
      return { localIndex, policyId: program.policyId };
    });
    const left = new Set(programs.keys());
    this.#programs.retain(left);
    this.#hits.retain(left);
    const isFull = this.#programs.size > PROGRAMS_MAX || this.#programs.rules > RULES_MAX;
    if (isFull && besides.length > 0) return false;
    this.#sent.clear();
    this.#apply([...programs.values()], bindings, true);
    return true;
  }

  #apply(
    programs: readonly IdentifiedProgram[],
    bindings: readonly { readonly localIndex: LocalIndex; readonly policyId: PolicyId }[],
    raiseEpoch: boolean,
  ): void {
    const command = { kind: "apply-policies", programs, bindings, raiseEpoch } as const;
    for (const { policyId } of programs) this.#sent.add(policyId);
    this.#emit({ kind: "command", command });
  }

  #programOf(peer: VerifiedCertificate): IdentifiedProgram {
    const { firewall, identity } = this.#facts.settings.live;
    const classes = this.#classes?.rules === firewall ? this.#classes : this.#use(new PeerClasses(firewall));
    const program = classes.programOf(peer, (certificate) => identity.pool.caOf(certificate));
    return { policyId: this.#programs.idOf(program), ...program };
  }

  #use(classes: PeerClasses): PeerClasses {
    this.#classes = classes;
    this.#hits.beginAnew();
    return classes;
  }
}

import type { Certificate } from "../cert/certificate.ts";
import type { Direction, PolicyProgram, PolicyRule } from "../dataplane/contract.ts";
import type { Ruleset } from "./rule.ts";
import { RuleIndex, type Selector } from "./rule-index.ts";
import { type CaOf, peerFacts } from "./ruleset.ts";

/** Rules of programs that are kept for the next peer of their class; beyond it they are made again. */
const KEPT_RULES_MAX = 1 << 18;

/**
 * What each peer may do: the rules reduced to those that its certificate can match (protocol 9.4). What is left - protocol, port and
 * addresses - needs no certificate, so the data plane decides it alone, once per flow. Peers that the same selectors mean are one
 * class, and a class has one program, which is made once: its size costs nothing for the next peer.
 */
export class PeerClasses {
  readonly rules: Ruleset;
  readonly #index: RuleIndex;
  readonly #programs = new Map<string, PolicyProgram>();
  /** Of certificates that were asked about before: a CA pool has one object for each. */
  #known = new WeakMap<Certificate, PolicyProgram>();
  #keptRules = 0;

  constructor(rules: Ruleset, index: RuleIndex = RuleIndex.of(rules)) {
    this.rules = rules;
    this.#index = index;
  }

  /** The program of the peer's class: the same object for all of them while it is kept. Whose a peer is is asked once. */
  programOf<Peer extends Certificate>(peer: Peer, caOf: CaOf<Peer>): PolicyProgram {
    const program = this.#known.get(peer) ?? this.#ofClass(peer, caOf);
    this.#known.set(peer, program);
    return program;
  }

  /** The authorities are others: of which of them a peer is has to be asked again. */
  forgetPeers(): void {
    this.#known = new WeakMap();
  }

  #ofClass<Peer extends Certificate>(peer: Peer, caOf: CaOf<Peer>): PolicyProgram {
    const { always, named } = this.#index.meaning(peerFacts(peer, caOf));
    // Selectors that mean everybody under one condition about the CA go together, so that the condition stands for them.
    const key = `${always.map(({ id }) => id).join()}|${named.map(({ id }) => id).join()}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const selectors = always.flatMap((condition) => condition.always);
    const program = this.#compile(selectors, named);
    this.#keep(key, program);
    return program;
  }

  #keep(key: string, program: PolicyProgram): void {
    // One more for the entry itself: programs without rules are not for nothing.
    this.#keptRules += program.inbound.length + program.outbound.length + 1;
    if (this.#keptRules > KEPT_RULES_MAX) {
      this.#programs.clear();
      this.forgetPeers();
      this.#keptRules = 0;
    }
    this.#programs.set(key, program);
  }

  #compile(always: readonly Selector[], named: readonly Selector[]): PolicyProgram {
    const byName = new Set(named);
    const selectors = new Set([...always, ...named]);
    const direction = (way: Direction): PolicyRule[] => {
      const { wide, narrow } = this.#index.reduced[way];
      // The place of a rule, and in the last bit which of its forms: numbers sort at once.
      const places: number[] = [];
      for (const selector of selectors) {
        const form = selector.meansEverybody || byName.has(selector) ? 0 : 1;
        for (const at of selector[way]) places.push(2 * at + form);
      }
      return Array.from(Uint32Array.from(places).sort(), (place) => {
        const at = place >>> 1;
        return (place & 1 ? narrow[at] : wide[at]) as PolicyRule;
      });
    };
    return { inbound: direction("inbound"), outbound: direction("outbound"), refuse: this.rules.refuse };
  }
}

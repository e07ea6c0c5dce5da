import type { Agenda } from "./agenda.ts";
import type { Random } from "./random.ts";

/** The socket between control plane and data plane: in order, a little late, gone when either end dies. */
export class Channel<Message> {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #deliver: (message: Message) => void;
  #generation = 0;
  #lastArrival = 0;

  constructor(agenda: Agenda, random: Random, deliver: (message: Message) => void) {
    this.#agenda = agenda;
    this.#random = random;
    this.#deliver = deliver;
  }

  /** `stillThere` is asked on arrival: a message whose sender died on the way does not arrive. */
  send(message: Message, stillThere: () => boolean = () => true): void {
    const generation = this.#generation;
    this.#lastArrival = Math.max(this.#lastArrival, this.#agenda.now + this.#random.below(CHANNEL_DELAY_MAX_MS + 1));
    this.#agenda.at(this.#lastArrival, () => {
      if (generation === this.#generation && stillThere()) this.#deliver(message);
    });
  }

  /** The receiving end died: what is under way is lost. */
  cut(): void {
    this.#generation++;
  }

  /** The receiving end stands still until `at`; what arrives meanwhile waits. */
  holdUntil(at: number): void {
    this.#lastArrival = Math.max(this.#lastArrival, at);
  }
}

/** Longer than a busy control plane takes, short against every timer of the protocol. */
export const CHANNEL_DELAY_MAX_MS = 3;

/** Calls `ring` at the one moment it is set to, and not at those it was set to before. */
export class Alarm {
  readonly #agenda: Agenda;
  readonly #ring: () => void;
  #at: number | undefined;

  constructor(agenda: Agenda, ring: () => void) {
    this.#agenda = agenda;
    this.#ring = ring;
  }

  set(at: number | undefined): void {
    const due = at === undefined ? undefined : Math.max(Math.ceil(at), this.#agenda.now);
    if (due === this.#at) return;
    this.#at = due;
    if (due === undefined) return;
    this.#agenda.at(due, () => {
      if (this.#at !== due) return;
      this.#at = undefined;
      this.#ring();
    });
  }
}

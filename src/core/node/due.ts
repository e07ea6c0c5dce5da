import type { Instant } from "../base/time.ts";
import type { Deadline } from "../io.ts";
import type { Machine } from "../machine/machine.ts";

/** The first deadline, and whose it is. */
interface Wait {
  at: Instant | undefined;
  machine: Machine | undefined;
}

/**
 * Which machine has something to do, and when the next one has. Most inputs make nothing due: then each machine is asked once, for its deadline,
 * and that is kept as the answer to when the next input is needed. A lighthouse does this for every packet that it hears.
 */
export class Due {
  readonly #machines: readonly Machine[];
  /** Undefined: to be asked for. */
  #wait: Wait | undefined;

  constructor(machines: readonly Machine[]) {
    this.#machines = machines;
  }

  /** Everything that is due at `now`, in the order of the list; `settle` after each. What it sets for one before it waits for the next input. */
  workOff(now: Instant, settle: () => void): void {
    this.#wait = undefined;
    const wait: Wait = { at: undefined, machine: undefined };
    let isQuiet = true;
    for (const machine of this.#machines) {
      const at = machine.nextAt?.();
      if (at !== undefined && at <= now) {
        isQuiet = false;
        machine.tick?.();
        settle();
      } else note(wait, machine, at);
    }
    // What one of them did may have set the deadline of another.
    if (isQuiet) this.#wait = wait;
  }

  next(): Deadline | undefined {
    this.#wait ??= waitOf(this.#machines);
    const { at, machine } = this.#wait;
    return at === undefined ? undefined : { at, why: machine?.waitsFor ?? "" };
  }
}

function waitOf(machines: readonly Machine[]): Wait {
  const wait: Wait = { at: undefined, machine: undefined };
  for (const machine of machines) note(wait, machine, machine.nextAt?.());
  return wait;
}

function note(wait: Wait, machine: Machine, at: Instant | undefined): void {
  if (at === undefined || (wait.at !== undefined && at >= wait.at)) return;
  wait.at = at;
  wait.machine = machine;
}

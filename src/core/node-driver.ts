import type { Clock } from "./base/time.ts";
import type { Deadline, Input, Output } from "./io.ts";

/** What is driven: `Node`, or a stand-in in tests. */
export interface Driven {
  handle(input: Input, clock: Clock): void;
  poll(): Output | undefined;
  pollTimeout(): Deadline | undefined;
}

/** What a driver needs of the world, simulated or not. */
export interface DriverPorts {
  readonly clock: () => Clock;
  readonly carryOut: (output: Output) => void;
  /** Nothing is left to do until then, or until the next input. */
  readonly rest?: (deadline: Deadline | undefined) => void;
}

/**
 * The one way to drive a node: one input, then everything it wants, then the next. What an output causes at once (a data plane in the same
 * process answers before a command returns) waits for its turn.
 */
export class NodeDriver {
  readonly #node: Driven;
  readonly #ports: DriverPorts;
  readonly #inputs: Input[] = [];
  #busy = false;

  constructor(node: Driven, ports: DriverPorts) {
    this.#node = node;
    this.#ports = ports;
  }

  feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      this.#node.handle(next, this.#ports.clock());
      for (let output = this.#node.poll(); output; output = this.#node.poll()) this.#ports.carryOut(output);
    }
    this.#busy = false;
    this.#ports.rest?.(this.#node.pollTimeout());
  }
}

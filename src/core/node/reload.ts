import type { LiveSettings } from "../config/settings.ts";
import type { Parts } from "./parts.ts";
import type { NodeState } from "./state.ts";

/** New live settings in a running node. Its networks are those of before: the caller has checked. */
export class Reload {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  /**
   * Trust first: peers that are not accepted any more are cut before anything else is decided with the new settings. Then the rules, for
   * all sessions at once. A new certificate of our own is shown to each peer with the next check of its session (protocol 8.3).
   */
  apply(live: LiveSettings): void {
    this.#state.settings = { boot: this.#state.settings.boot, live };
    this.#parts.health.checkAll();
    this.#parts.policies.rebind();
    this.#parts.adoption.configure();
    this.#parts.whereabouts.replaceStatics();
    if (this.#state.udpPort !== undefined) this.#parts.whereabouts.start();
    this.#state.out.notice("info", "reloaded", "The new configuration applies.");
  }
}

import type { DataPlaneRequest } from "../contract/codec.ts";

/** From so many unanswered commands on, and until half of them are answered. */
export const SHED_FROM = 32_768;

/**
 * Decides what is left out while more is said to the data plane than comes back: what goes out as a datagram, which can be lost on its
 * way as well. A control plane that is behind reads answers behind everything else that has come, so that many unanswered
 * commands say nothing about the data plane, which moves packets as before and must not be given up for it.
 */
export class Shedding {
  #sheds = false;

  /** "begins": the first that is left out. */
  decide(kind: DataPlaneRequest["kind"], unanswered: number): "send" | "begins" | "goes on" {
    if (unanswered < SHED_FROM / 2) this.#sheds = false;
    if (!isDatagram(kind)) return "send";
    if (this.#sheds) return "goes on";
    if (unanswered < SHED_FROM) return "send";
    this.#sheds = true;
    return "begins";
  }
}

function isDatagram(kind: DataPlaneRequest["kind"]): boolean {
  return kind === "send-datagram" || kind === "seal-and-send";
}

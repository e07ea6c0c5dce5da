import type { CaptureStep } from "../../core/dataplane/contract.ts";
import type { SeenPacket } from "../../core/flow-story.ts";
import type { DataPlane } from "../dataplane/data-plane.ts";
import { CAPTURE } from "../dataplane/native/capabilities.ts";
import { OperatorError } from "../operator-error.ts";

export interface CaptureWish {
  /** In postfix notation; none means every packet. */
  readonly filter: readonly CaptureStep[];
  /** Of each packet so many bytes; 0: all. */
  readonly snapBytes: number;
}

/** Packets of the overlay for one who looks at them. A data plane that is started anew is told again. */
export class CaptureDesk {
  readonly #dataPlane: Pick<DataPlane, "command" | "describe">;
  #taker:
    | { readonly wish: CaptureWish; readonly take: (packets: readonly SeenPacket[], lost: number) => void }
    | undefined;

  constructor(dataPlane: Pick<DataPlane, "command" | "describe">) {
    this.#dataPlane = dataPlane;
  }

  /** Until the returned function is called. Throws an OperatorError where it cannot be. */
  start(wish: CaptureWish, take: (packets: readonly SeenPacket[], lost: number) => void): () => void {
    if (this.#taker) {
      throw new OperatorError("capture-taken", {
        what: "cannot capture packets",
        why: "somebody does already, and packets go to one at a time",
        todo: "wait until that is over",
      });
    }
    const { state, capabilities } = this.#dataPlane.describe();
    if (state !== "up" || !capabilities.includes(CAPTURE)) {
      throw new OperatorError("capture-unsupported", {
        what: "cannot capture packets",
        why: "the data plane does not run, or is of a version that shows none",
        todo: "see: lacis status",
      });
    }
    const taker = { wish, take };
    this.#taker = taker;
    this.#begin();
    return () => {
      if (this.#taker !== taker) return;
      this.#taker = undefined;
      this.#dataPlane.command({ kind: "stop-capture" });
    };
  }

  heard(packets: readonly SeenPacket[], lost: number): void {
    this.#taker?.take(packets, lost);
  }

  dataPlaneIsUp(): void {
    if (this.#taker) this.#begin();
  }

  #begin(): void {
    if (this.#taker) this.#dataPlane.command({ kind: "start-capture", ...this.#taker.wish });
  }
}

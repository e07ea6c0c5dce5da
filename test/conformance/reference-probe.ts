import { toHex } from "../../src/core/base/bytes.ts";
import { instant } from "../../src/core/base/time.ts";
import { type DataPlaneOutput, ReferenceDataPlane } from "../../src/core/dataplane/reference/reference-data-plane.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { joinedFlows, observedEvent, observedFlows, observedSample, observedSnapshot } from "./observed.ts";
import type { DataPlaneProbe, Observed, Step } from "./step.ts";

/** The readable data plane, in this process. */
export class ReferenceProbe implements DataPlaneProbe {
  readonly #plane = new ReferenceDataPlane(nodeSuite);
  #now = instant(0);

  async apply(steps: readonly Step[]): Promise<readonly (readonly Observed[])[]> {
    return steps.map((step) => this.#apply(step));
  }

  async close(): Promise<void> {}

  #apply(step: Step): readonly Observed[] {
    switch (step.do) {
      case "command":
        this.#plane.command(step.command, this.#now);
        break;
      case "tun":
        this.#plane.fromTun(new Uint8Array(step.packet), this.#now);
        break;
      case "udp":
        this.#plane.fromUdp(step.source, new Uint8Array(step.datagram), this.#now);
        break;
      case "advance":
        this.#now = instant(step.to);
        this.#plane.tick(this.#now);
        break;
      case "snapshot":
        return [observedSnapshot(this.#plane.snapshot(), this.#plane.relays())];
    }
    const observed: Observed[] = [];
    for (let output = this.#plane.poll(); output; output = this.#plane.poll()) observed.push(observe(output));
    return joinedFlows(observed);
  }
}

function observe(output: DataPlaneOutput): Observed {
  if (output.to === "udp") return { out: "udp", to: output.endpoint, datagram: toHex(output.datagram) };
  if (output.to === "tun") return { out: "tun", packet: toHex(output.packet) };
  const { event } = output;
  if (event.kind === "command-failed") return { out: "refused", code: event.code };
  if (event.kind === "flows") return observedFlows(event.flows);
  return event.kind === "sampled" ? observedSample(event) : observedEvent(event);
}

import type { Instant } from "../../../src/core/base/time.ts";
import type { DataPlaneCommand, SessionSnapshot } from "../../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { PacketType } from "../../../src/core/wire/header.ts";
import { realParts } from "../cast/parts.ts";
import { innerOf } from "../judge/relaying.ts";
import type { ControlPlane, DataPlane, DataPlaneOutput, Parts } from "../world/host.ts";
import { commanding } from "./wrong-hosts.ts";

// Hosts that are wrong on purpose in what they do about relays.

/** Says nothing about a relayed way a second time, whoever has lost his half of it. */
export function askingRelaysOnce(): Parts {
  return {
    ...realParts,
    control: (...args): ControlPlane => {
      const said = new Set<string>();
      const isNew = (command: DataPlaneCommand): boolean => {
        if (command.kind !== "seal-and-send" || command.type !== PacketType.control) return true;
        // Type, index and ends, in a session that may be another one.
        const words = command.body.join();
        const isSaid = said.has(words);
        said.add(words);
        return !isSaid && said.size <= 2;
      };
      return commanding((command) => (isNew(command) ? [command] : [])).control(...args);
    },
  };
}

/** Each frame that goes on leaves twice. */
export function forwardingTwice(): Parts {
  return { ...realParts, dataPlane: (suite) => new Echoing(realParts.dataPlane(suite)) };
}

class Echoing implements DataPlane {
  readonly #honest: DataPlane;
  readonly #again: DataPlaneOutput[] = [];

  constructor(honest: DataPlane) {
    this.#honest = honest;
  }

  command(command: DataPlaneCommand, now: Instant): void {
    this.#honest.command(command, now);
  }

  fromTun(packet: Uint8Array, now: Instant): void {
    this.#honest.fromTun(packet, now);
  }

  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void {
    this.#honest.fromUdp(source, datagram, now);
  }

  tick(now: Instant): void {
    this.#honest.tick(now);
  }

  poll(): DataPlaneOutput | undefined {
    const repeated = this.#again.shift();
    if (repeated) return repeated;
    const output = this.#honest.poll();
    if (output?.to === "udp" && innerOf(output.datagram)) this.#again.push(output);
    return output;
  }

  pollTimeout(): Instant | undefined {
    return this.#honest.pollTimeout();
  }

  snapshot(): readonly SessionSnapshot[] {
    return this.#honest.snapshot();
  }
}

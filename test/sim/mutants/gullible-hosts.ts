import type { Clock } from "../../../src/core/base/time.ts";
import type { LocalIndex } from "../../../src/core/dataplane/contract.ts";
import type { Deadline, Input, Output } from "../../../src/core/io.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { endpointOf } from "../../../src/core/path/path.ts";
import { decodeHeader, PacketType } from "../../../src/core/wire/header.ts";
import { realParts } from "../cast/parts.ts";
import type { ControlPlane, Parts } from "../world/host.ts";

// Hosts that let somebody decide who has proved nothing.

/** After a bad answer it hears no other one from the same place. */
export function deafAfterBadAnswer(): Parts {
  return gullible((bad) => ({
    hears: (input) => {
      if (input.kind !== "data-plane" || input.event.kind !== "datagram") return true;
      const source = endpointOf(input.event.origin);
      return !isHandshake(input.event.datagram, 2n) || source === undefined || !bad.has(source);
    },
  }));
}

/** After a bad answer it never calls the same place again. */
export function sulkingAfterBadAnswer(): Parts {
  return gullible((bad) => ({
    says: (output) => {
      if (output.to !== "data-plane" || output.command.kind !== "send-datagram") return [output];
      const to = endpointOf(output.command.to);
      return isHandshake(output.command.datagram, 1n) && to !== undefined && bad.has(to) ? [] : [output];
    },
  }));
}

/** A recv_error ends the session that it names. */
export function endingForRecvErrors(): Parts {
  return gullible(() => {
    const sessions = new Map<number, LocalIndex>();
    let doomed: LocalIndex | undefined;
    return {
      hears: (input) => {
        if (input.kind !== "data-plane" || input.event.kind !== "datagram") return true;
        const header = decodeHeader(input.event.datagram);
        if (header.ok && header.value.type === PacketType.recvError) doomed = sessions.get(header.value.remoteIndex);
        return true;
      },
      says: (output) => {
        if (output.to === "data-plane" && output.command.kind === "install-session")
          sessions.set(output.command.remoteIndex, output.command.localIndex);
        if (doomed === undefined) return [output];
        const command = { kind: "remove-session", localIndex: doomed, sendClose: false } as const;
        doomed = undefined;
        return [output, { to: "data-plane", command }];
      },
    };
  });
}

interface Weakness {
  readonly hears?: (input: Input) => boolean;
  readonly says?: (output: Output) => readonly Output[];
}

/** Each control plane gets a weakness of its own, and a list of places where a bad answer seemed to come from. */
function gullible(weakness: (bad: ReadonlySet<Endpoint>) => Weakness): Parts {
  return { ...realParts, control: (...args) => new Gullible(realParts.control(...args), weakness) };
}

class Gullible implements ControlPlane {
  readonly #honest: ControlPlane;
  readonly #bad = new Set<Endpoint>();
  readonly #weakness: Weakness;
  readonly #outputs: Output[] = [];

  constructor(honest: ControlPlane, weakness: (bad: ReadonlySet<Endpoint>) => Weakness) {
    this.#honest = honest;
    this.#weakness = weakness(this.#bad);
  }

  handle(input: Input, clock: Clock): void {
    if (this.#weakness.hears?.(input) ?? true) this.#honest.handle(input, clock);
    for (let output = this.#honest.poll(); output; output = this.#honest.poll()) {
      if (output.to === "operator" && isBadAnswer(output.event)) this.#bad.add(output.event.endpoint as Endpoint);
      this.#outputs.push(...(this.#weakness.says?.(output) ?? [output]));
    }
  }

  poll(): Output | undefined {
    return this.#outputs.shift();
  }

  pollTimeout(): Deadline | undefined {
    return this.#honest.pollTimeout();
  }
}

type OperatorEvent = Extract<Output, { to: "operator" }>["event"];
type BadAnswer = Extract<OperatorEvent, { code: "wrong-responder" | "handshake-refused" }>;

function isBadAnswer(event: OperatorEvent): event is BadAnswer {
  return event.code === "wrong-responder" || (event.code === "handshake-refused" && event.address !== undefined);
}

function isHandshake(datagram: Uint8Array, counter: bigint): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === counter;
}

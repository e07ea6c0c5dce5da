import type { DataPlaneCommand } from "../../../src/core/dataplane/contract.ts";
import { decodeHeader, HEADER_BYTES, MessageSubtype, PacketType, TAG_BYTES } from "../../../src/core/wire/header.ts";
import { Violation } from "./violation.ts";

/**
 * Frames through relays. Holds that whoever forwards sends a packet on as often at most as it was sent to it, however often somebody on the way
 * repeats that (reliability R40), and as it came.
 */
export class Relaying {
  /** By host and packet inside: the headers of the frames that it came in. */
  readonly #received = new Map<string, Set<string>>();
  readonly #sent = new Map<string, number>();
  /** Hosts that forward. To others somebody on the way may throw back what they said themselves. */
  readonly #relays = new Set<string>();

  commanded(host: string, command: DataPlaneCommand): void {
    if (command.kind === "set-relay" && command.role.kind === "forward") this.#relays.add(host);
  }

  received(host: string, datagram: Uint8Array): void {
    const inner = this.#relays.has(host) ? innerOf(datagram) : undefined;
    if (!inner) return;
    const key = `${host} ${text(inner)}`;
    this.#received.set(key, (this.#received.get(key) ?? new Set()).add(text(datagram.subarray(0, HEADER_BYTES))));
  }

  sent(host: string, datagram: Uint8Array): void {
    const inner = innerOf(datagram);
    const key = inner && `${host} ${text(inner)}`;
    const came = key === undefined ? undefined : this.#received.get(key);
    if (key === undefined || !came) return;
    const times = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, times);
    if (times > came.size)
      throw new Violation(`${host} forwarded a packet ${times} times that was sent to it ${came.size} times`);
  }
}

/** The packet in a frame for a relay or from one. */
export function innerOf(datagram: Uint8Array): Uint8Array | undefined {
  const header = decodeHeader(datagram);
  if (!header.ok || header.value.type !== PacketType.message || header.value.subtype !== MessageSubtype.relay)
    return undefined;
  return datagram.subarray(HEADER_BYTES, -TAG_BYTES);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

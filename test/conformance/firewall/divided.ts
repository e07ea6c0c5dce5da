import type { ModelPacket } from "./model.ts";

/** A part of a divided packet: which of its bytes, and whether more follow. */
export interface ModelPart {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly more: boolean;
}

interface Divided {
  readonly since: number;
  first: ModelPacket | undefined;
  readonly gone: ModelPart[];
  isSpoiled: boolean;
}

/** The rest of the model: what section 4.4 says about divided packets, but for how much is remembered of them. */
export class DividedPackets {
  readonly #remembered = new Map<string, Divided>();

  /** A part has come. Returned is the packet whose flow it has; undefined when nobody knows. */
  came(packet: ModelPacket, part: ModelPart, owner: number, now: number): ModelPacket | undefined {
    const key = keyOf(packet, part, owner);
    let divided = this.#remembered.get(key);
    if (divided && now - divided.since >= (packet.local.includes(":") ? 60_000 : 30_000)) divided = undefined;
    if (!divided) this.#remembered.delete(key);
    if (part.from > 0) return divided && now - divided.since < 30_000 ? divided.first : undefined;
    divided ??= { since: now, first: undefined, gone: [], isSpoiled: false };
    if (!divided.gone.some(({ from }) => from === 0)) divided.first = packet;
    this.#remembered.set(key, divided);
    return packet;
  }

  /** The rules have refused it. */
  refused(packet: ModelPacket, part: ModelPart, owner: number): void {
    const key = keyOf(packet, part, owner);
    const divided = this.#remembered.get(key);
    if (part.from === 0 && divided?.gone.length === 0) this.#remembered.delete(key);
  }

  /** The rules have allowed it: whether it goes on. */
  goesOn(packet: ModelPacket, part: ModelPart, owner: number, now: number): boolean {
    const key = keyOf(packet, part, owner);
    const divided = this.#remembered.get(key) ?? { since: now, first: undefined, gone: [], isSpoiled: false };
    const { gone } = divided;
    const end = gone.find(({ more }) => !more)?.to;
    const overlaps =
      gone.some(({ from, to }) => part.from < to && from < part.to) ||
      (end !== undefined && (part.to > end || !part.more)) ||
      (!part.more && gone.some(({ to }) => to > part.to));
    if (overlaps && packet.local.includes(":")) divided.isSpoiled = true;
    if (overlaps || divided.isSpoiled) return false;
    gone.push(part);
    const bytes = gone.reduce((sum, { from, to }) => sum + to - from, 0);
    if (bytes === gone.find(({ more }) => !more)?.to) this.#remembered.delete(key);
    else this.#remembered.set(key, divided);
    return true;
  }
}

function keyOf({ way, local, remote, protocol }: ModelPacket, { id }: ModelPart, owner: number): string {
  return [way, owner, local, remote, protocol, id].join(" ");
}

/** Longer than what a handshake hashes, seals or verifies at once. */
const ROOM_BYTES = 4096;

/**
 * Memory in which bytes are put together for a library outside of JavaScript, used again for each call: an array of its own would get memory outside of the
 * heap as soon as such a library looks at it, which costs more than hashing does. Where secrets lay is wiped by who put them there.
 */
export class Room {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(ROOM_BYTES);

  /** Puts parts one behind the other. Returns where they end; undefined, and nothing is put, when there is no room for all of them. */
  put(from: number, parts: readonly Uint8Array[]): number | undefined {
    let end = from;
    for (const part of parts) end += part.length;
    if (end > ROOM_BYTES) return undefined;
    let at = from;
    for (const part of parts) {
      this.bytes.set(part, at);
      at += part.length;
    }
    return end;
  }

  /** A copy of so many bytes from there. */
  take(from: number, length: number): Uint8Array {
    const taken = new Uint8Array(length);
    for (let i = 0; i < length; i++) taken[i] = this.bytes[from + i] ?? 0;
    return taken;
  }

  /** Zeros up to there. */
  wipe(end: number): void {
    this.bytes.fill(0, 0, end);
  }
}

import { readUint16, writeUint16 } from "../../core/base/bytes.ts";
import { DATAGRAM_BYTES_MAX } from "../../core/wire/header.ts";

/** Datagrams in a stream: the length of each in two bytes, big endian, and then itself. One of length 0 is only a sign of life. */
export const LENGTH_BYTES = 2;

export function frameOf(datagram: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + datagram.length);
  writeUint16(frame, 0, datagram.length);
  frame.set(datagram, LENGTH_BYTES);
  return frame;
}

/** Takes a stream apart again. It never holds more than one datagram and one piece of the stream. */
export class Deframer {
  #rest: Uint8Array = new Uint8Array(0);

  /** The datagrams that these bytes complete; undefined, and the stream is of no use any more, when one is longer than any is. */
  push(bytes: Uint8Array): readonly Uint8Array[] | undefined {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const datagrams: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const length = readUint16(all, at);
      if (length > DATAGRAM_BYTES_MAX) return undefined;
      const end = at + LENGTH_BYTES + length;
      if (end > all.length) break;
      datagrams.push(all.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#rest = all.subarray(at);
    return datagrams;
  }
}

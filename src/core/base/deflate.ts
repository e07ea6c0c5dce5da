import { deflateSync, Inflate } from "fflate";
import { concatBytes } from "./bytes.ts";

/** What goes into the inflater at once: it makes a thousand times as much of it at most, and then the limit is looked at. */
const CHUNK_BYTES = 1_024;

/** DEFLATE (RFC 1951). */
export function deflated(bytes: Uint8Array): Uint8Array {
  return deflateSync(bytes);
}

/** The bytes that were deflated, exactly so many; undefined when these are none, or others. Never makes more than a megabyte beyond that. */
export function inflated(deflated: Uint8Array, length: number): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let size = 0;
  let isEnded = false;
  const inflate = new Inflate((part, isLast) => {
    parts.push(part);
    size += part.length;
    isEnded = isLast;
  });
  try {
    for (let at = 0; at < deflated.length && size <= length; at += CHUNK_BYTES) {
      const end = at + CHUNK_BYTES;
      inflate.push(deflated.subarray(at, end), end >= deflated.length);
    }
  } catch {
    // Whoever has sent it made it up.
    return undefined;
  }
  return isEnded && size === length ? concatBytes(...parts) : undefined;
}

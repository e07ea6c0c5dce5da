import crypto from "node:crypto";
import { concatBytes } from "../core/base/bytes.ts";

// SHA-256 and HMAC of the daemon's suite. A handshake hashes three dozen times, mostly less than 100 bytes: the objects of a `Hmac`, and memory outside
// of the heap for each array that goes in and each Buffer that comes out, took several times as long as the hashing. So what is hashed is put together in
// memory that is used again, and a digest comes out as text of one byte a character.

const DIGEST_BYTES = 32;
/** Of SHA-256: HMAC puts a padded key of this length before what it authenticates (RFC 2104). */
const BLOCK_BYTES = 64;
/** Longer messages than handshakes have are put together in memory of their own. */
const ROOM_BYTES = 2048;

const room = Buffer.allocUnsafeSlow(ROOM_BYTES);
const outer = Buffer.allocUnsafeSlow(BLOCK_BYTES + DIGEST_BYTES);

/** SHA-256 over the concatenation of the parts. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const end = placed(parts, 0);
  return bytesOf(digestOf(end === undefined ? concatBytes(...parts) : room.subarray(0, end)));
}

/** HMAC-SHA-256 over the concatenation of the parts. No copy of the key is left behind here. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const end = key.length > BLOCK_BYTES ? undefined : placed(parts, BLOCK_BYTES);
  if (end === undefined) return byLibrary(key, parts);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = key[i] ?? 0;
    room[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  outer.write(digestOf(room.subarray(0, end)), BLOCK_BYTES, "latin1");
  const mac = bytesOf(digestOf(outer));
  room.fill(0, 0, end);
  outer.fill(0);
  return mac;
}

function byLibrary(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = crypto.createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return Uint8Array.from(hmac.digest());
}

/** Puts the parts one behind the other, from this place on. Returns where they end; undefined when there is no room for them. */
function placed(parts: readonly Uint8Array[], from: number): number | undefined {
  let end = from;
  for (const part of parts) {
    if (end + part.length > ROOM_BYTES) return undefined;
    room.set(part, end);
    end += part.length;
  }
  return end;
}

function digestOf(bytes: Uint8Array): string {
  return crypto.hash("sha256", bytes, "binary");
}

function bytesOf(digest: string): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) bytes[i] = digest.charCodeAt(i);
  return bytes;
}

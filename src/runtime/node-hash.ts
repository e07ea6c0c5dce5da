import crypto from "node:crypto";
import { concatBytes } from "../core/base/bytes.ts";

// SHA-256 and HMAC of the daemon's suite. A handshake hashes three dozen times, mostly less than 100 bytes: memory outside of the heap for each array that
// goes in and each Buffer that comes out took longer than the hashing. So what is hashed is put together in memory that is used again, and a digest comes
// out as text of one byte a character.

const DIGEST_BYTES = 32;
/** What HKDF keys its HMACs with; other keys are given as they are. */
const KEY_BYTES = 32;
/** Longer messages than handshakes have are put together in memory of their own. */
const ROOM_BYTES = 2048;

const room = Buffer.allocUnsafeSlow(ROOM_BYTES);
const keyRoom = Buffer.allocUnsafeSlow(KEY_BYTES);

/** SHA-256 over the concatenation of the parts. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const end = placed(parts);
  return bytesOf(crypto.hash("sha256", end === undefined ? concatBytes(...parts) : room.subarray(0, end), "binary"));
}

/** HMAC-SHA-256 over the concatenation of the parts. No copy of the key or of a message is left behind here. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = crypto.createHmac("sha256", lent(key));
  keyRoom.fill(0);
  const end = placed(parts);
  if (end === undefined) for (const part of parts) hmac.update(part);
  else hmac.update(room.subarray(0, end));
  const mac = bytesOf(hmac.digest("binary"));
  room.fill(0, 0, end);
  return mac;
}

/** A key until it has been taken. */
function lent(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) return key;
  keyRoom.set(key);
  return keyRoom;
}

/** Puts the parts one behind the other. Returns where they end; undefined when there is no room for them. */
function placed(parts: readonly Uint8Array[]): number | undefined {
  let end = 0;
  for (const part of parts) {
    if (end + part.length > ROOM_BYTES) return undefined;
    room.set(part, end);
    end += part.length;
  }
  return end;
}

function bytesOf(digest: string): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) bytes[i] = digest.charCodeAt(i);
  return bytes;
}

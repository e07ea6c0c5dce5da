import crypto from "node:crypto";
import { concatBytes } from "../core/base/bytes.ts";
import { Room } from "./crypto/room.ts";

// SHA-256 and HMAC of OpenSSL's suite. A handshake hashes three dozen times, mostly less than 100 bytes: memory outside of the heap for each array that
// goes in and each Buffer that comes out took longer than the hashing. So what is hashed is put together in memory that is used again, and a digest comes
// out as text of one byte a character.

const DIGEST_BYTES = 32;
/** What HKDF keys its HMACs with; other keys are given as they are. */
const KEY_BYTES = 32;
const room = new Room();
const keyRoom = Buffer.allocUnsafeSlow(KEY_BYTES);

/** SHA-256 over the concatenation of the parts. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const end = room.put(0, parts);
  return bytesOf(
    crypto.hash("sha256", end === undefined ? concatBytes(...parts) : room.bytes.subarray(0, end), "binary"),
  );
}

/** HMAC-SHA-256 over the concatenation of the parts. No copy of the key or of a message is left behind here. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = crypto.createHmac("sha256", lent(key));
  keyRoom.fill(0);
  const end = room.put(0, parts);
  if (end === undefined) for (const part of parts) hmac.update(part);
  else hmac.update(room.bytes.subarray(0, end));
  const mac = bytesOf(hmac.digest("binary"));
  room.wipe(end ?? 0);
  return mac;
}

/** A key until it has been taken. */
function lent(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) return key;
  keyRoom.set(key);
  return keyRoom;
}

function bytesOf(digest: string): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) bytes[i] = digest.charCodeAt(i);
  return bytes;
}

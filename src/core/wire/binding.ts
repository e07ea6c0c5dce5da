import { readUint16, readUint64, writeUint16, writeUint64 } from "../base/bytes.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { PATH_TOKEN_BYTES } from "./header.ts";
import { addressFromHalves, halvesOf } from "./overlay-address.ts";

// The body of a binding reply, and the length of a request, of which only the token is read:
//
//   0      16                        32    34
//   token  address (IPv4 is mapped)  port  (big endian)

/** Length of both: nobody gets more than he sends. */
export const BINDING_BYTES = 34;

/** From where a peer saw a question of ours come (the words of RFC 8489): a translator may show each place another one. */
export interface Binding {
  /** That of the question, 16 bytes. */
  readonly token: Uint8Array;
  readonly seenAt: Endpoint;
}

/** The bytes of a reply. */
export function encodeBinding({ token, seenAt }: Binding): Uint8Array {
  const bytes = new Uint8Array(BINDING_BYTES);
  const { hi, lo } = halvesOf(endpointAddress(seenAt));
  bytes.set(token.subarray(0, PATH_TOKEN_BYTES));
  writeUint64(bytes, PATH_TOKEN_BYTES, hi);
  writeUint64(bytes, PATH_TOKEN_BYTES + 8, lo);
  writeUint16(bytes, PATH_TOKEN_BYTES + 16, endpointPort(seenAt));
  return bytes;
}

/** The bytes of a request: as long as its reply. */
export function bindingRequest(token: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BINDING_BYTES);
  bytes.set(token.subarray(0, PATH_TOKEN_BYTES));
  return bytes;
}

/** Undefined when it is no reply. Whether the place can be one is for the reader to see. */
export function decodeBinding(bytes: Uint8Array): Binding | undefined {
  if (bytes.length !== BINDING_BYTES) return undefined;
  const address = addressFromHalves(readUint64(bytes, PATH_TOKEN_BYTES), readUint64(bytes, PATH_TOKEN_BYTES + 8));
  if (address === undefined) return undefined;
  const seenAt = endpoint(address, readUint16(bytes, PATH_TOKEN_BYTES + 16));
  return { token: bytes.subarray(0, PATH_TOKEN_BYTES), seenAt };
}

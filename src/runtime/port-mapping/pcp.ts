import { equalBytes, readUint16, readUint32, writeUint16, writeUint32 } from "../../core/base/bytes.ts";
import { addressBytes, addressFromBytes, type IpAddress } from "../../core/netip/address.ts";
import type { MappingAnswer, MappingRequest } from "./answer.ts";

// The Port Control Protocol (RFC 6887), as much of it as one UDP mapping needs.

const VERSION = 2;
const MAP = 1;
const RESPONSE = 0x80;
const UDP = 17;
const HEADER_BYTES = 24;
const MAP_BYTES = HEADER_BYTES + 36;
/** No message is longer (RFC 6887, 7). */
const MESSAGE_BYTES_MAX = 1_100;

/** Result codes that mean something else than a plain refusal (RFC 6887, 7.4). */
const Result = { success: 0, unsupportedVersion: 1, addressMismatch: 12 } as const;

/** The bytes that ask for a mapping; a lifetime of 0 gives it back. */
export function encodePcpRequest({ nonce, client, internalPort, externalPort, lifetimeS }: MappingRequest): Uint8Array {
  const bytes = new Uint8Array(MAP_BYTES);
  bytes[0] = VERSION;
  bytes[1] = MAP;
  writeUint32(bytes, 4, lifetimeS);
  bytes.set(mapped(client), 8);
  bytes.set(nonce, HEADER_BYTES);
  bytes[HEADER_BYTES + 12] = UDP;
  writeUint16(bytes, HEADER_BYTES + 16, internalPort);
  writeUint16(bytes, HEADER_BYTES + 18, externalPort);
  bytes.set(mapped("0.0.0.0" as IpAddress), HEADER_BYTES + 20);
  return bytes;
}

/** What a router has answered; undefined when it is an answer to something else. */
export function decodePcpAnswer(bytes: Uint8Array, request: MappingRequest): MappingAnswer | undefined {
  const [version = 0, opcode = 0, , code = 0] = bytes;
  // A router that speaks NAT-PMP only says so in the form of that protocol (RFC 6886, 3.5).
  if (version === 0 && bytes.length >= 8 && opcode >= RESPONSE) return { kind: "other-version" };
  if (version !== VERSION || bytes.length < HEADER_BYTES || bytes.length > MESSAGE_BYTES_MAX || bytes.length % 4 !== 0)
    return { kind: "nonsense", why: "malformed" };
  if (opcode !== (RESPONSE | MAP)) return undefined;
  if (code === Result.unsupportedVersion) return { kind: "other-version" };
  if (code === Result.addressMismatch) return { kind: "nonsense", why: "another-translator-between" };
  if (code !== Result.success) return { kind: "refused", code };
  if (bytes.length < MAP_BYTES) return { kind: "nonsense", why: "malformed" };
  if (!equalBytes(request.nonce, bytes.subarray(HEADER_BYTES, HEADER_BYTES + request.nonce.length))) return undefined;
  if (bytes[HEADER_BYTES + 12] !== UDP || readUint16(bytes, HEADER_BYTES + 16) !== request.internalPort)
    return { kind: "nonsense", why: "another-mapping" };
  const external = addressFromBytes(bytes.subarray(HEADER_BYTES + 20, MAP_BYTES));
  return {
    kind: "granted",
    external,
    externalPort: readUint16(bytes, HEADER_BYTES + 18),
    lifetimeS: readUint32(bytes, 4),
  };
}

function mapped(address: IpAddress): Uint8Array {
  const bytes = addressBytes(address);
  if (bytes.length === 16) return bytes;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

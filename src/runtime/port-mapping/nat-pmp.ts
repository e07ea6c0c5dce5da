import { readUint16, readUint32, writeUint16, writeUint32 } from "../../core/base/bytes.ts";
import { addressFromBytes, type IpAddress } from "../../core/netip/address.ts";
import type { MappingAnswer, MappingRequest } from "./answer.ts";

// The NAT Port Mapping Protocol (RFC 6886).

const VERSION = 0;
const Operation = { address: 0, mapUdp: 1 } as const;
const RESPONSE = 128;
const ADDRESS_BYTES = 12;
const MAPPING_BYTES = 16;

/** The bytes that ask for the address outside. */
export const ADDRESS_QUESTION: Uint8Array = Uint8Array.of(VERSION, Operation.address);

/** The bytes that ask for a mapping; a lifetime of 0 gives it back. */
export function encodeNatPmpRequest({ internalPort, externalPort, lifetimeS }: MappingRequest): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[1] = Operation.mapUdp;
  writeUint16(bytes, 4, internalPort);
  writeUint16(bytes, 6, lifetimeS === 0 ? 0 : externalPort);
  writeUint32(bytes, 8, lifetimeS);
  return bytes;
}

/** The address outside, or what is wrong; undefined when it is an answer to something else. */
export function decodeNatPmpAddress(bytes: Uint8Array): { readonly address: IpAddress } | MappingAnswer | undefined {
  const answer = beginningOf(bytes, Operation.address);
  if (answer !== "fine") return answer;
  const address = bytes.length < ADDRESS_BYTES ? undefined : addressFromBytes(bytes.subarray(8, ADDRESS_BYTES));
  return address === undefined ? { kind: "nonsense", why: "malformed" } : { address };
}

/** The mapping, whose address outside comes with another answer; undefined when it is an answer to something else. */
export function decodeNatPmpMapping(bytes: Uint8Array, request: MappingRequest): MappingAnswer | undefined {
  const answer = beginningOf(bytes, Operation.mapUdp);
  if (answer !== "fine") return answer;
  if (bytes.length < MAPPING_BYTES) return { kind: "nonsense", why: "malformed" };
  if (readUint16(bytes, 8) !== request.internalPort) return { kind: "nonsense", why: "another-mapping" };
  return {
    kind: "granted",
    external: undefined,
    externalPort: readUint16(bytes, 10),
    lifetimeS: readUint32(bytes, 12),
  };
}

function beginningOf(bytes: Uint8Array, operation: number): "fine" | MappingAnswer | undefined {
  const [version, opcode] = bytes;
  if (bytes.length < 8 || version !== VERSION) return { kind: "nonsense", why: "malformed" };
  if (opcode !== RESPONSE + operation) return undefined;
  const code = readUint16(bytes, 2);
  return code === 0 ? "fine" : { kind: "refused", code };
}

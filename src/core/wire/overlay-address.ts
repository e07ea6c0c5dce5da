import { readUint32, readUint64, writeUint64 } from "../base/bytes.ts";
import { addressBytes, addressFromBytes, type IpAddress, v4Number } from "../netip/address.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// Overlay addresses as messages between hosts carry them: a number in dialect 1, which knows IPv4 only, an `Addr` in dialect 2 (protocol 5.1).

/** Addr: the 16 bytes in two halves; IPv4 travels IPv4-mapped. Undefined when it is malformed. */
export function decodeAddress(bytes: Uint8Array): IpAddress | undefined {
  const reader = new ProtobufReader(bytes);
  let hi = 0n;
  let lo = 0n;
  while (reader.next()) {
    if (reader.field === 1) hi = reader.uint64();
    else if (reader.field === 2) lo = reader.uint64();
  }
  return reader.failed ? undefined : addressFromHalves(hi, lo);
}

/** The same, written. */
export function encodeAddress(address: IpAddress): Uint8Array {
  const { hi, lo } = halvesOf(address);
  return new ProtobufWriter().varint(1, hi).varint(2, lo).finish();
}

/** Whether it can be somebody's: the unspecified address stands for a missing one. */
export function isUsable(address: IpAddress | undefined): address is IpAddress {
  return address !== undefined && address !== "0.0.0.0" && address !== "::";
}

/** Only for IPv4 addresses. */
export function v4ToNumber(address: IpAddress): number {
  return v4Number(address) ?? 0;
}

export function addressFromHalves(hi: bigint, lo: bigint): IpAddress | undefined {
  const bytes = new Uint8Array(16);
  writeUint64(bytes, 0, hi);
  writeUint64(bytes, 8, lo);
  return addressFromBytes(bytes);
}

export function halvesOf(address: IpAddress): { readonly hi: bigint; readonly lo: bigint } {
  const bytes = addressBytes(address);
  if (bytes.length === 4) return { hi: 0n, lo: 0xffff_0000_0000n | BigInt(readUint32(bytes, 0)) };
  return { hi: readUint64(bytes, 0), lo: readUint64(bytes, 8) };
}

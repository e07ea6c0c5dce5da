/** Sum of the 16-bit words, an odd byte padded with zero (RFC 1071). */
export function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  return total;
}

/** The checksum of what sums to this, its own field zero. */
export function checksum(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Whether a checksum that was summed along is right. */
export function isComplete(total: number): boolean {
  return checksum(total) === 0;
}

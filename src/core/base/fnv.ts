/**
 * FNV-1a, 32 bits: where both data planes must come to the same number. Anybody can find two inputs with one hash: nothing that matters may hang
 * on it.
 */
export function fnv1a(...pieces: readonly Uint8Array[]): number {
  let hash = 0x811c_9dc5;
  for (const piece of pieces) for (const byte of piece) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}

/**
 * What a frame means, as JSON that keeps what JSON has no word for: whole numbers beyond 2^53, bytes and maps. A field that is undefined
 * is left out.
 */
export function toMeaning(value: unknown): unknown {
  if (typeof value === "bigint") return { bigint: value.toString() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof Map) return { map: [...value].map(toMeaning) };
  if (Array.isArray(value)) return value.map(toMeaning);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, toMeaning(field)]));
}

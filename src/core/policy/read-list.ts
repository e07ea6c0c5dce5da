/** Of a list each item, read; undefined when one of them cannot be, or there are more than `most`. */
export function readList<Value>(
  list: unknown,
  most: number,
  read: (item: unknown) => Value | undefined,
): readonly Value[] | undefined {
  if (!Array.isArray(list) || list.length > most) return undefined;
  const values: Value[] = [];
  for (const item of list) {
    const value = read(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

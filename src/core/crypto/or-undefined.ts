/** The libraries say "no" to hostile input with an exception; a crypto suite says it with undefined. */
export function orUndefined<Value>(compute: () => Value): Value | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

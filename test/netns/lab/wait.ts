/** A condition did not come true in time. The message names what was waited for and what was seen last. */
export class DeadlineExceeded extends Error {}

/**
 * Looks at a condition until it yields something other than `undefined` or `false`, and returns that.
 *
 * @param what said when it does not happen: "the TUN device of laptop"
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T> {
  const end = performance.now() + options.withinMs;
  for (;;) {
    const seen = await condition();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() >= end) throw new DeadlineExceeded(`${what}: not within ${options.withinMs} ms`);
    await pause(options.everyMs ?? 20);
  }
}

/** For pacing and for measuring over a span of time; whoever waits *for* something uses {@link waitFor}. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Resolver } from "../../../src/runtime/resolver.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the resolver", () => {
  test("asks for the configured record types and passes literal addresses on", async () => {
    const { resolver, answers, asked } = observed(async () => ["192.0.2.1", "::ffff:192.0.2.2", "not an address"]);
    resolver.resolve("lighthouse.example");
    await vi.runAllTimersAsync();
    expect(asked).toEqual([["lighthouse.example", 4]]);
    expect(answers).toEqual([["lighthouse.example", ["192.0.2.1", "192.0.2.2"]]]);
  });

  test("says that nothing is known when the name does not resolve", async () => {
    const { resolver, answers } = observed(async () => Promise.reject(new Error("ENOTFOUND")));
    resolver.resolve("nowhere.example");
    await vi.runAllTimersAsync();
    expect(answers).toEqual([["nowhere.example", []]]);
  });

  test("answers at the timeout, and again when a slow answer comes at last", async () => {
    const { resolver, answers } = observed(
      async () => new Promise((resolve) => setTimeout(() => resolve(["192.0.2.1"]), 1_000)),
    );
    resolver.resolve("slow.example");
    await vi.advanceTimersByTimeAsync(250);
    expect(answers).toEqual([["slow.example", []]]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(answers.at(-1)).toEqual(["slow.example", ["192.0.2.1"]]);
  });

  test("asks for a name once at a time and for a bounded number of names", async () => {
    const { resolver, asked, answers } = observed(async () => new Promise(() => {}));
    for (let i = 0; i < 100; i++) resolver.resolve(`host${i}.example`);
    resolver.resolve("host0.example");
    expect(asked).toHaveLength(64);
    expect(answers).toHaveLength(36);
  });
});

function observed(lookup: () => Promise<readonly string[]>) {
  const answers: unknown[] = [];
  const asked: unknown[] = [];
  const resolver = new Resolver({
    settings: () => ({ network: "ip4", lookupTimeoutMs: 250, cadenceMs: 30_000 }),
    resolved: (name, addresses) => void answers.push([name, addresses]),
    lookup: async (name, family) => {
      asked.push([name, family]);
      return lookup();
    },
  });
  return { resolver, answers, asked };
}

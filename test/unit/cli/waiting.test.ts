import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { waiting } from "../../../src/cli/waiting.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("who waits for something", () => {
  test("is told on a terminal for what and for how long, and the line goes with the answer", async () => {
    const { written, terminal } = paper(true);
    const work = waiting("asking", later("answer", 3_500), terminal);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(await work).toBe("answer");
    expect(written).toEqual(["\r\x1b[Kasking … 1 s", "\r\x1b[Kasking … 2 s", "\r\x1b[Kasking … 3 s", "\r\x1b[K"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("sees nothing of it when the answer comes soon", async () => {
    const { written, terminal } = paper(true);
    const work = waiting("asking", later("answer", 900), terminal);
    await vi.advanceTimersByTimeAsync(900);
    await work;
    expect(written).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("finds none of it in a file", async () => {
    const { written, terminal } = paper(false);
    const work = waiting("asking", later("answer", 9_000), terminal);
    await vi.advanceTimersByTimeAsync(9_000);
    await work;
    expect(written).toEqual([]);
  });

  test("is left a clean line by a failure", async () => {
    const { written, terminal } = paper(true);
    const work = waiting("asking", failing(1_500), terminal);
    const caught = expect(work).rejects.toThrow("no");
    await vi.advanceTimersByTimeAsync(1_500);
    await caught;
    expect(written.at(-1)).toBe("\r\x1b[K");
  });
});

function paper(isTTY: boolean) {
  const written: string[] = [];
  return { written, terminal: { isTTY, write: (text: string) => void written.push(text) } };
}

async function later(value: string, ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms));
}

async function failing(ms: number): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("no")), ms));
}

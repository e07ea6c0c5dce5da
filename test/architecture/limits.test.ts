import { describe, expect, test } from "vitest";
import { describeLimits, limitsOf } from "./limits.ts";
import { sourceFiles } from "./sources.ts";

const limits = limitsOf(sourceFiles(["src", "lighthouse", "certs"], ".ts"));

describe("every limit", () => {
  test("says why it is that number", () => {
    expect(limits.filter(({ why }) => why === "").map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
  });

  test("stands in docs/LIMITS.md", async () => {
    await expect(describeLimits(limits)).toMatchFileSnapshot("../../docs/LIMITS.md");
  });

  test("is found with its comment, alone or in a block", () => {
    const text = [
      "/** Packets parked. */",
      "const PACKETS_MAX = 10_000;",
      "const ADDRESSES_MAX: number = 4 << 10;",
      "",
      "const BARE_MAX = 1;",
      "const OTHER = 2;",
    ].join("\n");
    expect(limitsOf([{ path: "a.ts", text }])).toEqual([
      { path: "a.ts", name: "PACKETS_MAX", value: "10_000", why: "Packets parked." },
      { path: "a.ts", name: "ADDRESSES_MAX", value: "4 << 10", why: "Packets parked." },
      { path: "a.ts", name: "BARE_MAX", value: "1", why: "" },
    ]);
  });
});

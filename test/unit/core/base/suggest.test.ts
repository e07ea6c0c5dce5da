import { describe, expect, test } from "vitest";
import { editDistance, nearest } from "../../../../src/core/base/suggest.ts";

describe("the nearest name", () => {
  const names = ["firewall", "lighthouse", "listen", "tunnels", "tun", "punchy"];

  test.each([
    ["firewal", "firewall"],
    ["lightouse", "lighthouse"],
    ["lisetn", "listen"],
    ["tunels", "tunnels"],
    ["Punchy", "punchy"],
    ["tunnels_of_mine", "tunnels"],
    ["list", "listen"],
  ])("to %s is %s", (word, name) => {
    expect(nearest(word, names)).toBe(name);
  });

  test.each(["foo", "x", "completely_different", ""])("to %j is none", (word) => {
    expect(nearest(word, names)).toBeUndefined();
  });

  test("is the first of equally near ones", () => {
    expect(nearest("tux", ["tun", "tub"])).toBe("tun");
  });
});

describe("the edit distance", () => {
  test.each([
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["abc", "ab", 1],
    ["abc", "xbc", 1],
    ["abcd", "badc", 2],
    ["", "ab", 2],
  ])("from %j to %j is %i", (a, b, distance) => {
    expect(editDistance(a, b, 9)).toBe(distance);
  });

  test("beyond the limit is the limit and one", () => {
    expect(editDistance("abcdef", "uvwxyz", 2)).toBe(3);
  });
});

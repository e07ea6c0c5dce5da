import { describe, expect, test } from "vitest";
import { NameIndex } from "../../../../src/runtime/dns/name-index.ts";
import { hosts } from "./hosts.ts";

describe("a name that two hosts have", () => {
  const both = [
    ["web", "10.77.0.9"],
    ["WEB", "10.77.0.3"],
  ] as const;

  test("leads to the lower address, whoever came first", () => {
    for (const order of [both, both.toReversed()]) {
      const index = new NameIndex(hosts(["lighthouse", "10.77.0.1"], ...order));
      expect(index.find("web")?.[4]).toBe("10.77.0.3");
      expect(index.shadowed.map(({ owner }) => owner)).toEqual(["10.77.0.9"]);
    }
  });

  test("leads to this host when it is one of them", () => {
    const index = new NameIndex(hosts(["web", "10.77.0.9"], ["web", "10.77.0.3"]));
    expect(index.find("web")?.[4]).toBe("10.77.0.9");
  });
});

describe("a name that is none in DNS is not published:", () => {
  test.each([
    "",
    "under_score",
    "-web",
    "web-",
    "we b",
    "größe",
    "web.",
    ".web",
    "a..b",
    "x".repeat(64),
    Array.from({ length: 5 }, () => "x".repeat(60)).join("."),
    "*.web",
    'web" TXT "x',
    "web\n",
  ])("%j", (name) => {
    const index = new NameIndex(hosts(["lighthouse", "10.77.0.1"], [name, "10.77.0.3"]));
    expect(index.unpublished).toBe(1);
    expect(index.find(name.toLowerCase())).toBeUndefined();
  });

  test("as long as DNS takes is published", () => {
    const longest = [..."abcd"].map((letter) => letter.repeat(letter === "d" ? 61 : 63)).join(".");
    expect(longest).toHaveLength(253);
    expect(new NameIndex(hosts(["x".repeat(63), "10.77.0.1"])).find("x".repeat(63))?.[4]).toBe("10.77.0.1");
    expect(new NameIndex(hosts([longest, "10.77.0.1"])).find(longest)?.[4]).toBe("10.77.0.1");
  });
});

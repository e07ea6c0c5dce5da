import { describe, expect, test } from "vitest";
import { type ConfigError, formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import type { ConfigNode } from "../../../../src/core/config/document/document.ts";
import { parseYaml } from "../../../../src/runtime/config/config-yaml.ts";

function plain(node: ConfigNode): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "scalar":
      return node.text;
    case "list":
      return node.items.map(plain);
    case "map":
      return new Map([...node.entries.values()].map(({ key, value }) => [key, plain(value)]));
  }
}

function read(text: string): unknown {
  const parsed = parseYaml("c.yml", text);
  if (!parsed.ok) throw new Error(parsed.errors.map(formatConfigError).join("\n"));
  return plain(parsed.root);
}

function errorsOf(text: string): readonly string[] {
  const parsed = parseYaml("c.yml", text);
  return parsed.ok ? [] : parsed.errors.map((error: ConfigError) => formatConfigError(error));
}

describe("a YAML file", () => {
  test("gives text as it is written, whatever YAML would make of it", () => {
    expect(read("a: '0123'\nb: \"1e3\"\nc: yes\nd: 'null'\ne: '2026-11-20'\nf: 12:30\ng: 0xZZ\nh: 1.5\n")).toEqual(
      new Map([
        ["a", "0123"],
        ["b", "1e3"],
        ["c", "yes"],
        ["d", "null"],
        ["e", "2026-11-20"],
        ["f", "12:30"],
        ["g", "0xZZ"],
        ["h", "1.5"],
      ]),
    );
  });

  test.each([
    ["0x1092", "4242"],
    ["0o10", "8"],
    ["0b11", "3"],
    ["-0x10", "-16"],
    ["1_300", "1300"],
    ["+80", "80"],
    ["!!int '42'", "42"],
    ["!!str 010", "010"],
    ["12345678901234567890e12345678901234567890", "12345678901234567890e12345678901234567890"],
  ])("writes the number %s as Nebula's reader hands it on: %s", (written, text) => {
    expect(read(`a: ${written}\n`)).toEqual(new Map([["a", text]]));
  });

  test("takes over the keys of a merged map, its own first, and of several the first", () => {
    const text =
      "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, x: 5}\nd:\n  y: 0\n  <<: [*b, *a]\ne: {'<<': 1}\n";
    const merged = read(text) as Map<string, unknown>;
    expect(merged.get("c")).toEqual(
      new Map([
        ["x", "5"],
        ["y", "2"],
      ]),
    );
    expect(merged.get("d")).toEqual(
      new Map([
        ["y", "0"],
        ["z", "4"],
        ["x", "1"],
      ]),
    );
    expect(merged.get("e")).toEqual(new Map([["<<", "1"]]));
  });

  test.each(["a:", "a: ~", "a: null", "a: NULL"])("gives nothing for %j", (text) => {
    expect(read(text)).toEqual(new Map([["a", null]]));
  });

  test("may have a byte order mark, CRLF lines, comments and block text", () => {
    expect(read("\uFEFF# comment\r\na: |\r\n  x\r\n  y\r\nb: [1, 2]\r\n")).toEqual(
      new Map<string, unknown>([
        ["a", "x\ny\n"],
        ["b", ["1", "2"]],
      ]),
    );
  });

  test("knows the place of each key and value", () => {
    const parsed = parseYaml("c.yml", "a:\n  b: 1\n");
    expect(parsed.ok && parsed.root.entries.get("a")).toMatchObject({
      keyPlace: { file: "c.yml", line: 1, column: 1 },
      value: {
        entries: new Map([["b", expect.objectContaining({ keyPlace: { file: "c.yml", line: 2, column: 3 } })]]),
      },
    });
  });

  test("follows aliases", () => {
    expect(read("a: &x [1]\nb: *x\n")).toEqual(
      new Map([
        ["a", ["1"]],
        ["b", ["1"]],
      ]),
    );
  });

  test("keeps names that every object has apart from objects", () => {
    expect(read("__proto__: {polluted: yes}\nconstructor: 1\n")).toEqual(
      new Map<string, unknown>([
        ["__proto__", new Map([["polluted", "yes"]])],
        ["constructor", "1"],
      ]),
    );
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("a YAML file is refused", () => {
  test.each([
    ["empty", "", "c.yml:1:1: the file holds no settings - write sections and keys, beginning with pki:"],
    [
      "only comments",
      "# nothing\n",
      "c.yml:1:1: the file holds no settings - write sections and keys, beginning with pki:",
    ],
    ["null", "~\n", "c.yml:1:1: the file holds no settings - write sections and keys, beginning with pki:"],
    [
      "a list",
      "- a\n",
      "c.yml:1:1: the file holds a list, not settings - write sections and keys, beginning with pki:",
    ],
    [
      "one value",
      "hello\n",
      "c.yml:1:1: the file holds one value, not settings - write sections and keys, beginning with pki:",
    ],
    [
      "with a brace that is not closed",
      "pki: { ca: a, key: b\nlisten: { port: 4242 }\n",
      "c.yml:2:1: a { or [ before this is not closed - close it with } or ], or indent what belongs into it",
    ],
    ["indented with a tab", "listen:\n\tport: 4242\n", "c.yml:2:1: a tab is used to indent - use spaces"],
    ["indented with spaces and a tab", "a:\n  - b\n  \t- c\n", "c.yml:3:3: a tab is used to indent - use spaces"],
    [
      "with a key twice",
      "a: 1\nb: 2\na: 3\n",
      "c.yml:3:1: a: the key stands twice, first in line 1 - put both into one",
    ],
    [
      "with a merge key of a list of values",
      "a: &a [1]\nc: {<<: *a}\n",
      'c.yml:2:5: a merge key ("<<") of something else than maps - write <<: *name of an anchor at a map',
    ],
    [
      "with a merge key of one value",
      "c: {<<: 1}\n",
      'c.yml:1:5: a merge key ("<<") of something else than maps - write <<: *name of an anchor at a map',
    ],
    [
      "with a number that begins with 0",
      "port: 0100\n",
      "c.yml:1:7: a number that begins with 0: 0100 is octal in YAML - write 100 without it, or put it in quotes if it is text",
    ],
    [
      "with a group that YAML takes for a fraction",
      "group: 1.10\n",
      "c.yml:1:8: a fraction or power of ten without quotes: YAML may write 1.10 differently - put it in quotes",
    ],
    [
      "with a group that YAML takes for a power of ten",
      "group: 1e3\n",
      "c.yml:1:8: a fraction or power of ten without quotes: YAML may write 1e3 differently - put it in quotes",
    ],
    [
      "with a group that YAML takes for a date",
      "group: 2026-11-20\n",
      "c.yml:1:8: a date without quotes: YAML may write 2026-11-20 differently - put it in quotes",
    ],
    ["with a second document", "a: 1\n---\nb: 2\n", "c.yml:2:1: a second document begins - remove the line ---"],
    [
      "with a tag",
      "a: !!binary 4AAA\n",
      "c.yml:1:13: tags (!name) are not supported - remove it, or put the value in quotes",
    ],
    [
      "with an alias to nothing",
      "a: *b\n",
      "c.yml:1:4: an alias (*name) without an anchor (&name) before it - put the value in quotes if it begins with a star",
    ],
    [
      "with an alias to itself",
      "a: &a [*a]\n",
      "c.yml:1:8: an alias to the value that it is part of - write the value out",
    ],
    ["with a list as key", "? [a]\n: b\n", "c.yml:1:3: a key is a list or a map - write plain keys"],
    [
      "with two values on a line",
      "a: b: c\n",
      "c.yml:1:4: a second value on one line - put it on a line of its own, or in quotes",
    ],
  ])("when it is %s", (_, text, error) => {
    expect(errorsOf(text)[0]).toBe(error);
  });

  test("with every fault that can be told apart", () => {
    expect(errorsOf("a: 1\na: 2\n<<: 1\nb: *c\n")).toHaveLength(3);
  });

  test("without repeating what may be a key", () => {
    const broken =
      "pki:\n  key: |\n  -----BEGIN NEBULA X25519 PRIVATE KEY-----\n  c2VjcmV0: c2VjcmV0: c2VjcmV0\n  -----END\n";
    expect(errorsOf(broken).join()).not.toContain("c2Vj");
  });
});

/** Every one of these has made some YAML reader run for minutes, fill the memory or die. */
describe("a hostile file is refused in good time:", () => {
  test.each<[string, string]>([
    ["a million opening brackets", "[".repeat(1 << 20)],
    ["a million levels of indentation on one line", "- ".repeat(1 << 19)],
    ["levels in levels", Array.from({ length: 1_400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
    ["maps in maps", "{a: ".repeat(1 << 18)],
    [
      "aliases that multiply",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefghij"].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghij"[i]}`).join(",")}]`).join("\n")}`,
    ],
    ["a hundred thousand keys", Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join("\n")],
    ["a million commas", `[${",".repeat(1 << 20)}]`],
    ["a million closing brackets", "]".repeat(1 << 20)],
    ["anchors on anchors", `a: ${"&a ".repeat(49_000)}`],
    ["a quote that never closes", `"${"a\n".repeat(1 << 19)}`],
    ["documents without end", "---\n".repeat(1 << 18)],
  ])("%s", (_, text) => {
    const started = performance.now();
    expect(errorsOf(text)).not.toEqual([]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

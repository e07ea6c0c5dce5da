import { describe, expect, test } from "vitest";
import { formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import { parseYaml } from "../../../../src/runtime/config/config-yaml.ts";

function errorsIn(text: string): readonly string[] {
  const outcome = parseYaml("config.yml", text);
  return outcome.ok ? [] : outcome.errors.map(formatConfigError);
}

describe("a character that only looks like punctuation is named, once:", () => {
  test.each([
    [
      "a no-break space behind a colon",
      'pki: {ca: a}\nstatic_host_map: {"10.77.0.1":\u00a0["192.0.2.1:4242"]}\nlisten: {port: 1}\nlogging: {level: info}\n',
      /^config\.yml:2:31: a space that is none for YAML \(U\+00A0\) - write an ordinary space$/,
    ],
    [
      "typographic quotes around a value",
      "logging: {level: \u201cinfo\u201d}\n",
      /^config\.yml:1:18: a typographic quote \(U\+201C\) - write " or '$/,
    ],
    [
      "typographic quotes around a key",
      "static_host_map: {\u201810.77.0.1\u2019: [a]}\n",
      /^config\.yml:1:19: a typographic quote \(U\+2018\)/,
    ],
  ])("%s", (_, text, error) => {
    expect(errorsIn(text)).toEqual([expect.stringMatching(error)]);
  });

  test("and is taken as it is inside of a text that needs no quotes, or has some", () => {
    expect(errorsIn("a: ann\u2019s laptop\nb: \"\u201cx\u201d\"\nc: 'a\u00a0b'\n")).toEqual([]);
  });
});

describe("what only follows from a syntax error is not said:", () => {
  test("one bracket too many is one error, whatever comes behind it", () => {
    const text = `pki: {ca: a}\nrelay: {relays: [a]]}\n${'listen: {host: "::"}\n'.repeat(10)}`;
    expect(errorsIn(text)).toHaveLength(1);
  });

  test("two tabs in two sections are two errors", () => {
    expect(errorsIn("a:\n\tb: 1\nc:\n\td: 1\n").filter((line) => line.includes("a tab"))).toHaveLength(2);
  });
});

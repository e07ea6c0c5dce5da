import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable, printableJson } from "../../../../src/core/base/printable.ts";

/** What readers of lines, of YAML and of terminals take for more than a character. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ["a line feed", "\n"],
  ["a carriage return", "\r"],
  ["a tab", "\t"],
  ["an escape sequence", "\u001b"],
  ["NUL", "\0"],
  ["DEL", "\u007f"],
  ["NEL, a line break of YAML 1.1", "\u0085"],
  ["CSI of C1", "\u009b"],
  ["the line separator", "\u2028"],
  ["the paragraph separator", "\u2029"],
  ["a byte order mark", "\ufeff"],
  ["right-to-left override", "\u202e"],
  ["an isolate", "\u2066"],
  ["the Arabic letter mark", "\u061c"],
  ["a zero-width space", "\u200b"],
  ["a soft hyphen", "\u00ad"],
  ["a tag character", "\u{e0041}"],
  ["half a surrogate pair", "\ud800"],
  ["what is no character", "\uffff"],
];

describe("text of others, to be written in a line, has no", () => {
  test.each(HOSTILE)("%s", (_, character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    expect(printable(`a${character}b`)).toBe(`a\\u{${code}}b`);
    const json = printableJson([`a${character}b`]);
    expect(json).not.toContain(character);
    expect(JSON.parse(json)).toEqual([`a${character}b`]);
  });

  test("but letters of every language, and signs", () => {
    const text = 'größe 東京 😀 "quoted" \\ #: אבג';
    expect(printable(text)).toBe(text);
    expect(JSON.parse(printableJson(text))).toBe(text);
  });
});

test("JSON for people keeps its layout, and means the same whatever is in it", () => {
  expect(printableJson({ a: ["\u2028"] }, { indent: "\t" })).toBe('{\n\t"a": [\n\t\t"\\u2028"\n\t]\n}');
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(printableJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

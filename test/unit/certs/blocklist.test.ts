import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type BlocklistEntries, formatBlocklist } from "../../../certs/index.ts";

/** A line of what is exported, whoever reads it: YAML 1.1, YAML 1.2 or `sed`. */
const LINE = /^(pki:| {2}blocklist:| {4}# "[ -~]*", version 1, until 2027-01-15| {4}- "(key:)?[0-9a-f]+"|)$/;
const BREAKS = /\r\n|[\n\r\u0085\u2028\u2029]/;

describe("the exported blocklist can be read by everybody, and blocks what it is to block, with a name that holds", () => {
  test.each([
    ["a line separator", "lap\u2028    - oops"],
    ["a paragraph separator", "lap\u2029oops: 1"],
    ["NEL", "lap\u0085- oops"],
    ["a line feed", 'lap\n    - "beef"'],
    ["a carriage return", "lap\roops"],
    ["a byte order mark", "\ufefflap"],
    ["an escape sequence", "lap\u001b[2K\u009b2K"],
    ["right-to-left override", "lap\u202e"],
    ["what is no character", "lap\ufffe\uffff"],
    ["half a surrogate pair", "lap\ud83d"],
    ["quotes and a comment", 'lap" # "'],
  ])("%s", (_, name) => {
    const text = formatBlocklist([entries(name)]);
    for (const line of text.split(BREAKS)) expect(line).toMatch(LINE);
    expect(parse(text)).toEqual({ pki: { blocklist: ["c0ffee", "key:abcd"] } });
  });
});

function entries(name: string): BlocklistEntries {
  return { name, version: 1, notAfter: 1_800_000_000, fingerprints: ["c0ffee"], key: "key:abcd" };
}

import { describe, expect, test } from "vitest";
import { formatEnrolment, parseEnrolment } from "../../../../src/core/enrolment/enrolment-file.ts";

const FILE = {
  network: "home",
  endpoints: ["10.77.0.1:4242", "vpn.example.org:4242", "[2001:db8::1]:4242"],
  pin: "ab".repeat(32),
  secret: "cd".repeat(32),
};

describe("what a host keeps of its enrolment", () => {
  test("is read as it was written", () => {
    expect(parseEnrolment(formatEnrolment(FILE))).toEqual({ ok: true, value: { format: 1, ...FILE } });
  });

  test.each([
    ["no JSON at all", "{", "is no JSON"],
    ["a list", "[]", "has no content that is an object"],
    ["a place that is none", JSON.stringify({ format: 1, ...FILE, endpoints: ["nowhere"] }), "endpoints[0]"],
    ["no place", JSON.stringify({ format: 1, ...FILE, endpoints: [] }), "endpoints"],
    ["a key that is too short", JSON.stringify({ format: 1, ...FILE, pin: "ab" }), "pin"],
    ["a later format", JSON.stringify({ format: 2, ...FILE }), "was written by a newer Lacis"],
  ])("is refused with %s, and nothing of it is quoted", (_, text, why) => {
    const read = parseEnrolment(text);
    expect(read.ok ? undefined : read.reason).toContain(why);
    expect(JSON.stringify(read)).not.toContain(FILE.secret);
  });
});

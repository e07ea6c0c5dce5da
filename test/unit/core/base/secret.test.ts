import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../../../src/core/base/secret.ts";

test("a secret does not print, in whatever way it is asked", () => {
  const secret = new Secret(new Uint8Array(32).fill(0x5a));
  const attempts = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
    inspect({ nested: [secret] }, { depth: 9 }),
    JSON.stringify(Object.entries(secret)),
  ];
  expect(attempts).toEqual([
    "[secret]",
    "[secret]",
    '{"secret":"[secret]"}',
    "[secret]",
    "{ nested: [ [secret] ] }",
    "[]",
  ]);
});

test("the end of its block wipes it", () => {
  const bytes = new Uint8Array(4).fill(7);
  {
    using secret = new Secret(bytes);
    expect(secret.expose()).toBe(bytes);
  }
  expect(bytes).toEqual(new Uint8Array(4));
});

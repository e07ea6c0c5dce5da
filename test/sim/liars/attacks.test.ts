import { describe, expect, test } from "vitest";
import { attacks } from "./attacks.ts";
import { verdict } from "./judge.ts";
import type { Setting } from "./scene.ts";

const settings: readonly (readonly [Setting, string])[] = [
  ["open", "in sight of each other"],
  ["home", "one behind a router"],
  ["homes", "each behind a router"],
];

for (const [setting, where] of settings) {
  describe(`fault 4: alpha and charlie, ${where}, talk within a second of what it takes alone, and little goes elsewhere, although`, () => {
    for (const attack of attacks) test(attack.although, () => expect(verdict(attack, setting)).toBeUndefined());
  });
}

import { relative } from "node:path";
import { expect, test } from "vitest";
import { chosen, Refused, readAsked } from "../../../bench/asked.ts";

test("a comparison is as long as usual, or as it is said to be", () => {
  expect(readAsked([])).toMatchObject({ rounds: 6, seconds: 3, drops: 3, only: undefined, engines: undefined });
  expect(readAsked(["--quick", "--seconds", "3"])).toMatchObject({ quick: true, rounds: 2, seconds: 3, drops: 1 });
  const named = readAsked(["--only", "chacha,rules", "--engine", `a=${process.execPath}`]);
  expect(named).toMatchObject({ only: ["chacha", "rules"], programs: [{ name: "a", path: process.execPath }] });
});

test("programs are meant as whoever types sees them, and hosts find them from folders of their own", () => {
  const path = relative(process.cwd(), process.execPath);
  const asked = readAsked(["--engine", `a=${path}`, "--null", path]);
  expect(asked).toMatchObject({ programs: [{ name: "a", path: process.execPath }], nullPath: process.execPath });
});

test.each([
  [["--onyl", "chacha"], /--onyl/],
  [["chacha"], /chacha/],
  [["--rounds", "0"], /--rounds 0 - it is no count - write 1 or more/],
  [["--seconds", "x"], /--seconds x/],
  [["--drops", "-1"], /--drops/],
  [["--engine", "nebula"], /it has no name - write NAME=PATH/],
  [["--engine", "nebula=/nowhere/at/all"], /there is no \/nowhere\/at\/all/],
  [["--null", "/nowhere/at/all"], /there is no \/nowhere\/at\/all/],
])("what would measure less than is meant is refused: %j", (args, why) => {
  expect(() => readAsked(args)).toThrow(Refused);
  expect(() => readAsked(args)).toThrow(why);
});

test("names that nobody has are refused, with those that there are", () => {
  const all = [{ name: "one" }, { name: "two" }];
  expect(chosen("--only", undefined, all)).toEqual(all);
  expect(chosen("--only", ["two"], all)).toEqual([{ name: "two" }]);
  expect(() => chosen("--only", ["two", "three"], all)).toThrow(
    "--only three - there is none of this name - write one of one, two",
  );
});

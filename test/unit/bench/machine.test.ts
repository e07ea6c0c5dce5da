import { expect, test } from "vitest";
import { parseMachine, parseUserTicks } from "../../../bench/cpu.ts";
import { parseCpuInfo } from "../../../bench/machine-facts.ts";

test("a machine is busy for whoever it works, and not while it waits for a disk or the hypervisor for itself", () => {
  const stat = "cpu  100 20 300 4000 50 6 70 80 0 0\ncpu0 1 2 3 4\n";
  expect(parseMachine(stat)).toEqual({ user: 120, busy: 496, stolen: 80, all: 4626 });
});

test("a program's time is its own and that of its children that have ended, whatever it is called", () => {
  const fields = ["S", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1100, 12, 130, 14, 15];
  expect(parseUserTicks(`7 (a) name) ${fields.join(" ")}`)).toBe(1230);
});

test("a processor says which instructions it has", () => {
  const text = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: A\nflags\t\t: fpu aes vaes\n";
  const { family, model, flags } = parseCpuInfo(text);
  expect([family, model, [...flags]]).toEqual(["25", "17", ["fpu", "aes", "vaes"]]);
});

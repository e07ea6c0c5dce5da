import { expect, test } from "vitest";
import { type Instant, instant } from "../../../../src/core/base/time.ts";
import type { Machine } from "../../../../src/core/machine/machine.ts";
import { Due } from "../../../../src/core/node/due.ts";

/** A machine with this deadline, that counts how often it is asked and told. */
class Counted implements Machine {
  readonly waitsFor: string;
  at: Instant | undefined;
  asked = 0;
  told = 0;
  does: () => void = () => {};

  constructor(waitsFor: string, at?: number) {
    this.waitsFor = waitsFor;
    this.at = at === undefined ? undefined : instant(at);
  }

  nextAt(): Instant | undefined {
    this.asked++;
    return this.at;
  }

  tick(): void {
    this.told++;
    this.at = undefined;
    this.does();
  }
}

test("when nothing is due, each machine is asked once for its deadline, and none is told to do anything", () => {
  const machines = [new Counted("a", 30), new Counted("b"), new Counted("c", 20)];
  const due = new Due(machines);
  due.workOff(instant(10), () => {});
  expect(due.next()).toEqual({ at: 20, why: "c" });
  expect(machines.map(({ asked, told }) => [asked, told])).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
});

test("what is due is done in the order of the list, and heard before the next machine's turn", () => {
  const [a, b, c] = [new Counted("a", 5), new Counted("b", 50), new Counted("c", 10)];
  const order: string[] = [];
  a.does = () => order.push("a");
  c.does = () => order.push("c");
  new Due([a, b, c]).workOff(instant(10), () => order.push("heard"));
  expect(order).toEqual(["a", "heard", "c", "heard"]);
  expect(b.told).toBe(0);
});

test("a deadline that a later machine sets for an earlier one is not overlooked", () => {
  const [a, b] = [new Counted("a"), new Counted("b", 10)];
  b.does = () => {
    a.at = instant(15);
  };
  const due = new Due([a, b]);
  due.workOff(instant(10), () => {});
  expect(due.next()).toEqual({ at: 15, why: "a" });
});

test("nobody with a deadline: there is nothing to wait for", () => {
  const due = new Due([new Counted("a")]);
  expect(due.next()).toBeUndefined();
  due.workOff(instant(10), () => {});
  expect(due.next()).toBeUndefined();
});

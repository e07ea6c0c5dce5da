import { afterEach, expect, test, vi } from "vitest";
import { AnswerCredit } from "../../src/core/machine/answers/credit.ts";
import { generator } from "./message1-forms.ts";
import { drawFrom } from "./stranger-ledger.ts";

afterEach(() => vi.restoreAllMocks());

test("100,000 datagrams that prove nothing draw no more to any address than came from there, at any moment", {
  timeout: 240_000,
}, () => {
  const { cameBytes, wentBytes, answers } = drawFrom(100_000, generator(1));
  // They did draw something.
  expect(answers).toBeGreaterThan(5_000);
  expect(wentBytes).toBeGreaterThan(cameBytes / 100);
});

test("a host that does not ask who pays is found out", () => {
  vi.spyOn(AnswerCredit.prototype, "covers").mockReturnValue(true);
  vi.spyOn(AnswerCredit.prototype, "spend").mockReturnValue(true);
  expect(() => drawFrom(100_000, generator(1))).toThrow(/more has gone/);
});

test("a host that lets the answers be paid for, and not the probes, is found out", () => {
  const { spend } = AnswerCredit.prototype;
  vi.spyOn(AnswerCredit.prototype, "spend").mockImplementation(function (this: AnswerCredit, source, bytes, now) {
    return bytes === 32 || spend.call(this, source, bytes, now);
  });
  expect(() => drawFrom(100_000, generator(1))).toThrow(/more has gone/);
});

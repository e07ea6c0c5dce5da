import { describe, expect, test } from "vitest";
import { formatGrid, shortfall } from "./grid.ts";
import { expectation, POSITIONS } from "./positions.ts";

describe("the grid of translators", () => {
  test("has each kind with and without guard, and carriers with and without hairpin", () => {
    expect(POSITIONS.map(({ name }) => name)).toEqual(
      "none full full* addr addr* port port* shift shift* sym sym* symseq symseq* carrier hairpin".split(" "),
    );
  });

  test("asks the same of a pair whoever calls", () => {
    for (const a of POSITIONS)
      for (const b of POSITIONS) expect(expectation(a.name, b.name)).toEqual(expectation(b.name, a.name));
  });

  test("says what falls short: no answer, a relay where a direct way is, a direct way where none can be, and what takes too long", () => {
    const cell = { row: "port", column: "port", firstAnswerMs: 100, directMs: 900 };
    expect(shortfall(cell)).toBeUndefined();
    expect(shortfall({ ...cell, directMs: 1_100 })).toBe("port x port: direct after 1.10 s, should be 1.00");
    expect(shortfall({ ...cell, directMs: undefined })).toBe("port x port: stays relayed, should be direct");
    expect(shortfall({ ...cell, firstAnswerMs: undefined })).toBe("port x port: never answered");
    const symmetric = { row: "sym", column: "port", firstAnswerMs: 400, directMs: undefined };
    expect(shortfall(symmetric)).toBeUndefined();
    expect(shortfall({ ...symmetric, firstAnswerMs: 600 })).toContain("first answer after 0.60 s");
    expect(shortfall({ ...symmetric, directMs: 700 })).toContain("should not allow");
    expect(shortfall({ row: "symseq", column: "port", firstAnswerMs: 100, directMs: undefined })).toContain("direct");
  });

  test("is printed with a row for each caller", () => {
    const cells = [
      { row: "none", column: "port", firstAnswerMs: 50, directMs: 310 },
      { row: "sym", column: "port", firstAnswerMs: 130, directMs: undefined },
      { row: "sym", column: "sym", firstAnswerMs: undefined, directMs: undefined },
    ];
    expect(formatGrid(cells).split("\n")).toEqual([
      "      port         sym",
      "none  0.05 d 0.31  -",
      "sym   0.13 r       NO",
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { refusal } from "./layers.ts";
import { type ImportOf, importsOf, sourceFiles } from "./sources.ts";

const program = sourceFiles(["src", "lighthouse", "certs"], ".ts");

describe("the layers", () => {
  test("hold in every file", () => {
    expect(program.map(({ path }) => path)).toContain("src/core/io.ts");
    expect(program.flatMap(importsOf).map(refusal).filter(Boolean)).toEqual([]);
  });

  test.each<[string, Partial<ImportOf>, RegExp]>([
    [
      "the core asks the operating system",
      { from: "src/core/node.ts", target: "node:fs", ours: false },
      /use Input and Output/,
    ],
    [
      "the core brings its own primitives",
      { from: "src/core/noise/ix.ts", target: "tweetnacl", ours: false },
      /CryptoSuite/,
    ],
    [
      "the core asks the runtime",
      { from: "src/core/node.ts", target: "src/runtime/clock.ts" },
      /nothing of ours outside itself/,
    ],
    [
      "a decoder calls a state machine",
      { from: "src/core/wire/header.ts", target: "src/core/peer/session.ts" },
      /floor/,
    ],
    [
      "one state machine calls another",
      { from: "src/core/machine/calls/calls.ts", target: "src/core/machine/pings/pings.ts" },
      /node\.ts/,
    ],
    ["the daemon mints certificates", { from: "src/cli/main.ts", target: "certs/issue.ts" }, /only certs/],
    [
      "the runtime plugs the lighthouse",
      { from: "src/runtime/driver.ts", target: "lighthouse/index.ts" },
      /compose in/,
    ],
    ["two files read YAML", { from: "src/cli/main.ts", target: "yaml", ours: false }, /config-yaml\.ts/],
    ["a package came in unannounced", { from: "src/cli/main.ts", target: "left-pad", ours: false }, /no home yet/],
  ])("are broken when %s", (_, imported, message) => {
    expect(refusal({ from: "", target: "", ours: true, typeOnly: false, ...imported })).toMatch(message);
  });
});

describe("an import", () => {
  test("is found in each of its forms", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b.ts";',
      'import { type C, type D } from "./c.ts";',
      'import {\n  type E,\n  f,\n} from "./e.ts";',
      'import "./g.ts";',
      'export * from "./h.ts";',
      'const i = await import("node:fs");',
      'import J, * as K from "pino";',
      '// import { l } from "./l.ts";',
    ].join("\n");
    const found = importsOf({ path: "src/core/x/y.ts", text });
    expect(found.map(({ target, typeOnly }) => [target, typeOnly])).toEqual([
      ["src/core/x/a.ts", false],
      ["src/core/b.ts", true],
      ["src/core/x/c.ts", true],
      ["src/core/x/e.ts", false],
      ["src/core/x/h.ts", false],
      ["pino", false],
      ["src/core/x/g.ts", false],
      ["node:fs", false],
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { circlesOf, describeCircle } from "./circles.ts";
import { type ImportOf, importsOf, sourceFiles } from "./sources.ts";

const imports = sourceFiles(["src", "lighthouse", "certs"], ".ts").flatMap(importsOf);

describe("no files import each other in a circle", () => {
  test("in src, lighthouse and certs", () => {
    expect(circlesOf(imports).map(describeCircle)).toEqual([]);
  });
});

describe("a circle is found", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["of two files", ["a b", "b a", "c a"], ["a -> b -> a"]],
    ["of one file", ["a a", "a b"], ["a -> a"]],
    ["by its shortest way", ["a b", "b c", "c a", "b a"], ["a -> b -> a"]],
    ["beside another", ["a b", "b a", "b c", "c d", "d c"], ["c -> d -> c", "a -> b -> a"]],
    ["nowhere in a diamond", ["a b", "a c", "b d", "c d"], []],
  ])("%s", (_, edges, circles) => {
    const graph = edges.map((edge): ImportOf => {
      const [from = "", target = ""] = edge.split(" ");
      return { from, target, ours: true, typeOnly: false };
    });
    expect(circlesOf(graph).map((circle) => describeCircle(circle).split(":")[0])).toEqual(circles);
  });

  test("through an import of a type alone", () => {
    const files = [
      { path: "src/a.ts", text: 'import type { B } from "./b.ts";' },
      { path: "src/b.ts", text: 'import { a } from "./a.ts";' },
    ];
    expect(circlesOf(files.flatMap(importsOf))).toEqual([["src/a.ts", "src/b.ts"]]);
  });
});

import { describe, expect, test } from "vitest";
import { DropReason } from "../../src/core/drop-reason.ts";
import { readRepositoryFile, type SourceFile, sourceFiles } from "./sources.ts";

const program = sourceFiles(["src", "lighthouse", "certs"], ".ts");
const typescript = [...program, ...sourceFiles(["test", "bench"], ".ts")];
const rust = sourceFiles(["native"], ".rs");
const everything = [...typescript, ...rust];

/** Past this a file holds a second idea (docs/ARCHITECTURE.md). */
const FILE_LINES_MAX = 400;

describe("the house is tidy:", () => {
  test("no file has more than 400 lines", () => {
    const long = everything.filter(({ text }) => text.split("\n").length - 1 > FILE_LINES_MAX);
    expect(
      long.map(({ path, text }) => `${path} (${text.split("\n").length - 1} lines): find its second idea`),
    ).toEqual([]);
  });

  test("no file is named utils, helpers or common", () => {
    const vague = /(^|[/_-])(utils?|helpers?|common|misc)([/_.-]|$)/;
    expect(everything.filter(({ path }) => vague.test(path)).map(({ path }) => `${path}: say what it does`)).toEqual(
      [],
    );
  });

  test("a broken promise of ours is a Fault, and what others did wrong has a type of its own", () => {
    // They make what a failed system call looks like.
    const asTheSystem = new Set(["src/runtime/files/atomic-file.ts", "certs/cli/ledger-file.ts"]);
    const elsewhere = program.filter(({ path }) => !asTheSystem.has(path));
    expect(linesMatching(elsewhere, /\bnew (Error|RangeError|TypeError|AggregateError)\(/)).toEqual([]);
  });

  test("what belongs to one operating system stands in the folder that says so", () => {
    const elsewhere = program.filter(({ path }) => !path.startsWith("src/runtime/platform/"));
    const ofLinux =
      /^(?!\s*(?:\*|\/[/*])).*(?:["'`]\/(?:proc|sys|run|etc|tmp)\/|\b(?:setcap|modprobe|dmesg|ip link|ss -))/;
    expect(linesMatching(elsewhere, ofLinux)).toEqual([]);
  });

  test("nothing is left to do later", () => {
    // The brackets keep this line from finding itself.
    expect(linesMatching(everything, /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/)).toEqual([]);
  });

  test("no value escapes the type checker", () => {
    expect(
      linesMatching(program.map(withoutText), /\bas any\b|: any\b|<any>|@ts-(ignore|expect-error|nocheck)/),
    ).toEqual([]);
  });

  test("no cast goes through unknown", () => {
    expect(linesMatching(program, /\bas unknown as\b/)).toEqual([]);
  });
});

describe("every drop reason", () => {
  const semantics = readRepositoryFile("native/contract/SEMANTICS.md");

  test("is explained in SEMANTICS.md", () => {
    expect(Object.values(DropReason).filter((reason) => !semantics.includes(`\`${reason}\``))).toEqual([]);
  });

  test("is known to the native data plane", () => {
    // Nobody drops anything for `other`: it is how a control plane takes a name that it does not know.
    const known = (reason: string): boolean =>
      reason === DropReason.other || rust.some(({ text }) => text.includes(`"${reason}"`));
    expect(Object.values(DropReason).filter((reason) => !known(reason))).toEqual([]);
  });
});

function linesMatching(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

/** Comments and quoted text say "any" all the time. */
function withoutText({ path, text }: SourceFile): SourceFile {
  return { path, text: text.replaceAll(/"[^"\n]*"|`[^`]*`|\/\*\*?.*?\*\/|\/\/.*/g, '""') };
}

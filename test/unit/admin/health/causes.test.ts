import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dropText } from "../../../../src/admin/drop-text.ts";
import { CAUSES } from "../../../../src/admin/health/causes.ts";
import { packageRoot } from "../../../../src/runtime/package-root.ts";

const text = ["admin/health", "runtime"]
  .flatMap((folder) => filesIn(join(packageRoot(), "src", folder)))
  .filter((path) => path.endsWith(".ts") && !path.endsWith("causes.ts"))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

describe("what follows from what", () => {
  test("goes in no circle", () => {
    const reaches = (from: string, to: string, seen: ReadonlySet<string> = new Set()): boolean =>
      (CAUSES[from] ?? []).some(
        (cause) => cause === to || (!seen.has(cause) && reaches(cause, to, new Set([...seen, cause]))),
      );
    expect(Object.keys(CAUSES).filter((code) => reaches(code, code))).toEqual([]);
  });

  test("is about troubles that there are", () => {
    const drops = new Set(Object.keys(dropText).map((reason) => `drop-${reason}`));
    const codes = [...Object.keys(CAUSES), ...Object.values(CAUSES).flat()];
    expect(codes.filter((code) => !drops.has(code) && !text.includes(`code: "${code}"`))).toEqual([]);
  });
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
}

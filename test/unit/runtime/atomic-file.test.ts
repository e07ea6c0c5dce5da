import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { replaceFile, writeNewFiles } from "../../../src/runtime/files/atomic-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-files-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("what was to become a file when its writer was killed", () => {
  test.each<[string, () => void]>([
    ["replaced", () => replaceFile({ file: join(folder, "host.key"), content: "new" })],
    ["written for the first time", () => writeNewFiles([{ file: join(folder, "host.key"), content: "new" }])],
  ])("is removed when that file is %s a minute later", (_, write) => {
    leave(`.host.key.${crypto.randomUUID()}`, 61);
    write();
    expect(readdirSync(folder)).toEqual(["host.key"]);
    expect(readFileSync(join(folder, "host.key"), "utf8")).toBe("new");
  });

  test("stays while somebody may be writing it, and so does what only looks like it", () => {
    const left = [
      leave(`.host.key.${crypto.randomUUID()}`, 1),
      leave(`.host.key.old.${crypto.randomUUID()}`, 3_600),
      leave(".host.key.backup", 3_600),
      leave(`.host.crt.${crypto.randomUUID()}`, 3_600),
    ];
    replaceFile({ file: join(folder, "host.key"), content: "new" });
    expect(readdirSync(folder).sort()).toEqual([...left, "host.key"].sort());
  });
});

function leave(name: string, secondsAgo: number): string {
  const path = join(folder, name);
  writeFileSync(path, "half");
  const then = Date.now() / 1_000 - secondsAgo;
  utimesSync(path, then, then);
  return name;
}

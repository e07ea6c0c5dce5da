import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as library from "../../../certs/index.ts";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = readFileSync(`${PROJECT}docs/CERTS.md`, "utf8");

describe("docs/CERTS.md", () => {
  test.skipIf(!existsSync(`${PROJECT}dist/certs/index.js`))(
    "has an example that runs as it stands (needs a build)",
    () => {
      const [, example = ""] = /```js\n(.*?)```/s.exec(PAGE) ?? [];
      const ran = spawnSync(process.execPath, ["--input-type=module", "-e", example], {
        cwd: PROJECT,
        encoding: "utf8",
      });
      expect(ran).toMatchObject({ status: 0, stdout: "true -----BEGIN NEBULA CERTIFICATE V2-----\n" });
    },
  );

  test("names functions that the library has", () => {
    const [, functions = ""] = /\| function \| what it does \|\n(.*?)\n\n/s.exec(PAGE) ?? [];
    const cells = functions.split("\n").map((row) => row.split("|")[1] ?? "");
    const names = cells.flatMap((cell) => [...cell.matchAll(/`([A-Za-z]+)(?:\(|`)/g)].map(([, name]) => name!));
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !Object.hasOwn(library, name))).toEqual([]);
  });
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

describe("a data plane that is to be released", () => {
  test("passes when it says that it encrypts", () => {
    expect(check(program(`echo '{"encrypts":true}'`))).toEqual({ code: 0, complaint: "" });
  });

  test("is refused when it says that it does not, or says nothing of it", () => {
    for (const answer of [
      `echo '{"encrypts":false}'`,
      `echo '{"version":"0.1.0"}'`,
      "echo lacis-dataplane 0.1.0",
      "exit 1",
    ])
      expect(check(program(answer))).toEqual({
        code: 1,
        complaint: expect.stringContaining("does not say that it encrypts"),
      });
  });

  test("is refused for what is in its bytes, whatever it says", () => {
    const refused = check(program(`echo '{"encrypts":true}' # NULL CIPHER, NOTHING IS ENCRYPTED`));
    expect(refused).toEqual({ code: 1, complaint: expect.stringContaining("encrypts nothing: build it with") });
  });
});

const folder = mkdtempSync(join(tmpdir(), "lacis-release-"));
afterAll(() => rmSync(folder, { recursive: true }));

function program(line: string): string {
  const path = join(folder, "program");
  writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  return path;
}

function check(path: string): { code: number | null; complaint: string } {
  const { status: code, stderr: complaint } = spawnSync("node", ["scripts/check-release.mjs", path], {
    encoding: "utf8",
  });
  return { code, complaint };
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the checked-in contract is what the schema generates", () => {
  const out = mkdtempSync(join(tmpdir(), "lacis-contract-"));
  try {
    execFileSync(process.execPath, ["scripts/generate-contract.mjs", out]);
    const generated = readFileSync(join(out, "dataplane_pb.ts"), "utf8");
    const remedy = "run scripts/generate-contract.mjs and commit the result";
    expect(generated === readFileSync("src/runtime/dataplane/contract/generated/dataplane_pb.ts", "utf8"), remedy).toBe(
      true,
    );
  } finally {
    rmSync(out, { recursive: true });
  }
}, 20_000);

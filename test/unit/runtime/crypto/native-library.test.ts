import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadNativeLibrary } from "../../../../src/runtime/crypto/native-library.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";

test("a library that does not load is refused by name, with what to do", () => {
  const folder = mkdtempSync(join(tmpdir(), "lacis-crypto-"));
  try {
    const path = join(folder, "lacis-crypto.node");
    writeFileSync(path, "half of it");
    const refused = refusalOf(() => loadNativeLibrary(path));
    expect(refused.code).toBe("crypto-library-broken");
    expect(refused.message).toMatch(new RegExp(`^cannot use the cryptography in ${path} - .+ - install Lacis again`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function refusalOf(work: () => unknown): OperatorError {
  try {
    work();
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

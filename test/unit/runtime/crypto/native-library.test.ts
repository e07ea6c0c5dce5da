import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { loadNativeLibrary } from "../../../../src/runtime/crypto/native-library.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";

afterEach(() => vi.restoreAllMocks());

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

test.each([
  ["says another number", { layout: () => 2 }],
  ["says none", {}],
])("a library whose layout %s belongs to another version and is refused", (_, exports) => {
  vi.spyOn(process, "dlopen").mockImplementation((module) => {
    (module as { exports: object }).exports = exports;
  });
  expect(refusalOf(() => loadNativeLibrary("/opt/lacis/lacis-crypto.node"))).toMatchObject({
    code: "crypto-library-broken",
    message: expect.stringMatching(
      /^cannot use the cryptography in \/opt\/lacis\/lacis-crypto\.node - it belongs to another version of Lacis - install/,
    ),
  });
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

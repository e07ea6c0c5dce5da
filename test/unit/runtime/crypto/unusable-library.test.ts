import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { check } from "../../../../src/cli/check-config.ts";
import { compareConfigs } from "../../../../src/cli/config-diff.ts";
import { whyArguments, whyOffline } from "../../../../src/cli/why-offline.ts";
import { openNode } from "../../../../src/index.ts";
import { MeshFiles } from "../mesh-files.ts";

const folder = mkdtempSync(join(tmpdir(), "lacis-crypto-"));
const library = join(folder, "lacis-crypto.node");

vi.mock("../../../../src/runtime/package-root.ts", async (actual) => ({
  ...(await actual<object>()),
  foundInPackage: (places: readonly string[]) => (places.includes("lacis-crypto.node") ? library : undefined),
}));

describe("where the library beside the program cannot be used", () => {
  let files: MeshFiles;
  let config: string;
  beforeEach(() => {
    writeFileSync(library, "half of it");
    files = new MeshFiles();
    config = files.host("laptop", "10.77.0.2", 4242, "");
  });
  afterEach(() => {
    for (const made of [folder, files.folder]) rmSync(made, { recursive: true });
  });

  test("a daemon does not start, and commands that compute no handshake work", async () => {
    const stateDirectory = join(files.folder, "state");
    await expect(openNode({ config, stateDirectory })).rejects.toMatchObject({ code: "crypto-library-broken" });
    expect(compareConfigs(config, config)).toMatchObject({ applied: [], needsRestart: [] });
    expect(check(config).ok).toBe(true);
    expect(whyOffline(whyArguments([config, config, "tcp/22"]))).toMatchObject({ verdict: "denied" });
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Survivors } from "../../../../src/runtime/dataplane/data-plane.ts";
import { NativeDataPlane } from "../../../../src/runtime/dataplane/native/native-data-plane.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { stateDirectoryAt } from "../../../../src/runtime/state/state-directory.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";

const plan = { name: "server", networks: ["10.77.0.2/24"] };
const { boot, live } = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
const settings = { live, boot: { ...boot, listen: { ...boot.listen, port: 0 }, tun: { ...boot.tun, disabled: true } } };

test("a data plane that this process starts has counted nothing, and one that it finds has", async () => {
  const state = stateDirectoryAt(mkdtempSync(join(tmpdir(), "lacis-before-")));
  const found: Survivors[] = [];
  const listener = {
    up: (_: number, survivors: Survivors) => void found.push(survivors),
    event: () => {},
    down: () => {},
    tell: () => {},
  };
  const [first, second] = [new NativeDataPlane(settings, state), new NativeDataPlane(settings, state)];
  try {
    await first.start(listener);
    await first.stop("replaced");
    await second.start(listener);
    expect(found).toMatchObject([{ ranBefore: false }, { ranBefore: true }]);
  } finally {
    await second.stop();
    rmSync(state.path, { recursive: true, force: true });
  }
});

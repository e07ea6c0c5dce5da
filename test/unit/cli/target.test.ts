import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { adminSocket } from "../../../src/cli/target.ts";
import { runningDaemons } from "../../../src/runtime/state/find-daemons.ts";
import { Lock } from "../../../src/runtime/state/lock.ts";
import { stateEnvironment, stateName } from "../../../src/runtime/state/state-directory.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacis-target-"));
  vi.stubEnv("XDG_RUNTIME_DIR", root);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** Daemons of others on the machine would be found too. */
const alone = test.skipIf(runningDaemons(stateEnvironment()).daemons.length > 0);

describe("the daemon that is meant", () => {
  test("is the one behind --socket", () => {
    expect(adminSocket({ socket: "/x/y.sock" })).toBe("/x/y.sock");
  });

  test("is the one of --state-dir; what changes it goes to the owner's socket", () => {
    expect(adminSocket({ stateDir: "/x" })).toBe("/x/control.sock");
    expect(adminSocket({ stateDir: "/x" }, true)).toBe("/x/owner.sock");
  });

  test("is asked by its owner where its readers cannot be in the way", () => {
    const config = daemon("server");
    const owners = join(root, "lacis", stateName(config), "owner.sock");
    writeFileSync(owners, "");
    expect(adminSocket({ config })).toBe(owners);
  });

  test("is the one that runs the configuration of --config", () => {
    const config = daemon("server");
    expect(adminSocket({ config })).toBe(join(root, "lacis", stateName(config), "control.sock"));
  });

  test("does not run when nothing runs that configuration: exit code 3 with the command that starts it", () => {
    const config = join(root, "other.yml");
    writeFileSync(config, "");
    expect(() => adminSocket({ config })).toThrow(/not running - .*other\.yml - start it with: .*lacis run/);
  });

  test("cannot run where the configuration is not there, which is said instead", () => {
    expect(() => adminSocket({ config: join(root, "typo.yml") })).toThrow(
      /not running - nobody answers for .*typo\.yml, which does not exist - check the path$/,
    );
  });

  alone("is the only one that runs", () => {
    const config = daemon("server");
    expect(adminSocket({})).toBe(join(root, "lacis", stateName(config), "control.sock"));
  });

  test("must be named when several run: exit code 2 with a list of them", () => {
    const configs = [daemon("laptop"), daemon("server")];
    expect(() => adminSocket({})).toThrow(
      expect.objectContaining({
        exitCode: 2,
        complaint: expect.objectContaining({
          details: expect.arrayContaining(configs.map((config) => expect.stringContaining(`--config ${config}`))),
        }),
      }),
    );
  });
});

/** What a running daemon leaves to be found. Its process is this one. */
function daemon(name: string): string {
  const config = join(root, `${name}.yml`);
  const folder = join(root, "lacis", stateName(config));
  mkdirSync(folder, { recursive: true });
  Lock.take(join(folder, "lock"), { config, version: "0.1.0" });
  writeFileSync(join(folder, "control.sock"), "");
  return config;
}

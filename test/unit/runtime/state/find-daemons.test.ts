import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StateEnvironment } from "../../../../src/runtime/platform/platform.ts";
import { daemonOf, type RunningDaemon, runningDaemons } from "../../../../src/runtime/state/find-daemons.ts";
import { Lock } from "../../../../src/runtime/state/lock.ts";
import { stateName } from "../../../../src/runtime/state/state-directory.ts";

const me = process.getuid?.() ?? 0;
const MALLORY = 65_534;
/** Only root can give a folder away. */
const asRoot = test.skipIf(me !== 0);

let root: string;
let base: string;
let environment: StateEnvironment;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacis-find-"));
  base = join(root, "lacis");
  environment = { uid: me, runtimeDirectory: root };
});
afterEach(() => rmSync(root, { recursive: true }));

describe("the daemons that run", () => {
  test("are found by their locks; dead ones are not", () => {
    daemon("/etc/live.yml");
    const dead = folderOf("/etc/dead.yml");
    const lock = { pid: 2 ** 22 + 1, startTime: "1", config: "/etc/dead.yml" };
    writeFileSync(join(dead, "lock"), JSON.stringify(lock));
    writeFileSync(join(base, "a file"), "");
    expect(configs(found().daemons)).toEqual(["/etc/live.yml"]);
  });

  test("are not looked for in a folder that others can write in; the others are found", () => {
    daemon("/etc/a.yml");
    const open = daemon("/etc/b.yml");
    chmodSync(open, 0o777);
    expect(configs(found().daemons)).toEqual(["/etc/a.yml"]);
    expect(found().foreign).toEqual([{ path: open, why: `others can write in ${open}` }]);
    chmodSync(base, 0o777);
    expect(found()).toMatchObject({ daemons: [], foreign: [{ path: base, why: `others can write in ${base}` }] });
  });

  asRoot("are not looked for in the folder that somebody else has made in their place", () => {
    daemon("/etc/a.yml");
    chownSync(base, MALLORY, MALLORY);
    const why = `${base} belongs to somebody else (user ${MALLORY})`;
    expect(found()).toMatchObject({ daemons: [], foreign: [{ path: base, why }] });
    expect(daemonOf("/etc/a.yml", environment)).toMatchObject({ state: undefined, foreign: [{ why }] });
  });

  test("are found past a pipe in the place of a lock", () => {
    daemon("/etc/a.yml");
    execFileSync("mkfifo", [join(folderOf("/etc/b.yml"), "lock")]);
    expect(configs(found().daemons)).toEqual(["/etc/a.yml"]);
  });

  test("of a configuration are found by their socket, unless somebody else could have made it", () => {
    const path = daemon("/etc/a.yml");
    expect(daemonOf("/etc/a.yml", environment).state?.path).toBe(path);
    expect(daemonOf("/etc/b.yml", environment)).toMatchObject({ state: undefined, foreign: [] });
    chmodSync(base, 0o770);
    expect(daemonOf("/etc/a.yml", environment).state).toBeUndefined();
  });
});

function found(): ReturnType<typeof runningDaemons> {
  const isHere = ({ path }: { path: string }): boolean => path.startsWith(root);
  const { daemons, denied, foreign } = runningDaemons(environment);
  return { denied, daemons: daemons.filter(({ state }) => isHere(state)), foreign: foreign.filter(isHere) };
}

function configs(daemons: readonly RunningDaemon[]): readonly string[] {
  return daemons.map(({ holder }) => holder.config);
}

function folderOf(config: string): string {
  const folder = join(base, stateName(config));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** What a running daemon leaves to be found. Its process is this one. */
function daemon(config: string): string {
  const folder = folderOf(config);
  Lock.take(join(folder, "lock"), { config, version: "0.1.0" });
  writeFileSync(join(folder, "control.sock"), "");
  return folder;
}

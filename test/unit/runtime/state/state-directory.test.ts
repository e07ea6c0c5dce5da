import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StateEnvironment } from "../../../../src/runtime/platform/platform.ts";
import { daemonOf } from "../../../../src/runtime/state/find-daemons.ts";
import { createStateDirectory, stateName } from "../../../../src/runtime/state/state-directory.ts";

let root: string;
let environment: StateEnvironment;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacis-state-"));
  environment = { uid: process.getuid?.() || 1, runtimeDirectory: root };
});
afterEach(() => rmSync(root, { recursive: true }));

/** This user as an ordinary one: as root, files would belong to somebody else than the environment says. */
const ordinary = test.skipIf(process.getuid?.() === 0);

describe("the name of a state directory", () => {
  test("can be read and differs for each configuration", () => {
    expect(stateName("/etc/lacis/server.yml")).toMatch(/^server-[0-9a-f]{8}$/);
    expect(stateName("/etc/lacis/server.yml")).not.toBe(stateName("/srv/lacis/server.yml"));
  });

  test("is the same for a relative path, an absolute one and a link", () => {
    const config = join(root, "config.yml");
    writeFileSync(config, "");
    symlinkSync(config, join(root, "link.yml"));
    expect(stateName(join(root, ".", "config.yml"))).toBe(stateName(config));
    expect(stateName(join(root, "link.yml"))).toBe(stateName(config));
  });

  test("has no character that a path or a terminal could misread", () => {
    expect(stateName("/tmp/ü b\u001b/c;d.yaml")).toMatch(/^[A-Za-z0-9_.-]+$/);
  });
});

describe("a state directory", () => {
  test("is private to its user", () => {
    const path = join(root, "mine");
    createStateDirectory("/etc/a.yml", path, { ...environment, uid: process.getuid?.() ?? 0 });
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  ordinary("follows from the configuration's path", () => {
    const { path, controlSocket } = createStateDirectory("/etc/a.yml", undefined, environment);
    writeFileSync(controlSocket, "");
    expect(daemonOf("/etc/a.yml", environment).state?.path).toBe(path);
  });

  test("is refused when others can write in it", () => {
    const path = join(root, "open");
    mkdirSync(path);
    chmodSync(path, 0o777);
    const create = () => createStateDirectory("/etc/a.yml", path, { ...environment, uid: process.getuid?.() ?? 0 });
    expect(create).toThrow(/others can write in .*open - .*--state-dir/);
  });

  test("is refused when it belongs to somebody else", () => {
    const path = join(root, "theirs");
    mkdirSync(path);
    const create = () =>
      createStateDirectory("/etc/a.yml", path, { ...environment, uid: (process.getuid?.() ?? 0) + 1 });
    expect(create).toThrow(/belongs to somebody else \(user \d+\)/);
  });

  test("is refused when others can put another in its place, also when it has just been made", () => {
    const above = join(root, "open");
    mkdirSync(above);
    chmodSync(above, 0o777);
    const create = () =>
      createStateDirectory("/etc/a.yml", join(above, "mine"), { ...environment, uid: process.getuid?.() ?? 0 });
    expect(create).toThrow(/cannot keep sockets in .*mine - others can write in .*open - /);
    expect(create).toThrow(expect.objectContaining({ exitCode: 5 }));
  });

  test("is refused when it is a link", () => {
    mkdirSync(join(root, "target"));
    symlinkSync(join(root, "target"), join(root, "link"));
    expect(() => createStateDirectory("/etc/a.yml", join(root, "link"), environment)).toThrow(/it is not a folder/);
  });

  test("whose sockets would have too long a path is refused with what to do", () => {
    const create = () => createStateDirectory("/etc/a.yml", join(root, "x".repeat(90)), environment);
    expect(create).toThrow(/a socket's path may have 107 bytes and this one would have \d+ - .*--state-dir/);
  });

  test("that cannot be made says why and what to do", () => {
    const create = () => createStateDirectory("/etc/a.yml", join(root, "no", "such"), environment);
    expect(create).toThrow(/cannot create the state directory .* - the folder above it does not exist - .*--state-dir/);
    expect(() => createStateDirectory("/etc/a.yml", "/proc/nowhere", environment)).toThrow(/cannot create/);
  });
});

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lock, livingHolder } from "../../../../src/runtime/state/lock.ts";

const about = { config: "/etc/lacis/config.yml", version: "0.1.0" };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-lock-"));
  path = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the lock of a state directory", () => {
  test("is held by one process, which the second one is told", () => {
    expect(Lock.take(path, about).ok).toBe(true);
    const second = Lock.take(path, about);
    expect(second).toMatchObject({ ok: false, reason: { pid: process.pid, config: about.config } });
  });

  test("is free again after a release", () => {
    const first = Lock.take(path, about);
    if (first.ok) first.value.release();
    expect(livingHolder(path)).toBeUndefined();
    expect(Lock.take(path, about).ok).toBe(true);
  });

  test("is taken over from a process that is gone", () => {
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, startTime: "1", ...about }));
    expect(Lock.take(path, about).ok).toBe(true);
    expect(livingHolder(path)?.pid).toBe(process.pid);
  });

  test("is taken over when another process has got the number of the one that is gone", () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: "1", ...about }));
    expect(livingHolder(path)).toBeUndefined();
    expect(Lock.take(path, about).ok).toBe(true);
  });

  test.each(["", "{", "null", "[]", '{"pid":"me"}', '{"pid":-1}'])("is taken over when it says %j", (text) => {
    writeFileSync(path, text);
    expect(Lock.take(path, about).ok).toBe(true);
  });

  test("can be read by the group that may ask the daemon, whatever the umask, and by nobody else otherwise", () => {
    const before = process.umask(0o077);
    try {
      const group = process.getgid?.() ?? 0;
      const taken = Lock.take(path, about, group);
      expect([statSync(path).mode & 0o777, statSync(path).gid]).toEqual([0o640, group]);
      if (taken.ok) taken.value.release();
      Lock.take(path, about);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  test("leaves no other file behind", () => {
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, startTime: "1", ...about }));
    Lock.take(path, about);
    Lock.take(path, about);
    expect(readdirSync(folder)).toEqual(["lock"]);
  });
});

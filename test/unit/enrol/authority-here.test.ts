import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { authorityHere } from "../../../src/enrol/authority-here.ts";
import { type HostFiles, hostFilesIn, readCarried, unwritable } from "../../../src/enrol/host-files.ts";

let files: HostFiles;
beforeEach(() => {
  files = hostFilesIn(mkdtempSync(join(tmpdir(), "lacis-authority-")));
});
afterEach(() => {
  chmodSync(files.folder, 0o700);
  rmSync(files.folder, { recursive: true });
});

describe("the network's authority", () => {
  test("is found in the folder of the first host", () => {
    mkdirSync(files.authority);
    expect(authorityHere(files.folder, "cannot invite", "lacis-cert sign")).toBe(files.authority);
  });

  test("is said to be elsewhere where it is not", () => {
    expect(() => authorityHere(files.folder, "cannot invite", "lacis-cert sign")).toThrow(
      /the network's authority is not here: .* - with an authority made by hand: lacis-cert sign$/,
    );
  });

  test.skipIf(process.getuid?.() === 0)("is not said to be elsewhere by one who may not look", () => {
    mkdirSync(files.authority);
    chmodSync(files.folder, 0o000);
    expect(() => authorityHere(files.folder, "cannot invite", "lacis-cert sign")).toThrow(
      /is closed to this user - put sudo in front/,
    );
  });
});

test("what the system refuses is said in words", () => {
  const failed = (code: string) => unwritable("/etc/x", Object.assign(new Error(code), { code })).complaint.why;
  expect(["ENOSPC", "EROFS", "EEXIST", "ENOTDIR", "EACCES", "EIO"].map(failed)).toEqual([
    "the disk is full",
    "the file system is read-only",
    "something else is there already",
    "a part of the path is no folder",
    "permission denied",
    "EIO",
  ]);
  expect(() => readCarried(join(files.folder, "gone"))).toThrow("it cannot be read: there is no such file or folder");
});

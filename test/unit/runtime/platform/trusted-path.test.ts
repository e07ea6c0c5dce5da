import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { thisPlatform } from "../../../../src/runtime/platform/this-platform.ts";

const { paths } = thisPlatform("linux");
const me = process.getuid?.() ?? 0;
const owners = new Set([0, me]);
/** Nobody's number on every Linux. */
const MALLORY = 65_534;
/** Only root can give a folder away. */
const asRoot = test.skipIf(me !== 0);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacis-trust-"));
});
afterEach(() => rmSync(root, { recursive: true }));

describe("a folder", () => {
  test("of this user that nobody else can write in is beyond doubt, below the sticky /tmp too", () => {
    expect(paths.doubtAboutFolder(root, owners)).toBeUndefined();
    expect(paths.doubtAboutFolder(folder("own", 0o755), owners)).toBeUndefined();
  });

  test.each([0o777, 0o770, 0o720, 0o702, 0o1777])("of mode %o is doubted: others can write in it", (mode) => {
    expect(paths.doubtAboutFolder(folder("open", mode), owners)).toBe(`others can write in ${join(root, "open")}`);
  });

  asRoot("of somebody else is doubted, whatever its mode", () => {
    const path = given(folder("theirs", 0o700));
    expect(paths.doubtAboutFolder(path, owners)).toBe(`${path} belongs to somebody else (user ${MALLORY})`);
    expect(paths.doubtAboutFolder(path, new Set([MALLORY]))).toBeUndefined();
  });

  test("is no link, wherever that leads", () => {
    folder("real", 0o700);
    symlinkSync(join(root, "real"), join(root, "link"));
    expect(paths.doubtAboutFolder(join(root, "link"), owners)).toBe("it is not a folder");
  });

  test("below one that others can write in is doubted: they can put another in its place", () => {
    const path = join(folder("open", 0o777), "lacis");
    mkdirSync(path, { mode: 0o700 });
    expect(paths.doubtAboutFolder(path, owners)).toBe(`others can write in ${join(root, "open")}`);
    chmodSync(join(root, "open"), 0o1777);
    expect(paths.doubtAboutFolder(path, owners)).toBeUndefined();
  });

  asRoot("below one of somebody else is doubted", () => {
    const path = join(folder("theirs", 0o755), "lacis");
    mkdirSync(path, { mode: 0o700 });
    given(join(root, "theirs"));
    expect(paths.doubtAboutFolder(path, owners)).toMatch(/theirs belongs to somebody else/);
  });

  test("behind a link on the way is as good as where that leads", () => {
    mkdirSync(join(folder("real", 0o700), "lacis"), { mode: 0o700 });
    mkdirSync(join(folder("open", 0o777), "lacis"), { mode: 0o700 });
    symlinkSync("real", join(root, "good"));
    symlinkSync(join(root, "open"), join(root, "bad"));
    symlinkSync("round", join(root, "round"));
    expect(paths.doubtAboutFolder(join(root, "good", "lacis"), owners)).toBeUndefined();
    expect(paths.doubtAboutFolder(join(root, "bad", "lacis"), owners)).toMatch(/others can write in .*open$/);
    expect(paths.doubtAboutFolder(join(root, "round", "lacis"), owners)).toMatch(/leads in circles/);
  });

  asRoot("behind a link of somebody else is doubted: it can lead elsewhere a moment later", () => {
    mkdirSync(join(folder("real", 0o700), "lacis"), { mode: 0o700 });
    symlinkSync("real", join(root, "link"));
    execFileSync("chown", ["-h", String(MALLORY), join(root, "link")]);
    expect(paths.doubtAboutFolder(join(root, "link", "lacis"), owners)).toMatch(/link belongs to somebody else/);
  });

  test("that is not there is said to be so", () => {
    expect(() => paths.doubtAboutFolder(join(root, "none"), owners)).toThrow("ENOENT");
  });
});

describe("a socket", () => {
  test("in a folder of this user is beyond doubt; what is none is not", async () => {
    const path = join(root, "s.sock");
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    expect(paths.doubtAboutSocket(path, owners)).toBeUndefined();
    chmodSync(root, 0o777);
    expect(paths.doubtAboutSocket(path, owners)).toBe(`others can write in ${root}`);
    chmodSync(root, 0o700);
    symlinkSync(path, join(root, "link.sock"));
    expect(paths.doubtAboutSocket(join(root, "link.sock"), owners)).toMatch(/is not a socket/);
    if (me === 0) {
      chownSync(path, MALLORY, MALLORY);
      expect(paths.doubtAboutSocket(path, owners)).toMatch(/s\.sock belongs to somebody else/);
    }
    server.close();
  });
});

describe("a file", () => {
  const read = (name: string) => paths.readFile(join(root, name), owners, 100);

  test("of this user is read", () => {
    writeFileSync(join(root, "lock"), "text");
    expect(read("lock")).toEqual({ ok: true, value: "text" });
  });

  test("that is a pipe, a link, a folder, a socket or a device holds nobody up and is none", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    writeFileSync(join(root, "lock"), "text");
    symlinkSync(join(root, "lock"), join(root, "link"));
    folder("folder", 0o700);
    const server = createServer().listen(join(root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const name of ["pipe", "link", "folder", "socket"])
      expect(read(name), name).toEqual({ ok: false, reason: `${join(root, name)} is not a file` });
    expect(paths.readFile("/dev/zero", owners, 100)).toMatchObject({ ok: false, reason: "/dev/zero is not a file" });
    server.close();
  });

  test("that is larger than ours ever are, or no text, is none", () => {
    writeFileSync(join(root, "large"), "x".repeat(101));
    writeFileSync(join(root, "binary"), new Uint8Array([0xff]));
    expect(read("large")).toMatchObject({ ok: false, reason: expect.stringContaining("more than 100 bytes") });
    expect(read("binary")).toMatchObject({ ok: false, reason: expect.stringContaining("is not text") });
  });

  asRoot("of somebody else is none", () => {
    writeFileSync(join(root, "lock"), "text");
    given(join(root, "lock"));
    expect(read("lock")).toMatchObject({ ok: false, reason: expect.stringContaining("belongs to somebody else") });
  });
});

function folder(name: string, mode: number): string {
  const path = join(root, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

/** Makes it somebody else's. */
function given(path: string): string {
  chownSync(path, MALLORY, MALLORY);
  return path;
}

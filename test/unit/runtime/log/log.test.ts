import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { FileOutput } from "../../../../src/runtime/log/file-output.ts";
import { Log, type LogOptions } from "../../../../src/runtime/log/log.ts";
import { harmless } from "../../../../src/runtime/log/log-text.ts";

describe("a log line", () => {
  test("as text is logfmt with the sentence in front and its values as fields", () => {
    const { log, lines } = memoryLog({ format: "text" });
    log.notice({ level: "info", code: "tunnel-up", text: "tunnel to server is up", fields: { peer: "server", ms: 3 } });
    expect(lines).toEqual(['level=info msg="tunnel to server is up" code=tunnel-up peer=server ms=3\n']);
  });

  test("as json is one object", () => {
    const { log, lines } = memoryLog({ format: "json" });
    log.notice({ level: "warn", code: "x", text: "a", fields: { list: ["b", "c"] } });
    expect(lines.map((line) => JSON.parse(line))).toEqual([{ level: "warn", code: "x", msg: "a", list: ["b", "c"] }]);
  });

  test("has a timestamp unless it is switched off", () => {
    const { log, lines } = memoryLog({ format: "text", timestamps: true });
    log.notice({ level: "info", code: "x", text: "a", fields: {} });
    expect(lines[0]).toMatch(/^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info msg=a code=x\n$/);
  });

  test("below the level is not written, and the level can change", () => {
    const { log, lines } = memoryLog({ level: "warn" });
    log.notice({ level: "info", code: "x", text: "a", fields: {} });
    log.reload({ logging: { level: "debug", format: "text", timestamps: false } });
    log.notice({ level: "debug", code: "x", text: "b", fields: {} });
    expect(lines).toEqual(["level=debug msg=b code=x\n"]);
  });

  test("of every level is written for a while, and then as before, however often that is asked for", () => {
    vi.useFakeTimers();
    try {
      const { log, lines } = memoryLog({ level: "info" });
      const said = (text: string) => log.notice({ level: "debug", code: "x", text, fields: {} });
      for (const text of ["a", "b"]) {
        log.raise("debug", 1_000);
        said(text);
      }
      vi.advanceTimersByTime(1_000);
      said("c");
      log.raise("debug", 1_000);
      log.reload({ logging: { level: "warn", format: "text", timestamps: false } });
      said("d");
      vi.advanceTimersByTime(1_000);
      expect(lines).toEqual(["level=debug msg=a code=x\n", "level=debug msg=b code=x\n"]);
      expect(log.settings.level).toBe("warn");
    } finally {
      vi.useRealTimers();
    }
  });

  test("cannot be forged by a value with a line break in it", () => {
    for (const format of ["text", "json"] as const) {
      const { log, lines } = memoryLog({ format });
      log.notice({ level: "info", code: "x", text: "a", fields: { name: 'b\nlevel=error msg="owned"' } });
      expect(lines).toHaveLength(1);
      expect(lines[0]?.trimEnd()).not.toContain("\n");
    }
  });
});

describe("a flood of one kind of line", () => {
  test("is cut to its burst, and what was left out is said", async () => {
    const { log, lines } = memoryLog({ format: "text" });
    for (let i = 0; i < 1_000; i++) log.notice({ level: "warn", code: "flood", text: "again", fields: {} });
    log.notice({ level: "warn", code: "other", text: "still heard", fields: {} });
    await log.flush();
    expect(lines.filter((line) => line.includes("code=flood"))).toHaveLength(20);
    expect(lines.filter((line) => line.includes("code=other"))).toHaveLength(1);
    expect(lines.at(-1)).toContain('msg="Suppressed 980 more lines like this." code=suppressed of=flood count=980');
  });
});

describe("a trouble that repeats itself", () => {
  const failed = {
    level: "info",
    code: "handshake-failed",
    text: "No answer.",
    fields: { address: "10.77.0.2" },
  } as const;
  const up = { level: "info", code: "tunnel-up", text: "It is up.", fields: { address: "10.77.0.2" } } as const;

  test("is a line when it begins, and one when it has ended", () => {
    const { log, lines } = memoryLog({ format: "text" });
    for (let i = 0; i < 58; i++) log.notice(failed);
    log.notice(up);
    expect(lines).toEqual([
      'level=info msg="No answer." code=handshake-failed address=10.77.0.2\n',
      'level=info msg="It does not come any more, after 57 more times: No answer." code=repeated address=10.77.0.2 of=handshake-failed times=57 isOver=true\n',
      'level=info msg="It is up." code=tunnel-up address=10.77.0.2\n',
    ]);
  });

  test("is a line each time for whoever debugs", () => {
    const { log, lines } = memoryLog({ format: "text", level: "debug" });
    for (let i = 0; i < 5; i++) log.notice(failed);
    expect(lines).toHaveLength(5);
  });
});

describe("what waits to be written", () => {
  const ready = { level: "info", code: "ready", text: "Ready.", fields: {} } as const;

  test("is there once the log has been stopped", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lacis-log-"));
    const file = openSync(join(folder, "log"), "w");
    const { log } = memoryLog({ stream: new FileOutput(file, () => {}) });
    log.notice(ready);
    await log.stop();
    expect(readFileSync(join(folder, "log"), "utf8")).toBe("level=info msg=Ready. code=ready\n");
    rmSync(folder, { recursive: true });
  });

  test.skipIf(!existsSync("/dev/full"))("keeps nobody from stopping when the disk is full", async () => {
    const { log } = memoryLog({ stream: new FileOutput(openSync("/dev/full", "w"), () => {}) });
    for (let i = 0; i < 3; i++) log.notice(ready);
    await log.stop();
    log.notice(ready);
    await log.stop();
  });

  test("goes on once a disk that was full has room again, however much was lost meanwhile", () => {
    let isFull = true;
    let [lost, written] = [0, ""];
    const disk = new FileOutput(
      1,
      () => lost++,
      (_, bytes, done) => {
        if (isFull) return done(Object.assign(new Error("no space left"), { code: "ENOSPC" }), 0);
        written += bytes;
        done(null, bytes.length);
      },
    );
    for (let i = 0; i < 3_000; i++) disk.write(`${i} ${"x".repeat(1_000)}\n`);
    expect(lost).toBeGreaterThan(1_000);
    isFull = false;
    disk.write("one more\n");
    disk.write("and another\n");
    expect(written).toMatch(/^0 x+\n1 x+\n/);
    expect(written).toMatch(/and another\n$/);
  });

  test("keeps nobody from stopping when its reader takes nothing, or is gone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lacis-log-"));
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const stream = new FileOutput(openSync(pipe, constants.O_WRONLY), () => {});
    const { log } = memoryLog({ stream });
    stream.write("x".repeat(200_000));
    await log.stop();
    closeSync(reader);
    await log.stop();
    log.notice(ready);
    await log.stop();
    rmSync(folder, { recursive: true });
  });
});

describe("a value that somebody else wrote", () => {
  test.each([
    ["a line break", "a\nb", "a\\u{a}b"],
    ["an escape sequence", "\u001b[31m", "\\u{1b}[31m"],
    ["a right-to-left override", "a\u202eb", "a\\u{202e}b"],
    ["a line separator", "a\u2028b", "a\\u{2028}b"],
    ["half a surrogate pair", "a\ud800b", "a\\u{d800}b"],
    ["a C1 control", "a\u0085b", "a\\u{85}b"],
  ])("loses %s", (_, text, expected) => {
    expect(harmless(text)).toBe(expected);
  });

  test("keeps letters of all languages", () => {
    expect(harmless("größe 東京 😀")).toBe("größe 東京 😀");
  });

  test("is cut at 256 bytes, between characters", () => {
    const cut = harmless("ü".repeat(500));
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(256);
    expect(cut).toMatch(/^ü+…$/);
    expect(harmless("x".repeat(256))).toBe("x".repeat(256));
  });
});

function memoryLog(options: Partial<LogOptions>): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  return { log: new Log({ level: "info", format: "text", timestamps: false, stream, ...options }), lines };
}

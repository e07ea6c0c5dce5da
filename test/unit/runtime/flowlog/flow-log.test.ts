import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FlowStory } from "../../../../src/core/flow-story.ts";
import type { LoadedSettings } from "../../../../src/runtime/config/config-file.ts";
import type { LogLine } from "../../../../src/runtime/flowlog/flow-entry.ts";
import { FlowLog } from "../../../../src/runtime/flowlog/flow-log.ts";
import { refused, story } from "./story.ts";

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "lacis-flows-"));
  folder = join(base, "kept", "config.flows");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const settings = (megabytes: number): LoadedSettings =>
  ({ settings: { live: { flowLog: { megabytes } } } }) as unknown as LoadedSettings;

function logOf(megabytes = 1, open: readonly FlowStory[] = []): FlowLog {
  const log: FlowLog = new FlowLog(settings(megabytes), {
    folder,
    host: () => "laptop",
    list: () => log.listed(open, true),
  });
  log.start();
  return log;
}

const ports = async (log: FlowLog): Promise<readonly number[]> =>
  (await log.find({}, 10_000)).flows.map(({ local }) => local.port);

describe("the flow log", () => {
  test("tells the next process what became of flows, and nobody else", async () => {
    const before = logOf();
    before.heard([story({ localPort: 1, happening: "ended", end: "closed" }), refused({ localPort: 2 })], 5);
    await before.stop();
    const after = logOf(1, [story({ localPort: 3, happening: "open" })]);
    after.heard([refused({ localPort: 4 })], 0);
    expect(await ports(after)).toEqual([3, 4, 2, 1]);
    expect((await after.find({}, 10)).untold).toBe(5);
    await after.stop();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test("never takes more room than it may, and gives up the oldest", async () => {
    const log = logOf(1);
    for (let round = 0; round < 60; round++) {
      log.heard(
        Array.from({ length: 100 }, (_, at) => refused({ localPort: round * 100 + at })),
        0,
      );
      await log.stop();
      expect(bytesIn(folder)).toBeLessThanOrEqual(1 << 20);
    }
    const left = await ports(log);
    expect(left[0]).toBe(5_999);
    expect(left.length).toBeGreaterThan(1_000);
    expect(left.length).toBeLessThan(6_000);
    expect(left).toEqual(left.map((_, at) => 5_999 - at));
  });

  test("goes on behind a line that was cut off, and reads around what is damaged", async () => {
    const log = logOf();
    log.heard([refused({ localPort: 1 })], 0);
    await log.stop();
    const [name = ""] = readdirSync(folder);
    appendFileSync(join(folder, name), `{"happening":"refu`);
    const next = logOf();
    next.heard([refused({ localPort: 2 })], 0);
    await next.stop();
    appendFileSync(join(folder, name), Buffer.alloc(300_000, 0xff));
    const last = logOf();
    last.heard([refused({ localPort: 3 })], 0);
    await last.stop();
    const { flows, damaged } = await last.find({}, 10);
    expect(flows.map(({ local }) => local.port)).toEqual([3, 2, 1]);
    expect(damaged).toBeGreaterThanOrEqual(1);
  });

  test("takes part of a line that lies over the edge of what is read at once", async () => {
    const log = logOf(8);
    log.heard(
      Array.from({ length: 2_000 }, (_, at) => refused({ localPort: at })),
      0,
    );
    await log.stop();
    expect(await ports(log)).toEqual(Array.from({ length: 2_000 }, (_, at) => 1_999 - at));
  });

  test("is not written where others can write, which is said in words with what to do, and is when they cannot any more", async () => {
    mkdirSync(join(base, "kept"), { mode: 0o700 });
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const log = logOf();
    log.heard([refused({ localPort: 1 })], 0);
    await log.stop();
    expect(readdirSync(folder)).toEqual([]);
    expect(log.health()).toMatchObject([
      { text: expect.stringMatching(/: others can write in /), todo: expect.stringMatching(/mode 700.*by itself$/) },
    ]);
    chmodSync(folder, 0o700);
    log.heard([refused({ localPort: 2 })], 0);
    await log.stop();
    expect(log.health()).toEqual([]);
    expect(await ports(log)).toEqual([2, 1]);
  });

  test("says that a disk does not take it, keeps the last ones, and writes them when it does", async () => {
    mkdirSync(join(base, "kept"), { mode: 0o700 });
    writeFileSync(folder, "no folder");
    const log = logOf();
    log.heard([refused({ localPort: 1 })], 0);
    await log.stop();
    expect(log.health()).toMatchObject([{ code: "flow-log-not-written", severity: "warning" }]);
    expect(await ports(log)).toEqual([1]);
    rmSync(folder);
    mkdirSync(folder, { mode: 0o700 });
    log.heard([refused({ localPort: 2 })], 0);
    await log.stop();
    expect(log.health()).toEqual([]);
    expect(await ports(log)).toEqual([2, 1]);
  });

  test("keeps the last ones where there is no place for it", async () => {
    const nowhere: FlowLog = new FlowLog(settings(1), {
      folder: undefined,
      host: () => "laptop",
      list: () => nowhere.listed([], true),
    });
    nowhere.start();
    nowhere.heard([refused({ localPort: 7 })], 0);
    expect(await ports(nowhere)).toEqual([7]);
    expect(nowhere.health()).toEqual([]);
  });

  test("tells followers what is meant, until they go", () => {
    const log = logOf();
    const heard: LogLine[] = [];
    const end = log.follow({ port: 22 }, (line) => heard.push(line));
    log.heard([refused(), story(), refused({ localPort: 23 })], 2);
    end();
    log.heard([refused()], 0);
    expect(heard).toMatchObject([{ local: { port: 22 } }, { untold: 2 }]);
  });

  test("keeps nothing once a reload says so", async () => {
    const log = logOf();
    log.heard([refused()], 0);
    await log.stop();
    log.reload(settings(0));
    await log.stop();
    expect(existsSync(folder)).toBe(false);
    log.heard([refused()], 0);
    expect(await ports(log)).toEqual([]);
  });

  test("makes what somebody has opened to others private again", async () => {
    const log = logOf();
    log.heard([refused()], 0);
    await log.stop();
    const path = join(folder, readdirSync(folder)[0] ?? "");
    chmodSync(path, 0o644);
    const next = logOf();
    next.heard([refused()], 0);
    await next.stop();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(
      readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    ).toHaveLength(2);
  });
});

function bytesIn(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

type Connection = import("../../../../src/runtime/dataplane/native/native-connection.ts").NativeConnection;

describe("a data plane that takes requests and answers none", () => {
  const lost = vi.fn();
  let folder: string;
  let fake: FakeDataPlane;
  let connection: Connection;
  let stoppedMs = 0;

  beforeEach(async () => {
    stoppedMs = 0;
    lost.mockClear();
    folder = mkdtempSync(join(tmpdir(), "lacis-silence-"));
    fake = new FakeDataPlane(join(folder, "socket"));
    fake.script = (request) => (request.kind === "sample" ? [] : undefined);
    await fake.listen();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "performance"] });
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + stoppedMs);
    vi.resetModules();
    const { NativeConnection } = await import("../../../../src/runtime/dataplane/native/native-connection.ts");
    connection = await NativeConnection.open(join(folder, "socket"));
    connection.listen({ event: () => {}, tell: () => {}, lost });
    await connection.hello();
  });
  afterEach(async () => {
    connection.close();
    await fake.die();
    vi.restoreAllMocks();
    vi.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Time passes in which this process runs, and reads what there is to read. */
  const run = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const heardOf = async (requests: number): Promise<void> => {
    while (fake.requests.length < requests + 1) await new Promise((resolve) => setImmediate(resolve));
  };

  test("is given up as frozen after ten seconds", async () => {
    connection.command({ kind: "sample" });
    await run(9_900);
    expect(lost).not.toHaveBeenCalled();
    await run(200);
    expect(lost).toHaveBeenCalledWith("it has not answered for 10 s");
    expect(connection.frozen).toBe(true);
  });

  test("is not given up when this process was stopped for a minute and then asks again and again", async () => {
    connection.command({ kind: "sample" });
    await heardOf(1);
    await run(1_000);
    stoppedMs = 60_000;
    for (let i = 0; i < 10; i++) connection.command({ kind: "sample" });
    await run(2_000);
    expect(lost).not.toHaveBeenCalled();
    fake.say({ kind: "result", requestId: 2n, code: "", error: "", value: undefined });
    await run(30_000);
    expect(lost).not.toHaveBeenCalled();
  });

  test("is not given up while what it said waits to be read: it is this process that is behind", async () => {
    let heard = 0;
    const event = (): void => {
      heard++;
      // Each takes longer than a turn may.
      stoppedMs += 20;
    };
    connection.listen({ event, tell: () => {}, lost });
    for (let said = 0; said < 400; said++) fake.say({ kind: "confirmed", localIndex: 7 as LocalIndex });
    while (heard === 0) await new Promise((resolve) => setImmediate(resolve));
    connection.command({ kind: "sample" });
    await run(12_000);
    expect(heard).toBeLessThan(400);
    expect(lost).not.toHaveBeenCalled();
  });

  test("is given up ten seconds of running time after a stop that it did not use to answer", async () => {
    connection.command({ kind: "sample" });
    stoppedMs = 60_000;
    await run(11_000);
    expect(lost).toHaveBeenCalledOnce();
  });

  test("is not given up while nothing is asked", async () => {
    await run(3_600_000);
    expect(lost).not.toHaveBeenCalled();
  });

  test("fails a question after five seconds in which this process ran", async () => {
    const asked = connection.ask({ kind: "sample" }).catch((error: unknown) => String(error));
    await heardOf(1);
    stoppedMs = 60_000;
    await run(2_500);
    expect(lost).not.toHaveBeenCalled();
    await run(3_000);
    expect(await asked).toContain("it did not answer within 5 s");
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askDaemon, followDaemon } from "../../../src/admin/client.ts";
import { AdminServer } from "../../../src/admin/server.ts";
import { answers, nothing, type Sink, streams } from "../../../src/admin/verb.ts";
import { ExitCode } from "../../../src/runtime/operator-error.ts";

let folder: string;
let path: string;
let server: AdminServer;
/** Of the streams under way. */
let sinks: Sink[];
const clients: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lacis-stream-"));
  path = join(folder, "control.sock");
  sinks = [];
  server = new AdminServer(
    { path, mode: 0o660, who: "reader" },
    {
      version: answers("reader", nothing, () => "here"),
      events: streams("reader", nothing, (_, sink) => {
        sinks.push(sink);
        return () => void sinks.splice(sinks.indexOf(sink), 1);
      }),
      broken: streams("reader", nothing, () => {
        throw new TypeError("no stream today");
      }),
    },
  );
  await server.listen();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

describe("a stream", () => {
  test("brings what is pushed, in order, until the daemon stops: exit code 3", async () => {
    const heard: unknown[] = [];
    const following = follow(heard);
    await expect.poll(() => sinks).toHaveLength(1);
    for (const item of ["a", { b: 1n }, "c"]) sinks[0]?.push(item);
    await expect.poll(() => heard).toEqual(["a", { b: 1 }, "c"]);
    server.close();
    await expect(following).rejects.toMatchObject({
      code: "daemon-ended",
      exitCode: ExitCode.notRunning,
      message: expect.stringContaining("it was stopped"),
    });
    expect(sinks).toEqual([]);
  });

  test("leaves nothing of a client that vanishes", async () => {
    const client = connect('{"verb":"events"}\n');
    await expect.poll(() => sinks).toHaveLength(1);
    client.destroy();
    await expect.poll(() => sinks).toEqual([]);
  });

  test("ends when its client asks something else, which is answered", async () => {
    const lines = linesOf(connect('{"verb":"events"}\n'));
    await expect.poll(() => sinks).toHaveLength(1);
    sinks[0]?.push("a");
    await expect.poll(() => lines).toHaveLength(1);
    clients[0]?.write('{"verb":"version"}\n');
    await expect
      .poll(() => lines)
      .toEqual([
        { schema: 1, ok: true, more: true, result: "a" },
        { schema: 1, ok: true, more: false, end: "asked" },
        { schema: 1, ok: true, result: "here" },
      ]);
    expect(sinks).toEqual([]);
  });

  test("ends at once for a client that has asked further already", async () => {
    const lines = linesOf(connect('{"verb":"events"}\n{"verb":"version"}\n'));
    await expect.poll(() => lines).toHaveLength(2);
    expect(lines).toMatchObject([{ more: false }, { result: "here" }]);
  });

  test("can be asked for again and again on one connection", async () => {
    const lines = linesOf(connect('{"verb":"events"}\n'.repeat(40)));
    await expect.poll(() => lines).toHaveLength(39);
    expect(sinks).toHaveLength(1);
  });

  test("that cannot begin says why", async () => {
    const lines = linesOf(connect('{"verb":"broken"}\n{"verb":"version"}\n'));
    await expect.poll(() => lines).toHaveLength(2);
    expect(lines).toMatchObject([
      { ok: false, error: { code: "internal", why: /no stream today/ } },
      { result: "here" },
    ]);
  });
});

describe("a reader that is too slow", () => {
  test("is told how much it lost and where, and costs the daemon no more than its buffer", async () => {
    const client = connect('{"verb":"events"}\n');
    client.pause();
    await expect.poll(() => sinks).toHaveLength(1);
    for (let i = 0; i < 5_000; i++) sinks[0]?.push({ i, padding: "x".repeat(1_000) });
    expect(sinks[0]?.isIdle).toBe(false);
    const lines = linesOf(client);
    client.resume();
    await expect.poll(() => lines.filter((line) => "lost" in line)).toHaveLength(1);
    sinks[0]?.push("after");
    await expect.poll(() => lines.at(-1)).toMatchObject({ result: "after" });
    const before = lines.slice(0, -2);
    expect(before.map((line) => line["result"])).toMatchObject(before.map((_, i) => ({ i })));
    expect(before.length + Number(lines.at(-2)?.["lost"])).toBe(5_000);
    expect(before.length).toBeLessThan(1_000);
  });

  test("does not hold up another one", async () => {
    connect('{"verb":"events"}\n').pause();
    const heard: unknown[] = [];
    follow(heard).catch(() => {});
    await expect.poll(() => sinks).toHaveLength(2);
    for (let i = 0; i < 300; i++) {
      for (const sink of sinks) sink.push("x".repeat(10_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => heard).toHaveLength(300);
  });
});

describe("streams in number", () => {
  test("are at most 16 for each socket, which leaves room for questions, and one that ends makes room", async () => {
    for (let i = 0; i < 16; i++) connect('{"verb":"events"}\n');
    await expect.poll(() => sinks).toHaveLength(16);
    await expect(follow([])).rejects.toMatchObject({ code: "too-many-streams" });
    expect(await askDaemon(path, { verb: "version" }, 1_000)).toBe("here");
    clients[3]?.destroy();
    await expect.poll(() => sinks).toHaveLength(15);
    follow([]).catch(() => {});
    await expect.poll(() => sinks).toHaveLength(16);
  });
});

describe("whoever follows a daemon", () => {
  test("that does not run is told so", async () => {
    server.close();
    await expect(follow([])).rejects.toMatchObject({ code: "not-running", exitCode: ExitCode.notRunning });
  });

  test("hears of an answer that is none", async () => {
    await expect(followDaemon(path, { verb: "reload" }, { heard: () => {}, lost: () => {} })).rejects.toMatchObject({
      code: "bad-request",
    });
  });
});

async function follow(heard: unknown[]): Promise<never> {
  return followDaemon(path, { verb: "events", level: "info" }, { heard: (item) => heard.push(item), lost: () => {} });
}

function connect(text: string): Socket {
  const client = createConnection(path);
  clients.push(client);
  client.write(text);
  return client;
}

/** Grows with every line that the client reads. */
function linesOf(client: Socket): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  let waiting = "";
  client.setEncoding("utf8");
  client.on("data", (text: string) => {
    const [last = "", ...whole] = (waiting + text).split("\n").reverse();
    waiting = last;
    lines.push(...whole.reverse().map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  return lines;
}

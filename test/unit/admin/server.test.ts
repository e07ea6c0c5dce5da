import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askDaemon } from "../../../src/admin/client.ts";
import { AdminServer } from "../../../src/admin/server.ts";
import { type Asker, answers, type Members, nothing, type Verb } from "../../../src/admin/verb.ts";
import { ExitCode, OperatorError } from "../../../src/runtime/operator-error.ts";

let folder: string;
let path: string;
const open: AdminServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-admin-"));
  path = join(folder, "control.sock");
});
afterEach(() => {
  for (const server of open.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

const version = { verb: "version" } as const;

describe("a daemon that is asked", () => {
  test("answers with what the handler gives", async () => {
    await serve(async () => ({ version: "0.1.0" }));
    expect(await askDaemon(path, version, 1_000)).toEqual({ version: "0.1.0" });
  });

  test("writes counters of 64 bits as numbers", async () => {
    await serve(async () => ({ packets: 12n }));
    expect(await askDaemon(path, version, 1_000)).toEqual({ packets: 12 });
  });

  test("passes a complaint on with its exit code", async () => {
    await serve(async () => {
      throw new OperatorError("x", { what: "a", why: "b", todo: "c" }, ExitCode.notPermitted);
    });
    await expect(askDaemon(path, version, 1_000)).rejects.toMatchObject({
      code: "x",
      message: "a - b - c",
      exitCode: ExitCode.notPermitted,
    });
  });

  test("survives a fault in an answer and says what it was", async () => {
    await serve(async () => {
      throw new TypeError("undefined is not a status");
    });
    await expect(askDaemon(path, version, 1_000)).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("undefined is not a status"),
    });
  });

  test("makes one answer at a time for a client that does not read", async () => {
    let made = 0;
    await serve(async () => {
      made++;
      return "x".repeat(4 << 20);
    });
    const client = createConnection(path);
    client.pause();
    client.write('{"verb":"status"}\n'.repeat(50));
    await expect.poll(() => made).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(made).toBe(1);
    client.destroy();
  });

  test("answers several requests of one client in order", async () => {
    await serve(async (request) => request);
    const lines = await talk('{"verb":"status"}\n{"verb":"version"}\n', 2);
    expect(lines.map((line) => JSON.parse(line).result.verb)).toEqual(["status", "version"]);
  });

  test.each([
    ["no JSON", "hello\n", /not JSON/],
    ["no object", "7\n", /not an object/],
    ["an unknown verb", '{"verb":"dance"}\n', /no such verb/],
    ["what every object has", '{"verb":"constructor"}\n', /no such verb: there are status, version, reload/],
    ["what the verb does not understand", '{"verb":"odd"}\n', /odd needs more/],
  ])("refuses %s in a sentence", async (_, line, sentence) => {
    await serve(async () => ({}));
    const [response] = await talk(line, 1);
    expect(JSON.parse(response ?? "")).toMatchObject({
      schema: 1,
      ok: false,
      error: { why: expect.stringMatching(sentence) },
    });
  });

  test("does not reload for those who may only read", async () => {
    await serve(async () => ({}), "reader");
    await expect(askDaemon(path, { verb: "reload" }, 1_000)).rejects.toMatchObject({ exitCode: ExitCode.notPermitted });
    expect(await askDaemon(path, version, 1_000)).toEqual({});
  });

  test("closes the connection of a client whose request does not end", async () => {
    await serve(async () => ({}));
    expect(await talk("x".repeat(200_000), 1)).toEqual([]);
  });

  test("serves 32 clients at once and refuses the next", async () => {
    await serve(async () => new Promise(() => {}));
    const clients = Array.from({ length: 32 }, () => createConnection(path));
    await Promise.all(clients.map((client) => new Promise((resolve) => client.once("connect", resolve))));
    const late = createConnection(path);
    await new Promise((resolve) => late.once("close", resolve).once("error", () => {}));
    for (const client of clients) client.destroy();
  });

  test("has a socket with the mode that was asked for, over a stale one", async () => {
    await serve(async () => ({}));
    open.splice(0)[0]?.close();
    await serve(async () => ({}));
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });
});

describe("a daemon that is not there", () => {
  test("gives exit code 3 and the command that starts it", async () => {
    await expect(askDaemon(path, version, 1_000)).rejects.toMatchObject({
      exitCode: ExitCode.notRunning,
      message: expect.stringContaining("lacis run --config"),
    });
  });

  test("but has left its socket gives the same", async () => {
    await serve(async () => ({}));
    rmSync(path);
    await expect(askDaemon(path, version, 1_000)).rejects.toMatchObject({ exitCode: ExitCode.notRunning });
  });

  test("or is silent is given up on", async () => {
    await serve(async () => new Promise(() => {}));
    await expect(askDaemon(path, version, 50)).rejects.toMatchObject({ code: "daemon-silent" });
  });
});

/** A server whose verbs all do the same. */
async function serve(answer: (members: Members) => Promise<unknown>, who: Asker = "owner"): Promise<void> {
  const same = (asker: Asker): Verb => answers(asker, (members) => members, answer);
  const odd = answers("reader", () => "odd needs more", nothing);
  const server = new AdminServer(
    { path, mode: 0o660, who },
    { status: same("reader"), version: same("reader"), reload: same("owner"), odd },
  );
  open.push(server);
  await server.listen();
}

/** What comes back for `text` until there are `count` lines or the connection ends. */
async function talk(text: string, count: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const client = createConnection(path);
    let answer = "";
    const finish = (): void => {
      client.destroy();
      resolve(answer.split("\n").slice(0, -1));
    };
    client.write(text);
    client.on("data", (chunk) => {
      answer += chunk.toString();
      if (answer.split("\n").length > count) finish();
    });
    client.on("close", finish);
    client.on("error", finish);
  });
}

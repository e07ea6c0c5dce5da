import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askDaemon, followDaemon } from "../../../src/admin/client.ts";
import { ExitCode } from "../../../src/runtime/operator-error.ts";

const MALLORY = 65_534;
/** Only root can give a folder away. */
const asRoot = test.skipIf(process.getuid?.() !== 0);

let folder: string;
let path: string;
let server: Server | undefined;
const clients: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-client-"));
  path = join(folder, "owner.sock");
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const reload = { verb: "reload" } as const;
const APPLIED = '{"schema":1,"ok":true,"result":{"applied":["firewall.inbound"],"needsRestart":[],"warnings":[]}}\n';

describe("a client does not believe", () => {
  asRoot('a server that says "applied" in a folder of somebody else', async () => {
    await serve((client) => client.write(APPLIED));
    chownSync(path, MALLORY, MALLORY);
    chownSync(folder, MALLORY, MALLORY);
    await expect(askDaemon(path, reload, 1_000)).rejects.toMatchObject({
      code: "state-foreign",
      exitCode: ExitCode.foreign,
      message: expect.stringMatching(/does not believe .* - \S+ belongs to somebody else \(user 65534\) - .*ls -ld/),
    });
    expect(clients, "not even asked").toEqual([]);
  });

  test('a server that says "applied" in a folder that others can write in', async () => {
    await serve((client) => client.write(APPLIED));
    expect(await askDaemon(path, reload, 1_000)).toMatchObject({ applied: ["firewall.inbound"] });
    chmodSync(folder, 0o777);
    clients.length = 0;
    await expect(askDaemon(path, reload, 1_000)).rejects.toMatchObject({ exitCode: ExitCode.foreign });
    await expect(followDaemon(path, { verb: "watch" }, nobody)).rejects.toMatchObject({ exitCode: ExitCode.foreign });
    expect(clients, "not even asked").toEqual([]);
  });

  asRoot("a socket of somebody else in a folder of its own", async () => {
    await serve((client) => client.write(APPLIED));
    chownSync(path, MALLORY, MALLORY);
    await expect(askDaemon(path, reload, 1_000)).rejects.toMatchObject({ exitCode: ExitCode.foreign });
  });

  test("a file in the place of the socket", async () => {
    writeFileSync(path, APPLIED);
    await expect(askDaemon(path, reload, 1_000)).rejects.toThrow(/owner\.sock is not a socket/);
  });
});

describe("a client waits no longer than it was told", () => {
  test("for one that lets it in and never answers", async () => {
    await serve(() => {});
    await expect(askDaemon(path, reload, 50)).rejects.toMatchObject({ code: "daemon-silent", exitCode: ExitCode.bad });
    await expect(followDaemon(path, { verb: "watch" }, nobody, 50)).rejects.toMatchObject({ code: "daemon-silent" });
  });

  test("for one that answers a letter at a time", async () => {
    let letters: NodeJS.Timeout | undefined;
    await serve((client) => {
      letters = setInterval(() => client.write(" "), 5);
    });
    await expect(askDaemon(path, reload, 100)).rejects.toMatchObject({ code: "daemon-silent" });
    clearInterval(letters);
  });

  test("while a stream that has begun may be quiet for as long as it likes", async () => {
    const heard: unknown[] = [];
    await serve((client) => {
      client.write('{"schema":1,"ok":true,"result":1,"more":true}\n');
      setTimeout(() => client.write('{"schema":1,"ok":true,"result":2,"more":true}\n'), 150);
      setTimeout(() => client.end('{"schema":1,"ok":true,"more":false,"end":"stopping"}\n'), 160);
    });
    const follower = { ...nobody, heard: (result: unknown) => heard.push(result) };
    await expect(followDaemon(path, { verb: "watch" }, follower, 50)).rejects.toMatchObject({ code: "daemon-ended" });
    expect(heard).toEqual([1, 2]);
  });

  test("and says so when it was let in and sent away", async () => {
    await serve((client) => client.destroy());
    await expect(askDaemon(path, reload, 1_000)).rejects.toMatchObject({ code: "daemon-hung-up" });
  });
});

const nobody = { heard: () => {}, lost: () => {} };

async function serve(answer: (client: Socket) => void): Promise<void> {
  server = createServer((client) => {
    clients.push(client);
    client.on("error", () => {});
    client.once("data", () => answer(client));
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
}

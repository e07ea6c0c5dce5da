import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseForward } from "../../../../src/cli/loopback.ts";
import { dialThrough, openStream, parseHost } from "../../../../src/cli/proxy-client.ts";
import { SocksReply } from "../../../../src/runtime/proxy/socks.ts";
import { serveSocks } from "../../../../src/runtime/proxy/socks-session.ts";
import type { Dialled } from "../../../../src/runtime/proxy/stream-client.ts";

const PROGRAM = fileURLToPath(new URL("../../../../dist/src/cli/main.js", import.meta.url));
const DB = { host: "db1", port: 5432 };

describe("a stream through the daemon's proxy, for commands of ours", () => {
  let folder: string;
  let path: string;
  let server: Server;
  let dial: () => Promise<Dialled>;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lacis-proxy-"));
    path = join(folder, "proxy.sock");
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      void serveSocks(client, { password: undefined, offersChunks: true, dial: () => dial() });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test("carries bytes both ways, and its end is an end", async () => {
    const there = echo();
    dial = async () => ({ stream: there });
    const stream = await openStream(path, DB);
    stream.end("hello");
    expect((await buffer(stream)).toString()).toBe("hello");
  });

  test("that breaks off there breaks off here, with what had come before", async () => {
    const there = new PassThrough();
    dial = async () => ({ stream: there });
    const stream = await openStream(path, DB);
    there.write("half of");
    const heard: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => heard.push(bytes));
    await expect.poll(() => Buffer.concat(heard).toString()).toBe("half of");
    const ended = buffer(stream);
    there.destroy();
    await expect(ended).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
  });

  test("that breaks off here breaks off there", async () => {
    const there = new PassThrough();
    dial = async () => ({ stream: there });
    const stream = await openStream(path, DB);
    stream.destroy();
    await expect.poll(() => there.destroyed).toBe(true);
  });

  test("that rules forbid says which, and what to ask", async () => {
    const words = { why: "db1 refuses it: no inbound rule allows it", todo: "lacis why db1 tcp/5432" };
    dial = async () => ({ refused: SocksReply.notAllowed, words });
    await expect(openStream(path, DB)).rejects.toMatchObject({
      code: "stream-refused",
      complaint: { what: "cannot reach port 5432 of db1", ...words },
    });
  });

  test("that is refused without more being known says what that may mean", async () => {
    dial = async () => ({ refused: SocksReply.refused });
    await expect(openStream(path, DB)).rejects.toThrow(
      "it was refused - see whether a rule did: lacis why db1 tcp/5432",
    );
  });

  test("that nobody answers is given up when somebody waits no longer", async () => {
    dial = () => new Promise(() => {});
    await expect(openStream(path, DB, 100)).rejects.toThrow("nobody answered within 0.1 s - see what becomes of it");
  });

  test.skipIf(!existsSync(PROGRAM))(
    "that lacis nc carries and that breaks off ends it with 6, behind what has come",
    async () => {
      const there = new PassThrough();
      dial = async () => ({ stream: there });
      const nc = spawn(process.execPath, [PROGRAM, "nc", "--socket", join(folder, "control.sock"), "db1", "5432"]);
      const said = { out: "", err: "" };
      nc.stdout.on("data", (bytes: Buffer) => (said.out += bytes.toString()));
      nc.stderr.on("data", (bytes: Buffer) => (said.err += bytes.toString()));
      const ended = new Promise((resolve) => nc.once("close", resolve));
      there.write("half of");
      await expect.poll(() => said.out, { timeout: 30_000 }).toBe("half of");
      there.destroy();
      expect(await ended).toBe(6);
      expect(said.err).toMatch(/^lacis: the stream to port 5432 of db1 - it broke off: .*\n$/);
    },
  );

  test("for a proxy's client is refused as the daemon refuses it", async () => {
    dial = async () => ({ refused: SocksReply.refused });
    expect(await dialThrough(path)({ name: "db1", port: 1 })).toEqual({ refused: SocksReply.refused });
  });
});

describe("a client that is no command of ours", () => {
  test("breaks off where its stream does, and the daemon goes on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lacis-proxy-"));
    const there = new PassThrough();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      void serveSocks(client, { password: undefined, dial: async () => ({ stream: there }) });
    });
    await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
    const { createConnection } = await import("node:net");
    const client = createConnection(join(folder, "s"));
    client.write(Uint8Array.of(5, 1, 0, 5, 1, 0, 3, 3, ...Buffer.from("db1"), 0, 80));
    await expect.poll(() => client.bytesRead).toBe(12);
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.resume();
    // A Unix socket knows no reset.
    there.destroy();
    await closed;
    server.close();
    rmSync(folder, { recursive: true });
  });
});

describe("a host that nobody can be", () => {
  test.each([
    ["too long for SOCKS", "a".repeat(256)],
    ["empty", ""],
    ["with a space", "db 1"],
    ["of other letters", "dä"],
  ])("%s is refused before anybody is asked", (_, host) => {
    expect(() => parseHost(host)).toThrow("no host has that name");
  });

  test("is refused when a port is to lead there, too", () => {
    expect(() => parseForward(`80:${"a".repeat(256)}:80`)).toThrow("no host has that name");
    expect(parseHost("a".repeat(255))).toHaveLength(255);
  });
});

function echo(): Duplex {
  return new PassThrough();
}

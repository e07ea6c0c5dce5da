import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { FrameReader } from "../../../../src/runtime/dataplane/contract/frame.ts";
import { NativeConnection } from "../../../../src/runtime/dataplane/native/native-connection.ts";

const COMMANDS = 50;
let folder: string | undefined;
let server: Server | undefined;

afterEach(() => {
  server?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** How many frames the other side has read when the connection ends. */
async function framesHeard(say: (connection: NativeConnection) => void): Promise<number> {
  folder = mkdtempSync(join(tmpdir(), "lacis-gathered-"));
  const path = join(folder, "socket");
  let frames = 0;
  const ended = new Promise<void>((resolve) => {
    server = createServer((socket) => {
      const reader = new FrameReader();
      socket.on("data", (chunk) => {
        const read = reader.push(chunk);
        if (read.ok) frames += read.value.length;
      });
      socket.on("close", () => resolve());
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  say(await NativeConnection.open(path));
  await ended;
  return frames;
}

function sayAll(connection: NativeConnection): void {
  for (let i = 0; i < COMMANDS; i++) connection.command({ kind: "drop-parked", destination: "10.77.0.9" as IpAddress });
}

test("what is said in the turn in which the connection is closed is still heard", async () => {
  expect(
    await framesHeard((connection) => {
      sayAll(connection);
      connection.close();
    }),
  ).toBe(COMMANDS);
});

test("what is said in one turn is heard without anything that is said later", async () => {
  expect(
    await framesHeard((connection) => {
      sayAll(connection);
      setTimeout(() => connection.close(), 100);
    }),
  ).toBe(COMMANDS);
});

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseAddress } from "../../../../src/core/netip/address.ts";
import { SocksReply } from "../../../../src/runtime/proxy/socks.ts";
import { type Dialled, dialStream } from "../../../../src/runtime/proxy/stream-client.ts";

describe("a stream of the data plane", () => {
  let folder: string;
  let path: string;
  let server: Server;
  let serve: (socket: Socket, request: Buffer) => void;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lacis-streams-"));
    path = join(folder, "s");
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.once("data", (request: Buffer) => serve(socket, request));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const dial = (address = "10.77.0.1"): Promise<Dialled> => {
    const parsed = parseAddress(address);
    if (parsed === undefined) throw new Error("no address");
    return dialStream(path, parsed, 80);
  };

  test.each([
    ["10.77.0.1", "0100000000000000000000ffff0a4d00010050"],
    ["fd00::1", "01fd0000000000000000000000000000010050"],
  ])("to %s is asked for in 19 bytes", async (address, hex) => {
    let heard = "";
    serve = (socket, request) => {
      heard = request.toString("hex");
      socket.end(Uint8Array.of(1));
    };
    await dial(address);
    expect(heard).toBe(hex);
  });

  test.each([
    [1, SocksReply.refused],
    [2, SocksReply.timedOut],
    [3, SocksReply.networkUnreachable],
    [4, SocksReply.failure],
    [200, SocksReply.failure],
  ])("that is answered with %i is refused with %i", async (answer, refused) => {
    serve = (socket) => socket.end(Uint8Array.of(answer));
    expect(await dial()).toEqual({ refused });
  });

  test("brings its bytes, however they are divided, and its end", async () => {
    serve = (socket) => {
      socket.write(Uint8Array.of(0, 0));
      socket.write(Uint8Array.of(2, 7));
      socket.write(Uint8Array.of(8, 0, 1, 9, 0, 0));
    };
    const { stream, bytes } = await opened();
    expect(await bytes).toEqual([7, 8, 9]);
    stream.destroy();
  });

  test("that ends without saying so has broken off", async () => {
    serve = (socket) => socket.end(Uint8Array.of(0, 0, 2, 7));
    const { bytes } = await opened();
    await expect(bytes).rejects.toThrow("closed before its end");
  });

  test("takes its bytes in chunks, and its end apart from the other one", async () => {
    const heard: Buffer[] = [];
    const ended = new Promise<void>((resolve) => {
      serve = (socket) => {
        socket.write(Uint8Array.of(0));
        socket.on("data", (bytes: Buffer) => {
          heard.push(bytes);
          if (Buffer.concat(heard).subarray(-2).equals(Buffer.of(0, 0))) resolve();
        });
      };
    });
    const { stream, bytes } = await opened();
    bytes.catch(() => {});
    stream.end(Buffer.alloc(65_536, 1));
    await ended;
    const all = Buffer.concat(heard);
    expect([all.readUInt16BE(0), all.readUInt16BE(65_537), all.length]).toEqual([65_535, 1, 65_536 + 6]);
    stream.destroy();
  });

  async function opened(): Promise<{ stream: NodeJS.ReadWriteStream & { destroy(): void }; bytes: Promise<number[]> }> {
    const dialled = await dial();
    if (!("stream" in dialled)) throw new Error("refused");
    const { stream } = dialled;
    const bytes = new Promise<number[]>((resolve, reject) => {
      const heard: number[] = [];
      stream.on("data", (chunk: Buffer) => heard.push(...chunk));
      stream.on("end", () => resolve(heard));
      stream.on("error", reject);
      stream.on("close", () => reject(new Error("closed before its end")));
    });
    return { stream, bytes };
  }
});

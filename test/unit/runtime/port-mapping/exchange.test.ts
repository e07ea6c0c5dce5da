import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { exchange } from "../../../../src/runtime/port-mapping/upnp/exchange.ts";

let server: Server | undefined;
afterEach(() => void server?.close());

describe("a question to a router over HTTP ends without an answer", () => {
  test.each([
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"],
    ["hints and nothing else", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1_000)],
    ["less than was announced", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"],
    ["a piece of no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["a header without an end", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}`],
    ["more than any router", `HTTP/1.1 200 OK\r\n\r\n${"a".repeat(100_000)}`],
    ["no HTTP", "\0\0\0\0"],
    ["nothing", ""],
  ])("when what comes is %s, and stays there", async (_, text) => {
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(text));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const place = new URL(`http://127.0.0.1:${port}/root.xml`);
    expect(await exchange(place, { method: "GET", patienceMs: 300 })).toBeUndefined();
  });
});

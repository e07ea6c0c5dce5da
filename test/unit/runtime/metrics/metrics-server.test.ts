import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MetricsServer } from "../../../../src/runtime/metrics/metrics-server.ts";
import { freePort } from "../mesh-files.ts";

let server: MetricsServer;
let port: number;
let made: number;
let text: string;
const clients: Socket[] = [];

beforeEach(async () => {
  port = await freePort();
  made = 0;
  text = "a 1\n";
  server = new MetricsServer({
    path: "/metrics",
    contentType: "text/plain",
    text: async () => {
      made++;
      return text;
    },
  });
  await server.listen({ host: "127.0.0.1", port });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server.close();
});

describe("whoever reaches the page of metrics", () => {
  test("and says nothing, or says it in drops, is cut off, and others are served meanwhile", async () => {
    const silent = client();
    const slow = client();
    slow.write("GET /metrics HTTP/1.1\r\nhost: x\r\n");
    const dripping = setInterval(() => slow.write("a"), 200);
    expect(await get()).toBe("a 1\n");
    await Promise.all([closed(silent), closed(slow)]);
    clearInterval(dripping);
    expect(made).toBe(1);
  }, 20_000);

  test("and sends headers without end is cut off", async () => {
    const greedy = client();
    greedy.write(`GET /metrics HTTP/1.1\r\n${"x: y\r\n".repeat(10_000)}`);
    await closed(greedy);
    expect(made).toBe(0);
  });

  test("and sends a body without end costs no memory, and gets an answer", async () => {
    const talker = client();
    talker.write("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n");
    expect(await firstLine(talker)).toBe("HTTP/1.1 405 Method Not Allowed");
  });

  test("and reads nothing of a long answer is cut off", async () => {
    text = "a 1\n".repeat(4_000_000);
    const deaf = client();
    deaf.pause();
    deaf.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    await expect.poll(() => made).toBe(1);
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    deaf.resume();
    await closed(deaf);
    expect(performance.now() - begun).toBeLessThan(13_000);
  }, 20_000);

  test("with more connections than there are places is refused, and those who were there are served", async () => {
    const first = Array.from({ length: 32 }, () => client());
    await Promise.all(first.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await closed(client());
    first[0]?.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await firstLine(first[0]!)).toBe("HTTP/1.1 200 OK");
  });

  test.each([
    "GARBAGE\r\n\r\n",
    "GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n",
    "\u0016\u0003\u0001\u0000",
    "GET /metrics HTTP/9.9\r\n\r\n",
  ])("and speaks something else (%j) harms nobody", async (words) => {
    const stranger = client();
    stranger.write(words);
    await expect.poll(get, { timeout: 8_000 }).toBe("a 1\n");
    stranger.end();
    await closed(stranger);
  });
});

function client(): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  clients.push(socket);
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}

async function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once("data", (bytes) => resolve(bytes.toString().split("\r\n")[0] ?? "")));
}

async function get(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

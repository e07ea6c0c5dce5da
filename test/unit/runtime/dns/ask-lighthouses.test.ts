import { createSocket, type Socket } from "node:dgram";
import { decode, encode } from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { LighthouseNames } from "../../../../src/runtime/dns/ask-lighthouses.ts";

const NETWORKS = [parsePrefix("10.77.0.2/24")!];
const QUESTION = { name: "printer", type: "A" } as const;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

describe("a name that is not known here", () => {
  test("is asked of all lighthouses, and the first that knows it counts", async () => {
    const port = await lighthouses(["127.0.0.1", () => "NXDOMAIN"], ["127.0.0.2", () => ["10.77.0.9", "10.77.0.10"]]);
    expect(await ask(port, "127.0.0.1", "127.0.0.2")).toEqual({
      rcode: 0,
      data: { type: "A", address: "10.77.0.9" },
    });
  });

  test("is none when all say so, and not to be had when one of them is silent", async () => {
    const port = await lighthouses(["127.0.0.1", () => "NXDOMAIN"], ["127.0.0.2", () => undefined]);
    expect(await ask(port, "127.0.0.1")).toEqual({ rcode: 3 });
    expect(await ask(port, "127.0.0.1", "127.0.0.2")).toEqual({ rcode: 2 });
    expect(await ask(port, "127.0.0.3"), "nobody listens").toEqual({ rcode: 2 });
    expect(await ask(port), "there is none").toEqual({ rcode: 2 });
  });

  test("leads nobody out of the overlay, whatever a lighthouse says", async () => {
    const port = await lighthouses(["127.0.0.1", () => ["192.0.2.1"]]);
    expect(await ask(port, "127.0.0.1")).toEqual({ rcode: 0 });
  });

  test("is not answered by an answer to another question", async () => {
    const port = await lighthouses(["127.0.0.1", () => undefined]);
    const [socket] = sockets;
    socket?.on("message", (bytes, { port: from, address }) => {
      const { id = 0, questions = [] } = decode(bytes);
      const answers = [{ type: "A", name: "printer", data: "10.77.0.9" } as const];
      const others = [{ type: "A", name: "scanner" } as const];
      socket.send(encode({ type: "response", id: id ^ 1, questions, answers }), from, address);
      socket.send(encode({ type: "response", id, questions: others, answers }), from, address);
      socket.send(Uint8Array.of(1, 2, 3), from, address);
    });
    expect(await ask(port, "127.0.0.1")).toEqual({ rcode: 2 });
  });
});

function ask(port: number, ...addresses: string[]) {
  const names = new LighthouseNames({ port, answerMs: 300 });
  return names.ask(QUESTION, addresses as IpAddress[], NETWORKS);
}

/** Responders at one port of several addresses; each says addresses, that there are none, or nothing. */
async function lighthouses(
  ...all: readonly (readonly [address: string, says: () => readonly string[] | "NXDOMAIN" | undefined])[]
): Promise<number> {
  let port = 0;
  for (const [address, says] of all) {
    const socket = createSocket("udp4");
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.bind(port, address, resolve));
    port = socket.address().port;
    socket.on("message", (bytes, from) => {
      const said = says();
      if (said === undefined) return;
      const { id = 0, questions = [] } = decode(bytes);
      const found = said === "NXDOMAIN" ? [] : said;
      const answers = found.map((data) => ({ type: "A", name: "printer", data }) as const);
      const flags = said === "NXDOMAIN" ? 3 : 0;
      socket.send(encode({ type: "response", id, flags, questions, answers }), from.port, from.address);
    });
  }
  return port;
}

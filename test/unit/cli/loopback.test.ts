import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { parseForward, parseLoopback, serveLoopback } from "../../../src/cli/loopback.ts";
import { endpointAddress, endpointPort } from "../../../src/core/netip/endpoint.ts";

describe("a port of this machine", () => {
  test.each([
    ["5432", { address: "127.0.0.1", port: 5432 }],
    ["0", { address: "127.0.0.1", port: 0 }],
    ["127.0.0.2:5432", { address: "127.0.0.2", port: 5432 }],
    ["[::1]:5432", { address: "::1", port: 5432 }],
  ])("%s is read", (text, place) => expect(parseLoopback(text)).toEqual(place));

  test.each([
    ["0.0.0.0:5432", "0.0.0.0 is no loopback address: the whole network could use it"],
    ["[::]:5432", ":: is no loopback address"],
    ["1:2:3", "it is not [ADDRESS:]PORT"],
    ["127.0.0.1:http", "http"],
  ])("%s is refused", (text, why) => expect(() => parseLoopback(text)).toThrow(why));

  test("leads where is said behind it, also to an address of IPv6 from one", () => {
    expect(parseForward("5432:db1:5433")).toEqual({
      at: { address: "127.0.0.1", port: 5432 },
      to: { host: "db1", port: 5433 },
    });
    expect(parseForward("[::1]:5432:[fd00::2]:5433")).toEqual({
      at: { address: "::1", port: 5432 },
      to: { host: "fd00::2", port: 5433 },
    });
    expect(() => parseForward("db1:5432")).toThrow("it is not [ADDRESS:]PORT:HOST:PORT");
    expect(() => parseForward("192.0.2.1:5432:db1:5432")).toThrow("no loopback address");
  });

  test("that is left to the system is told as the one that it is", async () => {
    let clients = 0;
    const at = await serveLoopback({ address: "127.0.0.1", port: 0 }, (client) => {
      clients++;
      client.end("hello");
    });
    const [bytes] = await once(connect(endpointPort(at), endpointAddress(at)), "data");
    expect([String(bytes), clients]).toEqual(["hello", 1]);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Read, readGreeting, readRequest, readSignIn, SocksReply } from "../../../../src/runtime/proxy/socks.ts";

const CONNECT = [5, 1, 0];
const bytes = (...parts: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());
const text = (value: string): number[] => [...Buffer.from(value)];

describe("a greeting", () => {
  test("offers methods", () => {
    expect(readGreeting(bytes([5, 2, 0, 2]))).toEqual({ at: "done", value: [0, 2], bytes: 4 });
  });

  test("of another version is none", () => {
    expect(readGreeting(bytes([4, 1, 0]))).toEqual({ at: "bad", reply: SocksReply.failure });
  });
});

describe("a sign-in", () => {
  test("has a name and a password", () => {
    const read = readSignIn(bytes([1, 1], text("a"), [2], text("bc"), text("more")));
    expect(read).toEqual({
      at: "done",
      value: { name: Uint8Array.from(text("a")), password: Uint8Array.from(text("bc")) },
      bytes: 6,
    });
  });

  test("of another version is none", () => {
    expect(readSignIn(bytes([5, 1, 97, 1, 98]))).toMatchObject({ at: "bad" });
  });
});

describe("a request", () => {
  test("names a host", () => {
    const read = readRequest(bytes(CONNECT, [3, 3], text("db1"), [0x15, 0x38]));
    expect(read).toEqual({ at: "done", value: { name: "db1", port: 5432 }, bytes: 10 });
  });

  test("or an address of either family", () => {
    const v4 = readRequest(bytes(CONNECT, [1, 10, 77, 0, 1], [0, 80]));
    expect(v4).toMatchObject({ at: "done", value: { address: "10.77.0.1", port: 80 } });
    const v6 = readRequest(bytes(CONNECT, [4, 0xfd], new Array<number>(14).fill(0), [1], [0, 80]));
    expect(v6).toMatchObject({ at: "done", value: { address: "fd00::1", port: 80 } });
  });

  test.each([
    ["to listen or to send datagrams", [5, 2, 0, 1, 10, 77, 0, 1, 0, 80], SocksReply.commandUnsupported],
    ["with a kind of address that there is not", [5, 1, 0, 2, 10, 77, 0, 1, 0, 80], SocksReply.addressUnsupported],
    ["without a name", [5, 1, 0, 3, 0, 0, 80], SocksReply.hostUnreachable],
    ["with a name that holds a line break", [5, 1, 0, 3, 2, 97, 10, 0, 80], SocksReply.hostUnreachable],
    ["for port 0", [5, 1, 0, 1, 10, 77, 0, 1, 0, 0], SocksReply.hostUnreachable],
    ["of another version", [4, 1, 0, 80, 10, 77, 0, 1, 0], SocksReply.failure],
  ])("%s is refused by name", (_, request, reply) => {
    expect(readRequest(Uint8Array.from(request))).toEqual({ at: "bad", reply });
  });
});

describe("whatever a program sends", () => {
  const readers: readonly ((bytes: Uint8Array) => Read<unknown>)[] = [readGreeting, readSignIn, readRequest];
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.uint8Array({ maxLength: 600 }).map((rest) => bytes([5, 1, 0, 3], [...rest])),
    fc.uint8Array({ maxLength: 600 }).map((rest) => bytes([1], [...rest])),
  );

  test("is read without a throw, takes no byte that is not there, and is decided within 513 bytes", () => {
    fc.assert(
      fc.property(hostile, (sent) => {
        for (const reader of readers) {
          const read = reader(sent);
          if (read.at === "done") expect(read.bytes).toBeLessThanOrEqual(sent.length);
          if (read.at === "more") expect(sent.length).toBeLessThan(513);
        }
      }),
    );
  });

  test("means the same in drops: more until it is decided, and then never anything else", () => {
    fc.assert(
      fc.property(hostile, (sent) => {
        for (const reader of readers) {
          const whole = reader(sent);
          for (let end = 0; end <= sent.length; end++) {
            const read = reader(sent.subarray(0, end));
            if (read.at !== "more") expect(read).toEqual(whole);
          }
        }
      }),
    );
  });
});

import { expect, test } from "vitest";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath } from "../../src/core/path/path.ts";
import { encodeHeader, recvErrorFor } from "../../src/core/wire/header.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { FarEnd, facts, handshake, OWN_4, PEER, PEER_4, STRANGER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";

const unknown = encodeHeader({ type: 1, subtype: 0, remoteIndex: 0xdeadbeef, counter: 9n });

describeDataPlanes("handshakes", (open) => {
  test("go to the control plane as they came", async () => {
    const plane = await open();
    for (const message of [handshake(1n, 0), handshake(2n, 7), handshake(1n, 0, 1), handshake(1n, 0, 9001 - 16)]) {
      expect(await plane.udp(STRANGER, message)).toMatchObject([
        { event: { kind: "datagram", origin: directPath(STRANGER), datagram: Buffer.from(message).toString("hex") } },
      ]);
    }
  });

  test.each([
    ["counter 0", handshake(0n, 0)],
    ["counter 3", handshake(3n, 7)],
    ["message 1 with an index", handshake(1n, 7)],
    ["message 2 without one", handshake(2n, 0)],
    ["nothing behind the header", handshake(1n, 0, 0)],
  ])("with %s are none", async (_, message) => {
    const plane = await open();
    expect(reasons(await plane.udp(STRANGER, message))).toEqual(["bad-handshake"]);
  });

  test("pass 40 at once and 20 a second from one host", async () => {
    const plane = await open();
    expect(await passing(plane, 60, () => STRANGER)).toBe(40);
    await plane.advance(49);
    expect(await passing(plane, 5, () => STRANGER)).toBe(0);
    await plane.advance(1);
    expect(await passing(plane, 5, () => STRANGER)).toBe(1);
    await plane.advance(1000);
    expect(await passing(plane, 60, () => STRANGER)).toBe(20);
  });

  test("of the second kind have a limit of their own, 400 at once and 200 a second from one host", async () => {
    const plane = await open();
    expect(await passing(plane, 500, () => STRANGER, handshake(2n, 7))).toBe(400);
    expect(await passing(plane, 60, () => STRANGER)).toBe(40);
    await plane.advance(1000);
    expect(await passing(plane, 300, () => STRANGER, handshake(2n, 7))).toBe(200);
  });

  test("of the second kind pass 4,000 at once in all", async () => {
    const plane = await open();
    const host = (i: number) => `203.0.${i % 256}.1:9` as Endpoint;
    expect(await passing(plane, 4100, host, handshake(2n, 7))).toBe(4000);
  });

  test("pass 400 at once and 200 a second from one network", async () => {
    const plane = await open();
    const host = (i: number) => `198.51.100.${i % 250}:9` as Endpoint;
    expect(await passing(plane, 500, host)).toBe(400);
    await plane.advance(500);
    expect(await passing(plane, 250, host)).toBe(100);
  });

  test("pass 400 at once from one /48 and 40 from one /64", async () => {
    const plane = await open();
    expect(await passing(plane, 60, (i) => `[2001:db8:0:1::${i}]:9` as Endpoint)).toBe(40);
    expect(await passing(plane, 500, (i) => `[2001:db8:0:${(i % 20) + 2}::1]:9` as Endpoint)).toBe(360);
    expect(await passing(plane, 10, (i) => `[2001:db8:1:${i}::1]:9` as Endpoint)).toBe(10);
  });

  test("pass 1,000 at once in all", async () => {
    const plane = await open();
    expect(await passing(plane, 1200, (i) => `203.0.${i % 100}.${i % 7}:9` as Endpoint)).toBe(1000);
  });

  test("that are refused cost nobody else a token", async () => {
    const plane = await open();
    expect(await passing(plane, 900, () => STRANGER)).toBe(40);
    expect(await passing(plane, 500, (i) => `198.51.100.${20 + (i % 200)}:9` as Endpoint)).toBe(360);
  });
});

describeDataPlanes("a packet of a session that nobody knows", (open) => {
  test("is answered with its own index, in 16 bytes", async () => {
    const plane = await open();
    const observed = await plane.udp(STRANGER, unknown);
    expect(kinds(observed)).toEqual(["drop-sample", "udp"]);
    expect(datagrams(observed)).toEqual(["12000000deadbeef0000000000000000"]);
  });

  test("is answered even when a relay frame names a session that is known", async () => {
    const plane = await open();
    const peer = await plane.join();
    const frame = peer.seal(1, 1, new Uint8Array(40));
    expect(kinds(await plane.udp(PEER, frame))).toEqual(["drop-sample", "udp"]);
  });

  test("is not answered when it is replayed, forged or short", async () => {
    const plane = await open();
    const peer = await plane.join();
    const packet = peer.message(udpPacket({ from: PEER_4, to: OWN_4, fromPort: 1, toPort: 2 }));
    await plane.udp(PEER, packet);
    expect(kinds(await plane.udp(PEER, packet))).toEqual(["drop-sample"]);
    expect(kinds(await plane.udp(PEER, packet.subarray(0, 20)))).toEqual(["drop-sample"]);
    expect(kinds(await plane.udp(PEER, peer.seal(1, 0, new Uint8Array(20), 50n).fill(0, 30)))).toEqual(["drop-sample"]);
  });

  test.each([
    ["never", STRANGER, 0],
    ["never", "10.0.0.1:9", 0],
    ["private", STRANGER, 0],
    ["private", "10.255.0.1:9", 1],
    ["private", "172.15.0.1:9", 0],
    ["private", "172.16.0.1:9", 1],
    ["private", "172.31.255.1:9", 1],
    ["private", "172.32.0.1:9", 0],
    ["private", "192.168.0.1:9", 1],
    ["private", "[fd12::1]:9", 1],
    ["private", "[fe80::1]:9", 0],
    ["private", "[2001:db8::1]:9", 0],
    ["always", STRANGER, 1],
  ] as const)("is answered as configured: %s, %s", async (sendRecvError, source, answers) => {
    const plane = await open();
    await plane.command(facts({ sendRecvError }));
    expect(datagrams(await plane.udp(source as Endpoint, unknown))).toHaveLength(answers);
  });

  test("is answered 10 times at once and 5 times a second to one source, 100 times to all", async () => {
    const plane = await open();
    const answered = async (times: number, source: (i: number) => Endpoint) => {
      let answers = 0;
      for (let i = 0; i < times; i++) answers += datagrams(await plane.udp(source(i), unknown)).length;
      return answers;
    };
    expect(await answered(20, () => STRANGER)).toBe(10);
    expect(await answered(200, (i) => `203.0.113.${i}:9` as Endpoint)).toBe(90);
    await plane.advance(1000);
    expect(await answered(20, () => STRANGER)).toBe(5);
    expect(await answered(200, (i) => `203.0.113.${i}:9` as Endpoint)).toBe(95);
  });
});

describeDataPlanes("recv_error", (open) => {
  test("goes to the control plane, 10 times at once and 5 times a second from one source, 100 times from all", async () => {
    const plane = await open();
    const passed = async (times: number, source: (i: number) => Endpoint) => {
      let events = 0;
      for (let i = 0; i < times; i++)
        if (kinds(await plane.udp(source(i), recvErrorFor(5)))[0] === "datagram") events++;
      return events;
    };
    expect(await passed(20, () => STRANGER)).toBe(10);
    expect(await passed(200, (i) => `203.0.113.${i}:9` as Endpoint)).toBe(90);
    await plane.advance(1000);
    expect(await passed(20, () => STRANGER)).toBe(5);
    expect(await passed(200, (i) => `203.0.113.${i}:9` as Endpoint)).toBe(95);
  });

  test("does not answer an index that a message 2 has named within the last second", async () => {
    const plane = await open();
    const data = new Uint8Array([0x11, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 3]);
    const message2 = new Uint8Array(96);
    message2.set([0x10, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 2]);
    const answers = async () => kinds(await plane.udp(STRANGER, data)).filter((kind) => kind === "udp").length;
    await plane.udp(STRANGER, message2);
    expect(await answers()).toBe(0);
    await plane.advance(999);
    expect(await answers()).toBe(0);
    await plane.advance(1);
    expect(await answers()).toBe(1);
  });

  test("is exactly a header", async () => {
    const plane = await open();
    const long = new Uint8Array(17);
    long.set(recvErrorFor(5));
    expect(reasons(await plane.udp(STRANGER, long))).toEqual(["bad-recv-error"]);
  });
});

describeDataPlanes("a datagram", (open) => {
  test("of no or one byte is a punch: counted, and nothing else", async () => {
    const plane = await open();
    expect(await plane.udp(STRANGER, new Uint8Array())).toEqual([]);
    expect(await plane.udp(STRANGER, new Uint8Array([0x11]))).toEqual([]);
    expect(await plane.dropped("punch")).toBe(2);
  });

  test("is refused by the first thing that is wrong with it", async () => {
    const plane = await open();
    const drop = async (datagram: Uint8Array, source: Endpoint = STRANGER) =>
      reasons(await plane.udp(source, datagram))[0];
    const overlay = "10.77.9.9:1" as Endpoint;
    const long = (first: number, subtype: number) => new Uint8Array(9002).fill(first, 0, 1).fill(subtype, 1, 2);
    expect(await drop(new Uint8Array([0x21]), overlay)).toBeUndefined();
    expect(await drop(new Uint8Array(15).fill(0x21), overlay)).toBe("short-header");
    expect(await drop(long(0x2f, 9), overlay)).toBe("bad-version");
    expect(await drop(long(0x1f, 0), overlay)).toBe("unknown-type");
    expect(await drop(long(0x10, 0), overlay)).toBe("oversized");
    expect(await drop(handshake(9n, 0), overlay)).toBe("overlay-source");
    expect(await drop(handshake(9n, 0))).toBe("bad-handshake");
    expect(await drop(new FarEnd(1, "aes").message(new Uint8Array()).subarray(0, 17))).toBe("unknown-index");
  });

  test("has one of nine types", async () => {
    const plane = await open();
    const known = new Set<string>();
    for (let type = 0; type < 16; type++)
      for (const subtype of [0, 1, 2, 255]) {
        await plane.advance(1000);
        const [reason] = reasons(
          await plane.udp(STRANGER, new Uint8Array([0x10 | type, subtype, ...new Uint8Array(14)])),
        );
        if (reason !== "unknown-type") known.add(`${type}/${subtype}`);
      }
    expect([...known]).toEqual(["0/0", "1/0", "1/1", "2/0", "3/0", "4/0", "4/1", "5/0", "6/0"]);
  });
});

/** How many of so many handshake messages reach the control plane. */
async function passing(
  plane: Driver,
  times: number,
  source: (i: number) => Endpoint,
  message: Uint8Array = handshake(1n, 0, 1),
): Promise<number> {
  let passed = 0;
  for (let i = 0; i < times; i++) {
    if (kinds(await plane.udp(source(i), message.slice()))[0] === "datagram") passed++;
  }
  return passed;
}

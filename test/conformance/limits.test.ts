import { expect, test } from "vitest";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath } from "../../src/core/path/path.ts";
import { encodeHeader, recvErrorFor } from "../../src/core/wire/header.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, flipped, handshake, OWN_4, PEER, PEER_4, STRANGER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

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

  test("of the second kind pass 4,000 at once from those whom we asked, and 400 from all others", async () => {
    const plane = await open();
    const asked = (i: number) => `203.0.${i % 256}.1:9` as Endpoint;
    const others = (i: number) => `203.1.${i % 256}.1:9` as Endpoint;
    for (let i = 0; i < 256; i++) await ask(plane, asked(i));
    expect(await passing(plane, 500, others, handshake(2n, 7))).toBe(400);
    expect(await passing(plane, 4100, asked, handshake(2n, 7))).toBe(4000);
    await plane.advance(1000);
    expect(await passing(plane, 300, others, handshake(2n, 7))).toBe(200);
  });

  test("of the first kind pass 400 at once and 200 a second from one network", async () => {
    const plane = await open();
    const host = (i: number) => `198.51.100.${i % 250}:9` as Endpoint;
    expect(await passing(plane, 500, host, fresh)).toBe(400);
    await plane.advance(500);
    expect(await passing(plane, 250, host, (i) => fresh(1_000 + i))).toBe(100);
  });

  test("of the first kind pass 400 at once from one /48 and 40 from one /64", async () => {
    const plane = await open();
    expect(await passing(plane, 60, (i) => `[2001:db8:0:1::${i}]:9` as Endpoint, fresh)).toBe(40);
    expect(await passing(plane, 500, (i) => `[2001:db8:0:${(i % 20) + 2}::1]:9` as Endpoint, fresh)).toBe(360);
    expect(await passing(plane, 10, (i) => `[2001:db8:1:${i}::1]:9` as Endpoint, fresh)).toBe(10);
  });

  test("of the first kind pass 500 at once in all", async () => {
    const plane = await open();
    expect(await passing(plane, 1200, (i) => `203.0.${i % 100}.${i % 7}:9` as Endpoint, fresh)).toBe(500);
  });

  test("that are refused cost nobody else a token", async () => {
    const plane = await open();
    expect(await passing(plane, 900, () => STRANGER, fresh)).toBe(40);
    expect(await passing(plane, 500, (i) => `198.51.100.${20 + (i % 200)}:9` as Endpoint, fresh)).toBe(360);
  });

  test("that are long cost a token for each 1,500 bytes begun", async () => {
    const plane = await open();
    expect(await passing(plane, 10, () => STRANGER, handshake(1n, 0, 9001 - 16))).toBe(5);
    expect(await passing(plane, 10, () => STRANGER)).toBe(5);
    expect(await passing(plane, 30, () => ELSEWHERE, handshake(1n, 0, 1501 - 16))).toBe(20);
  });
});

describeDataPlanes("the standing of whoever sends a handshake message", (open) => {
  test("is that of a host that repeats itself when the same bytes came from the same port within four seconds", async () => {
    const plane = await open();
    const standing = async (message: Uint8Array, from = STRANGER) => standingOf(await plane.udp(from, message));
    expect(await standing(handshake(1n, 0))).toBe("first");
    expect(await standing(handshake(1n, 0))).toBe("repeated");
    expect(await standing(handshake(1n, 0), ELSEWHERE)).toBe("first");
    expect(await standing(fresh(1))).toBe("first");
    await plane.advance(3_999);
    expect(await standing(handshake(1n, 0))).toBe("repeated");
    await plane.advance(4_000);
    expect(await standing(handshake(1n, 0))).toBe("first");
  });

  test("does not depend on what comes behind its first 64 bytes, nor on whether it was admitted", async () => {
    const plane = await open();
    const other = handshake(1n, 0, 200);
    other[16 + 64] = 9;
    await plane.udp(STRANGER, handshake(1n, 0, 200));
    expect(standingOf(await plane.udp(STRANGER, other))).toBe("repeated");
    other[16 + 63] = 9;
    expect(standingOf(await plane.udp(STRANGER, other))).toBe("first");
    expect(await passing(plane, 100, () => ELSEWHERE, fresh)).toBe(40);
    await plane.advance(1_000);
    expect(standingOf(await plane.udp(ELSEWHERE, fresh(99)))).toBe("repeated");
  });

  test("is that of somebody known once something authentic came from its address, for good", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(standingOf(await plane.udp(PEER, handshake(1n, 0)))).toBe("first");
    await plane.udp(PEER, peer.seal(4, 1, new Uint8Array()));
    await plane.command({ kind: "remove-session", localIndex: peer.localIndex, sendClose: false });
    await plane.advance(3_600_000);
    expect(standingOf(await plane.udp("192.0.2.2:9" as Endpoint, handshake(1n, 0)))).toBe("known");
    expect(standingOf(await plane.udp(PEER, handshake(2n, 7)))).toBe("known");
    expect(standingOf(await plane.udp(PEER, recvErrorFor(5)))).toBe("known");
    expect(standingOf(await plane.udp(STRANGER, recvErrorFor(5)))).toBe("first");
  });

  test("is not earned by a packet that does not open", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.udp(STRANGER, flipped(peer.seal(4, 1, new Uint8Array()), 20));
    expect(standingOf(await plane.udp(STRANGER, handshake(1n, 0)))).toBe("first");
  });

  test("is earned by one address a second in each session", async () => {
    const plane = await open();
    const peer = await plane.join();
    const from = (last: number) => `203.0.113.${last}:9` as Endpoint;
    const talk = (last: number) => plane.udp(from(last), peer.seal(4, 1, new Uint8Array()));
    await talk(1);
    await plane.advance(999);
    await talk(2);
    await plane.advance(1);
    await talk(3);
    const known = [1, 2, 3].map(async (last) => standingOf(await plane.udp(from(last), fresh(last))));
    expect(await Promise.all(known)).toEqual(["known", "first", "known"]);
  });

  test.each([
    ["a message 1", handshake(1n, 0), "known"],
    ["a punch", new Uint8Array([0]), "known"],
    ["a message 2", handshake(2n, 7), "first"],
    ["a recv_error", recvErrorFor(5), "first"],
  ])("after we have sent it %s, for ten seconds", async (_, datagram, standing) => {
    const plane = await open();
    await plane.command({ kind: "send-datagram", to: directPath(STRANGER), datagram });
    await plane.advance(9_999);
    expect(standingOf(await plane.udp("198.51.100.7:1" as Endpoint, handshake(2n, 7)))).toBe(standing);
    await plane.advance(1);
    expect(standingOf(await plane.udp(STRANGER, handshake(2n, 7)))).toBe("first");
  });

  test("decides whose tokens it takes: nobody's but those of the same standing", async () => {
    const plane = await open();
    const somebody = (i: number) => `203.0.${i % 250}.${i % 7}:9` as Endpoint;
    const asked = (i: number) => `203.1.${i % 250}.1:9` as Endpoint;
    for (let i = 0; i < 250; i++) await ask(plane, asked(i));
    expect(await passing(plane, 1_100, somebody, fresh)).toBe(500);
    expect(await passing(plane, 1_100, somebody, fresh)).toBe(1_000);
    expect(await passing(plane, 2_100, asked, fresh)).toBe(2_000);
  });
});

describeDataPlanes("a packet of a session that nobody knows", (open) => {
  test("is answered with its own index, in 16 bytes", async () => {
    const plane = await open();
    const observed = await plane.udp(STRANGER, unknown);
    expect(kinds(observed)).toEqual(["drop-sample", "udp"]);
    expect(datagrams(observed)).toEqual(["12000000deadbeef0000000000000000"]);
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

describeDataPlanes("messages inside a tunnel", (open) => {
  const passed = async (plane: Driver, peer: FarEnd, [type, subtype]: readonly [number, number], times: number) => {
    const observed = await plane.udps(
      PEER,
      Array.from({ length: times }, () => peer.seal(type, subtype, new Uint8Array(9))),
    );
    return observed.filter((each) => kinds(each).some((kind) => kind === "message" || kind === "udp")).length;
  };
  const TEST = [4, 0] as const;
  const TEST_REPLY = [4, 1] as const;
  const LIGHTHOUSE = [3, 0] as const;
  const CONTROL = [6, 0] as const;

  test("are told 500 at once and 100 a second of one peer, all its sessions and all their kinds together", async () => {
    const plane = await open();
    const [first, second] = [await plane.join(1), await plane.join(2)];
    expect(await passed(plane, first, LIGHTHOUSE, 200)).toBe(200);
    expect(await passed(plane, second, CONTROL, 200)).toBe(200);
    expect(await passed(plane, second, TEST_REPLY, 200)).toBe(100);
    expect(await plane.dropped("message-limited")).toBe(100);
    await plane.advance(1000);
    expect(await passed(plane, first, LIGHTHOUSE, 300)).toBe(100);
  });

  test("that ask for an answer get 200 at once and 100 a second, and cost the others nothing", async () => {
    const plane = await open();
    const peer = await plane.join(1);
    const other = new FarEnd(2, "aes");
    await plane.command(other.installation({ peerAddresses: ["10.77.0.3" as IpAddress] }));
    expect(await passed(plane, peer, TEST, 300)).toBe(200);
    expect(await passed(plane, peer, LIGHTHOUSE, 1)).toBe(1);
    expect(await passed(plane, other, TEST, 1)).toBe(1);
    await plane.advance(10);
    expect(await passed(plane, peer, TEST, 3)).toBe(1);
  });

  test("are heard when they close it, however many came before", async () => {
    const plane = await open();
    const peer = await plane.join();
    await passed(plane, peer, LIGHTHOUSE, 600);
    expect(kinds(await plane.udp(PEER, peer.seal(5, 0, new Uint8Array())))).toEqual(["message"]);
    expect(await plane.snapshot()).toEqual([]);
  });
});

describeDataPlanes("a datagram", (open) => {
  test("of no or one byte is a punch: counted, and nothing else", async () => {
    const plane = await open();
    expect(await plane.udp(STRANGER, new Uint8Array())).toEqual([]);
    expect(await plane.udp(STRANGER, new Uint8Array([0x11]))).toEqual([]);
    expect(await plane.dropped("punch")).toBe(2);
  });

  test("scenario 28: is refused by the first thing that is wrong with it", async () => {
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

  test("scenario 28: has one of thirteen types, four of them ours", async () => {
    const plane = await open();
    const known = new Set<string>();
    for (let type = 0; type < 16; type++)
      for (const subtype of [0, 1, 2, 3, 4, 5, 6, 255]) {
        await plane.advance(1000);
        const [reason] = reasons(
          await plane.udp(STRANGER, new Uint8Array([0x10 | type, subtype, ...new Uint8Array(14)])),
        );
        if (reason !== "unknown-type") known.add(`${type}/${subtype}`);
      }
    expect([...known].join(" ")).toBe("0/0 1/0 1/1 2/0 3/0 4/0 4/1 4/2 4/3 4/4 4/5 5/0 6/0");
  });
});

/** How many of so many handshake messages reach the control plane. */
async function passing(
  plane: Driver,
  times: number,
  source: (i: number) => Endpoint,
  message: Uint8Array | ((i: number) => Uint8Array) = handshake(1n, 0, 1),
): Promise<number> {
  let passed = 0;
  for (let i = 0; i < times; i++) {
    const datagram = typeof message === "function" ? message(i) : message.slice();
    if (kinds(await plane.udp(source(i), datagram))[0] === "datagram") passed++;
  }
  return passed;
}

/** A message 1 like no other. */
function fresh(i: number): Uint8Array {
  const message = handshake(1n, 0);
  message.set([i >> 8, i & 0xff], 16);
  return message;
}

async function ask(plane: Driver, to: Endpoint): Promise<void> {
  await plane.command({ kind: "send-datagram", to: directPath(to), datagram: new Uint8Array([0]) });
}

function standingOf(observed: readonly Observed[]): unknown {
  const [first] = observed;
  return first?.out === "event" ? first.event["standing"] : undefined;
}

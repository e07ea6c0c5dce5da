import { expect, test } from "vitest";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath } from "../../src/core/path/path.ts";
import { datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, OWN_4, PEER, PEER_4, STRANGER, withCounter } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";

const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });

describeDataPlanes("a datagram of a session", (open) => {
  test.each(["aes", "chachapoly"] as const)("is opened and its packet written to the device (%s)", async (cipher) => {
    const plane = await open();
    const peer = await plane.join(1, cipher);
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toEqual([toUs]);
    const [answer] = datagrams(await plane.tun(toPeer));
    expect(peer.open(answer!)).toEqual({ type: 1, subtype: 0, counter: 3n, body: toPeer });
  });

  test("is taken once, in any order within 8,192 counters", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (const counter of [20_000n, 11_809n, 15_000n, 19_999n])
      expect(packets(await plane.udp(PEER, peer.message(toUs, counter)))).toHaveLength(1);
    for (const counter of [20_000n, 15_000n, 11_808n, 3n, 2n, 1n, 0n])
      expect(reasons(await plane.udp(PEER, peer.message(toUs, counter)))).toEqual(["replayed"]);
    expect(packets(await plane.udp(PEER, peer.message(toUs, 2n ** 64n - 1n)))).toHaveLength(1);
    expect(packets(await plane.udp(PEER, peer.message(toUs, 2n ** 64n - 8192n)))).toHaveLength(1);
    expect(reasons(await plane.udp(PEER, peer.message(toUs, 2n ** 64n - 8193n)))).toEqual(["replayed"]);
  });

  test("is remembered to the very edge of the window", async () => {
    const plane = await open();
    const peer = await plane.join();
    const take = async (counter: bigint) => packets(await plane.udp(PEER, peer.message(toUs, counter))).length;
    expect([await take(11_808n), await take(11_809n), await take(20_000n)]).toEqual([1, 1, 1]);
    expect([await take(11_808n), await take(11_809n), await take(11_810n)]).toEqual([0, 0, 1]);
    expect([await take(28_192n), await take(20_000n), await take(20_001n)]).toEqual([1, 0, 1]);
  });

  test("that is forged does not move the window, the path or anything else", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    const before = await plane.snapshot();
    const forged = withCounter(peer.message(toUs, 3n), 900_000n);
    expect(reasons(await plane.udp(ELSEWHERE, forged))).toEqual(["not-authentic"]);
    expect(await plane.snapshot()).toEqual(before);
    expect(kinds(await plane.udp(PEER, peer.message(toUs, 3n)))).toEqual(["confirmed", "tun"]);
  });

  test("of a session that counts from elsewhere starts at its floor", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ receiveFloor: 100n }));
    expect(reasons(await plane.udp(PEER, peer.message(toUs, 100n)))).toEqual(["replayed"]);
    expect(packets(await plane.udp(PEER, peer.message(toUs, 101n)))).toHaveLength(1);
  });

  test.each(["aes", "chachapoly"] as const)(
    "scenario 35: that asks to be tested is answered with the same body, however long, and nobody else learns of it (%s)",
    async (cipher) => {
      const plane = await open();
      const peer = await plane.join(1, cipher);
      for (const length of [0, 3, 1_400, 8_969]) {
        const body = new Uint8Array(length).fill(7);
        const observed = await plane.udp(PEER, peer.seal(4, 0, body));
        expect(kinds(observed)).toEqual(["udp"]);
        expect(peer.open(datagrams(observed)[0]!)).toMatchObject({ type: 4, subtype: 1, body });
      }
    },
  );

  test("scenario 64: of every short length is dropped by name, and the session goes on", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (let length = 0; length < 28; length++) {
      expect(packets(await plane.udp(PEER, peer.message(new Uint8Array(length).fill(0x45))))).toEqual([]);
    }
    expect(await plane.dropped("bad-packet")).toBe(28);
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toEqual([toUs]);
  });

  test.each([
    [3, 0],
    [4, 1],
    [6, 0],
  ])("of type %i/%i goes to the control plane", async (type, subtype) => {
    const plane = await open();
    const peer = await plane.join();
    const observed = await plane.udp(PEER, peer.seal(type, subtype, new Uint8Array([9])));
    const heard = type === 3 ? 1 : 0;
    const event = { kind: "message", localIndex: 1, type, subtype, body: "09", heard };
    expect(observed).toEqual([{ out: "event", event }]);
  });

  test("that closes the session is told, and the session is gone", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(kinds(await plane.udp(PEER, peer.seal(5, 0, new Uint8Array())))).toEqual(["message"]);
    expect(await plane.snapshot()).toEqual([]);
    expect(kinds(await plane.tun(toPeer))).toEqual(["need-session"]);
  });

  test("is authenticated with the reserved bytes as they came", async () => {
    const plane = await open();
    const peer = await plane.join();
    const changed = peer.message(toUs);
    changed[2] = 1;
    expect(reasons(await plane.udp(PEER, changed))).toEqual(["not-authentic"]);
  });
});

describeDataPlanes("an unconfirmed session", (open) => {
  test("receives, is confirmed by that, and only then sends what waits", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    expect(kinds(await plane.tun(toPeer))).toEqual(["need-session"]);
    const observed = await plane.udp(ELSEWHERE, peer.message(toUs));
    expect(kinds(observed)).toEqual(["roamed", "confirmed", "tun", "udp"]);
    expect(peer.open(datagrams(observed)[0]!)?.body).toEqual(toPeer);
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["tun"]);
  });

  test("may be used for control messages before", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    const observed = await plane.command({
      kind: "seal-and-send",
      localIndex: peer.localIndex,
      type: 4,
      subtype: 0,
      body: new Uint8Array(),
    });
    expect(peer.open(datagrams(observed)[0]!)).toMatchObject({ type: 4, subtype: 0, counter: 3n });
  });

  test("cannot be made primary", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    expect(await plane.command({ kind: "set-primary", localIndex: peer.localIndex })).toEqual([
      { out: "refused", code: "bad-request" },
    ]);
  });

  test("that is closed by its first packet leaves what waits waiting", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ confirmed: false }));
    await plane.tun(toPeer);
    await plane.advance(1000);
    expect(kinds(await plane.udp(PEER, peer.seal(5, 0, new Uint8Array())))).toEqual([
      "confirmed",
      "message",
      "need-session",
    ]);
  });
});

describeDataPlanes("roaming", (open) => {
  test("follows authentic packets at once, but not back within two seconds", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["roamed", "tun"]);
    await plane.advance(1999);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual(["tun"]);
    expect(kinds(await plane.udp(STRANGER, peer.message(toUs)))).toEqual(["roamed", "tun"]);
    await plane.advance(2000);
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["roamed", "tun"]);
  });

  test("with every packet is followed with every packet, and told once a second", async () => {
    const plane = await open();
    const peer = await plane.join();
    const from = async (port: number) => kinds(await plane.udp(`192.0.2.2:${port}` as Endpoint, peer.message(toUs)));
    expect(await from(1000)).toEqual(["roamed", "tun"]);
    for (let port = 1001; port < 1100; port++) expect(await from(port)).toEqual(["tun"]);
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: "192.0.2.2:1099" }]);
    await plane.advance(999);
    expect(await from(1100)).toEqual(["tun"]);
    await plane.advance(1);
    expect(await plane.udp("192.0.2.2:1100" as Endpoint, peer.message(toUs))).toMatchObject([
      { event: { kind: "roamed", path: directPath("192.0.2.2:1100" as Endpoint) } },
      { out: "tun" },
    ]);
    expect(await from(1100)).toEqual(["tun"]);
  });

  test("that was held back is told before the next sample, unless the control plane chose a path meanwhile", async () => {
    const plane = await open();
    const [first, second] = [await plane.join(1), await plane.join(2)];
    const move = async (peer: FarEnd, port: number) => plane.udp(`192.0.2.2:${port}` as Endpoint, peer.message(toUs));
    for (const port of [1000, 1001]) for (const peer of [second, first]) await move(peer, port);
    expect(await plane.command({ kind: "sample" })).toMatchObject([
      { event: { kind: "roamed", localIndex: 1, path: directPath("192.0.2.2:1001" as Endpoint) } },
      { event: { kind: "roamed", localIndex: 2, path: directPath("192.0.2.2:1001" as Endpoint) } },
      { out: "sampled" },
    ]);
    expect(kinds(await plane.command({ kind: "sample" }))).toEqual(["sampled"]);
    await plane.advance(999);
    for (const peer of [first, second]) expect(kinds(await move(peer, 1002))).toEqual(["tun"]);
    await plane.command({ kind: "set-path", localIndex: first.localIndex, path: directPath(ELSEWHERE) });
    expect(await plane.command({ kind: "sample" })).toMatchObject([
      { event: { kind: "roamed", localIndex: 2 } },
      { out: "sampled" },
    ]);
  });

  test("gives a path to a session that had none", async () => {
    const plane = await open();
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ path: undefined }));
    expect(reasons(await plane.tun(toPeer))).toEqual(["no-path"]);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual(["roamed", "tun"]);
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: PEER }]);
  });

  test("follows no packet that is not authentic or not new", async () => {
    const plane = await open();
    const peer = await plane.join();
    const datagram = peer.message(toUs);
    await plane.udp(PEER, datagram);
    expect(kinds(await plane.udp(STRANGER, datagram))).toEqual(["drop-sample"]);
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: PEER }]);
  });
});

describeDataPlanes("the packets of protocol appendix A.6", (open) => {
  test.each([
    {
      cipher: "aes" as const,
      key: "bb76231d8054dc7503a32d5d2fc7c2983edb22fdb904c4c97c21e05172ae1e77",
      test: "140000000a0b0c0d00000000000000031cd5108c13b59376ffac68a22e09f2e3",
      hello: "110000000a0b0c0d00000000000000041edbddee60999df652aaff51c215574de21fd9ec2f",
    },
    {
      cipher: "chachapoly" as const,
      key: "149539294d376fc89597cc222d3ab36cd58f90bdca8eb27413840b6127548aef",
      test: "140000000a0b0c0d00000000000000035612676dca4b1ad0498f5560f0020db4",
      hello: "110000000a0b0c0d0000000000000004d20cb0dc9a3d912fe63ac0f0500691d88fb680fac9",
    },
  ])("are sealed and opened to the byte ($cipher)", async (vector) => {
    const key = bytes(vector.key);
    const sender = await open();
    const initiator = new FarEnd(0x01020304, vector.cipher);
    const remoteIndex = 0x0a0b0c0d as typeof initiator.remoteIndex;
    await sender.command(initiator.installation({ sendKey: key, remoteIndex }));
    const seal = (type: number, body: string) =>
      sender.command({
        kind: "seal-and-send",
        localIndex: initiator.localIndex,
        type,
        subtype: 0,
        body: bytes(body),
      });
    expect(datagrams(await seal(4, ""))).toEqual([vector.test]);
    expect(datagrams(await seal(1, "68656c6c6f"))).toEqual([vector.hello]);

    const receiver = await open();
    const responder = new FarEnd(0x0a0b0c0d, vector.cipher);
    await receiver.command(responder.installation({ receiveKey: key, confirmed: false }));
    expect(kinds(await receiver.udp(PEER, bytes(vector.test)))).toEqual(["confirmed", "udp"]);
    // "hello" is authentic, but no IP packet.
    expect(reasons(await receiver.udp(PEER, bytes(vector.hello)))).toEqual(["bad-packet"]);
  });
});

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

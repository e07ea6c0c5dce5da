import { expect, test } from "vitest";
import { toHex, writeUint16 } from "../../src/core/base/bytes.ts";
import type { LocalIndex, PolicyId, RemoteIndex } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, packets, reasons } from "./data-planes.ts";
import {
  ELSEWHERE,
  FarEnd,
  facts,
  OWN_4,
  OWN_6,
  PEER,
  PEER_4,
  PEER_6,
  policies,
  prefixes,
  programOf,
  ruleOf,
} from "./host.ts";
import { checksum, echoRequest, icmpPacket, ipPacket, udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });
const NOBODY = 77 as LocalIndex;
const badRequest = [{ out: "refused", code: "bad-request" }];
const unknownSession = [{ out: "refused", code: "unknown-session" }];
const unknownPolicy = [{ out: "refused", code: "unknown-policy" }];

describeDataPlanes("a session is refused when", (open) => {
  test.each([
    ["its index is 0", { localIndex: 0 as LocalIndex }, badRequest],
    ["the peer's index is 0", { remoteIndex: 0 as RemoteIndex }, badRequest],
    ["the peer has no address", { peerAddresses: [] }, badRequest],
    ["the key for sending is short", { sendKey: new Uint8Array(31) }, badRequest],
    ["the key for receiving is long", { receiveKey: new Uint8Array(33) }, badRequest],
    ["the memo is over 64 KiB", { memo: new Uint8Array(65_537) }, badRequest],
    ["nobody knows its policy", { policyId: 9 as PolicyId }, unknownPolicy],
  ])("%s", async (_, change, refusal) => {
    const plane = await open();
    expect(await plane.command(new FarEnd(1, "aes").installation(change))).toEqual(refusal);
    expect(await plane.snapshot()).toEqual([]);
  });

  test("its index is taken", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(await plane.command(peer.installation({ policyId: 9 as PolicyId }))).toEqual(badRequest);
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toHaveLength(1);
  });
});

describeDataPlanes("a command", (open) => {
  test("about a session that is not there says so", async () => {
    const plane = await open();
    const localIndex = NOBODY;
    expect(await plane.command({ kind: "set-path", localIndex, path: directPath(PEER) })).toEqual(unknownSession);
    expect(await plane.command({ kind: "set-primary", localIndex })).toEqual(unknownSession);
    expect(await plane.command({ kind: "remove-session", localIndex, sendClose: true })).toEqual(unknownSession);
    expect(await seal(plane, NOBODY, 4, 0)).toEqual(unknownSession);
    expect(await plane.command({ kind: "watch-silence", localIndex, afterMs: 100 })).toEqual(unknownSession);
  });

  test("seals every encrypted type but relay frames", async () => {
    const plane = await open();
    const peer = await plane.join();
    for (const [type, subtype] of [
      [1, 0],
      [3, 0],
      [4, 0],
      [4, 1],
      [4, 2],
      [4, 3],
      [4, 4],
      [4, 5],
      [5, 0],
      [6, 0],
    ] as const) {
      const [datagram] = datagrams(await seal(plane, peer.localIndex, type, subtype));
      expect(peer.open(datagram!)).toMatchObject({ type, subtype });
    }
    for (const [type, subtype] of [
      [0, 0],
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 6],
      [7, 0],
      [256, 0],
    ] as const)
      expect(await seal(plane, peer.localIndex, type, subtype)).toEqual(badRequest);
  });

  test("seals no body and sends no datagram that a peer would not read", async () => {
    const plane = await open();
    const peer = await plane.join();
    expect(kinds(await seal(plane, peer.localIndex, 3, 0, new Uint8Array(8969)))).toEqual(["udp"]);
    expect(await seal(plane, peer.localIndex, 3, 0, new Uint8Array(8970))).toEqual(badRequest);
    const send = (length: number) =>
      plane.command({ kind: "send-datagram", to: directPath(PEER), datagram: new Uint8Array(length) });
    expect(kinds(await send(0))).toEqual(["udp"]);
    expect(kinds(await send(9001))).toEqual(["udp"]);
    expect(await send(9002)).toEqual(badRequest);
  });

  test("sets the path without being taken for roaming", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.command({ kind: "set-path", localIndex: peer.localIndex, path: directPath(ELSEWHERE) });
    expect(await plane.tun(toPeer)).toMatchObject([{ out: "udp", to: ELSEWHERE }]);
    expect(kinds(await plane.udp(PEER, peer.message(toUs)))).toEqual(["roamed", "tun"]);
  });

  test("removes a session, after a last word if so told", async () => {
    const plane = await open();
    for (const sendClose of [true, false]) {
      const peer = await plane.join();
      const observed = await plane.command({ kind: "remove-session", localIndex: peer.localIndex, sendClose });
      expect(datagrams(observed).map((datagram) => peer.open(datagram)?.type)).toEqual(sendClose ? [5] : []);
      expect(await plane.snapshot()).toEqual([]);
    }
  });

  test("moves an address to another session; when that one goes, nobody inherits it", async () => {
    const plane = await open();
    const first = await plane.join(1);
    const second = await plane.join(2);
    const senderOf = async () => {
      const [datagram] = datagrams(await plane.tun(toPeer));
      return [first, second].find((peer) => datagram !== undefined && peer.open(datagram))?.localIndex;
    };
    expect(await senderOf()).toBe(2);
    await plane.command({ kind: "set-primary", localIndex: first.localIndex });
    expect(await senderOf()).toBe(1);
    await plane.command({ kind: "remove-session", localIndex: first.localIndex, sendClose: false });
    expect(await senderOf()).toBeUndefined();
  });
});

describeDataPlanes("policies", (open) => {
  const open22 = ruleOf({ protocol: "udp", portFirst: 53, portLast: 53 });
  const bind = (localIndex: LocalIndex, policyId: number) => ({ localIndex, policyId: policyId as PolicyId });

  test("are replaced, bound and forgotten together", async () => {
    const plane = await open();
    const peer = await plane.join();
    const change = { kind: "apply-policies" as const, raiseEpoch: true };
    await plane.command({ ...change, programs: [programOf(2, [open22])], bindings: [bind(peer.localIndex, 2)] });
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toHaveLength(1);
    expect(reasons(await plane.tun(udpPacket({ from: OWN_4, to: PEER_4, fromPort: 1, toPort: 54 })))).toEqual([
      "no-matching-rule",
    ]);
    // Nobody uses program 1 any more.
    const second = new FarEnd(2, "aes");
    expect(await plane.command(second.installation())).toEqual(unknownPolicy);
    expect(await plane.command(second.installation({ policyId: 2 as PolicyId }))).toEqual([]);
  });

  test("that nobody uses yet last until the next change, and are not forgotten when others are only added", async () => {
    const plane = await open();
    await plane.command(policies([programOf(2, [])]));
    await plane.command(policies([programOf(4, [])]));
    expect(await plane.command(new FarEnd(9, "aes").installation({ policyId: 4 as PolicyId }))).toEqual([]);
    await plane.command(policies([programOf(3, [])], true));
    expect(await plane.command(new FarEnd(1, "aes").installation({ policyId: 2 as PolicyId }))).toEqual(unknownPolicy);
    expect(await plane.command(new FarEnd(1, "aes").installation({ policyId: 3 as PolicyId }))).toEqual([]);
  });

  test("change all together or not at all", async () => {
    const plane = await open();
    const peer = await plane.join();
    const change = { kind: "apply-policies" as const, raiseEpoch: true, programs: [programOf(2, [])] };
    const bindings = [bind(peer.localIndex, 2), bind(peer.localIndex, 9)];
    expect(await plane.command({ ...change, bindings })).toEqual(unknownPolicy);
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toHaveLength(1);
    expect(await plane.command({ ...change, bindings: [bind(NOBODY, 2), bind(peer.localIndex, 2)] })).toEqual([]);
    expect(reasons(await plane.udp(PEER, peer.message(toUs)))).toEqual(["no-matching-rule"]);
  });

  test("with a port range that is none are refused", async () => {
    const plane = await open();
    expect(await plane.command(policies([programOf(2, [ruleOf({ portFirst: 2, portLast: 1 })])]))).toEqual(badRequest);
  });

  test("are 4,096 at most, counted as they would be left", async () => {
    const plane = await open();
    const programs = Array.from({ length: 4096 }, (_, i) => programOf(100 + i, []));
    // Program 1 would be left.
    expect(await plane.command(policies(programs))).toEqual(badRequest);
    expect(await plane.command(policies(programs, true))).toEqual([]);
    const others = programs.map(({ policyId }) => programOf(policyId + 5000, []));
    expect(await plane.command(policies(others, true))).toEqual([]);
    await plane.command(new FarEnd(1, "aes").installation({ policyId: 5100 as PolicyId }));
    expect(await plane.command(policies(programs, true))).toEqual(badRequest);
    expect(await plane.command(policies(programs.slice(1), true))).toEqual([]);
  });
});

describeDataPlanes("a snapshot", (open) => {
  test("shows the sessions in order, with everything but the keys", async () => {
    const plane = await open();
    await plane.join(7);
    await plane.command(
      new FarEnd(3, "chachapoly").installation({
        confirmed: false,
        path: undefined,
        peerAddresses: ["10.77.0.9" as IpAddress],
        allowedPrefixes: prefixes("10.88.0.0/16"),
        sendCounter: 41n,
        memo: new Uint8Array([1, 2]),
      }),
    );
    await plane.tun(toPeer);
    expect(await plane.snapshot()).toEqual([
      {
        localIndex: 3,
        remoteIndex: 1003,
        path: undefined,
        peerAddresses: ["10.77.0.9"],
        allowedPrefixes: prefixes("10.88.0.0/16"),
        confirmed: false,
        primary: false,
        sendCounter: 41,
        memo: "0102",
      },
      {
        localIndex: 7,
        remoteIndex: 1007,
        path: directPath(PEER),
        peerAddresses: [PEER_4, PEER_6],
        allowedPrefixes: [],
        confirmed: true,
        primary: true,
        sendCounter: 3,
        memo: "",
      },
    ]);
  });

  test("calls a session primary that sends for one address of two", async () => {
    const plane = await open();
    await plane.join(1);
    await plane.command(new FarEnd(2, "aes").installation({ peerAddresses: [PEER_6] }));
    expect(await plane.snapshot()).toMatchObject([{ primary: true }, { primary: true }]);
    await plane.command(new FarEnd(3, "aes").installation({ peerAddresses: [PEER_4] }));
    expect(await plane.snapshot()).toMatchObject([{ primary: false }, { primary: true }, { primary: true }]);
  });
});

describeDataPlanes("a sample", (open) => {
  test("tells of sessions that did something since the last one, with totals from the beginning", async () => {
    const plane = await open();
    const peer = await plane.join(1);
    await plane.join(2);
    await plane.command({ kind: "set-primary", localIndex: peer.localIndex });
    await plane.tun(toPeer);
    await plane.udp(PEER, peer.message(toUs));
    const bytes = toPeer.length + 32;
    const kept = { keptAnswers: 0, keptAnswerBytes: 0 };
    const totals = { sentPackets: 1, sentBytes: bytes, receivedPackets: 1, receivedBytes: toUs.length + 32, ...kept };
    expect((await plane.sample()).activity).toEqual([{ localIndex: 1, received: true, sent: true, ...totals }]);
    expect((await plane.sample()).activity).toEqual([]);
    await plane.tun(toPeer);
    expect((await plane.sample()).activity).toEqual([
      { localIndex: 1, received: false, sent: true, ...totals, sentPackets: 2, sentBytes: 2 * bytes },
    ]);
  });

  test("counts what came and went, and drops in the order of their list", async () => {
    const plane = await open();
    const peer = await plane.join();
    await plane.tun(toPeer);
    await plane.tun(udpPacket({ from: OWN_4, to: "10.77.0.8", fromPort: 1, toPort: 2 }));
    await plane.udp(PEER, peer.message(toUs));
    await plane.udp(PEER, new Uint8Array(2));
    await plane.udp(PEER, new Uint8Array(1));
    await plane.udp(PEER, peer.message(toUs, 1n));
    expect((await plane.sample()).counters).toEqual({
      tunReadPackets: 2,
      tunWrittenPackets: 1,
      udpReceivedDatagrams: 4,
      udpSentDatagrams: 1,
      flows: 1,
      parked: 1,
      testRequestsAnswered: 0,
      keptAnswersGiven: 0,
      recvErrorsSent: 0,
      parkedReleased: 0,
      packetsLost: 0,
      packetsDuplicate: 1,
      outboundNoMatchingRule: 0,
      outboundLocalAddress: 0,
      drops: ["punch 1", "short-header 1", "replayed 1"],
    });
  });
});

describeDataPlanes("the send counter", (open) => {
  test("announces 2^34 once, after the datagram", async () => {
    const plane = await open();
    await plane.command(new FarEnd(1, "aes").installation({ sendCounter: 2n ** 34n - 2n }));
    expect(kinds(await plane.tun(toPeer))).toEqual(["udp"]);
    expect((await plane.tun(toPeer)).slice(1)).toEqual([
      { out: "event", event: { kind: "counter-high", localIndex: 1, sendCounter: 2 ** 34, exhausted: false } },
    ]);
    expect(kinds(await plane.tun(toPeer))).toEqual(["udp"]);
  });

  test("stops 2^40 before its end, says so once, after the drop", async () => {
    const plane = await open();
    const last = 2n ** 64n - 1n - 2n ** 40n;
    const peer = new FarEnd(1, "aes");
    await plane.command(peer.installation({ sendCounter: last - 1n }));
    const observed = await plane.tun(toPeer);
    expect(kinds(observed)).toEqual(["udp", "counter-high"]);
    expect(peer.open(datagrams(observed)[0]!)?.counter).toBe(last);
    expect(kinds(await plane.tun(toPeer))).toEqual(["drop-sample", "counter-high"]);
    expect(kinds(await plane.tun(toPeer))).toEqual(["drop-sample"]);
    expect(kinds(await seal(plane, peer.localIndex, 4, 0))).toEqual(["drop-sample"]);
    expect(packets(await plane.udp(PEER, peer.message(toUs)))).toHaveLength(1);
  });
});

describeDataPlanes("a host without a device", (open) => {
  const join = async () => {
    const plane = await open();
    await plane.command(facts({ answerEcho: true }));
    return { plane, peer: await plane.join() };
  };

  test.each([
    ["IPv4", echoRequest(PEER_4, OWN_4, 7), icmpPacket({ from: OWN_4, to: PEER_4, type: 0, identifier: 7 })],
    ["IPv6", echoRequest(PEER_6, OWN_6, 7), icmpPacket({ from: OWN_6, to: PEER_6, type: 129, identifier: 7 })],
  ])("answers an echo request over %s with the right checksums", async (_, request, reply) => {
    const { plane, peer } = await join();
    const observed = await plane.udp(PEER, peer.message(request));
    expect(kinds(observed)).toEqual(["udp"]);
    expect(toHex(peer.open(datagrams(observed)[0]!)!.body)).toBe(toHex(reply));
  });

  test.each([
    ["IPv4", echoRequest(PEER_4, OWN_4, 7)],
    ["IPv6", echoRequest(PEER_6, OWN_6, 7)],
  ])(
    "does not answer an echo request over %s with a wrong checksum, which the reply's would repair",
    async (_, right) => {
      const { plane, peer } = await join();
      const wrong = new Uint8Array(right);
      wrong[right.length - 1]! ^= 1;
      expect(reasons(await plane.udp(PEER, peer.message(wrong)))).toEqual(["no-device"]);
      expect(kinds(await plane.udp(PEER, peer.message(right)))).toEqual(["udp"]);
    },
  );

  test("answers nothing else", async () => {
    const { plane, peer } = await join();
    const withOptions = new Uint8Array(36);
    withOptions.set(echoRequest(PEER_4, OWN_4, 7).subarray(0, 20));
    withOptions[0] = 0x46;
    withOptions[3] = 36 - 4;
    withOptions[24] = 8;
    writeUint16(withOptions, 26, checksum(withOptions.subarray(24, 32)));
    writeUint16(withOptions, 10, 0);
    writeUint16(withOptions, 10, checksum(withOptions.subarray(0, 24)));
    const reply = icmpPacket({ from: PEER_4, to: OWN_4, type: 0, identifier: 7 });
    const reply6 = icmpPacket({ from: PEER_6, to: OWN_6, type: 129, identifier: 7 });
    // Its port begins with the byte of an echo request.
    const udp6 = udpPacket({ from: PEER_6, to: OWN_6, fromPort: 0x8000, toPort: 53 });
    const request6 = echoRequest(PEER_6, OWN_6, 7);
    const behindOptions = ipPacket({
      from: PEER_6,
      to: OWN_6,
      protocol: 60,
      upper: new Uint8Array([58, 0, 0, 0, 0, 0, 0, 0, ...request6.subarray(40)]),
    });
    for (const packet of [toUs, reply, withOptions, reply6, udp6, behindOptions])
      expect(reasons(await plane.udp(PEER, peer.message(packet)))).toEqual(["no-device"]);
  });

  test("asks the rules before it answers", async () => {
    const { plane, peer } = await join();
    await plane.command(policies([programOf(1, [], [ruleOf()])]));
    expect(reasons(await plane.udp(PEER, peer.message(echoRequest(PEER_4, OWN_4, 7))))).toEqual(["no-matching-rule"]);
  });
});

function seal(
  plane: Driver,
  localIndex: LocalIndex,
  type: number,
  subtype: number,
  body: Uint8Array = new Uint8Array(),
): Promise<readonly Observed[]> {
  return plane.command({ kind: "seal-and-send", localIndex, type, subtype, body });
}

import { describe, expect, test } from "vitest";
import { concatBytes, writeUint32 } from "../../src/core/base/bytes.ts";
import { toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import type { SessionSnapshot } from "../../src/core/dataplane/contract.ts";
import { UNCONFIRMED_MAX } from "../../src/core/machine/sessions/unconfirmed.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { endpointOf } from "../../src/core/path/path.ts";
import { encodeHandshakePayload } from "../../src/core/wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType, recvErrorFor } from "../../src/core/wire/header.ts";
import { WORLD_EPOCH_NS } from "./world/host.ts";
import { type Crossing, Stand } from "./world/stand.ts";

// The referee watches all the while: nothing forged, replayed or damaged is delivered, no stranger gets more than it sent
// (referee.ts, strangers.ts). What stands here is what else must be true.

describe("a host that is sent", () => {
  test("truncated datagrams keeps its state, answers nothing larger, and says little", () => {
    const stand = new Stand(1);
    hostile(stand, function* () {
      for (const { datagram } of oneOfEachKind(stand)) {
        for (let length = 0; length < datagram.length; length += length < 40 ? 1 : 7) yield datagram.slice(0, length);
      }
    });
  });

  test("oversized datagrams keeps its state, answers nothing larger, and says little", () => {
    const stand = new Stand(2);
    hostile(stand, function* () {
      for (const { datagram } of oneOfEachKind(stand)) {
        for (const size of [2_000, 9_000, 9_001, 9_002, 9_100, 20_000, 65_507])
          yield concatBytes(datagram, new Uint8Array(size - datagram.length));
      }
    });
  });

  test("random datagrams keeps its state, answers nothing larger, and says little", () => {
    const stand = new Stand(3);
    const [tunnel] = stand.alpha.snapshot();
    hostile(stand, function* () {
      for (let i = 0; i < 20_000; i++) {
        const datagram = stand.random.bytes(stand.random.below(600));
        if (datagram.length >= HEADER_BYTES && stand.random.chance(0.7)) {
          datagram[0] = 0x10 | stand.random.below(8);
          datagram[1] = stand.random.below(2);
          if (stand.random.chance(0.5)) writeUint32(datagram, 4, tunnel?.localIndex ?? 0);
        }
        yield datagram;
      }
    });
  });

  test("every datagram of its life again delivers none of them twice and keeps its tunnels", () => {
    const stand = new Stand(4);
    const before = stateOf(stand);
    for (const { source, datagram } of [...stand.tape, ...stand.tape]) {
      stand.inject(source, datagram.slice());
      stand.inject(stand.stranger(stand.random.below(50)), datagram.slice());
      stand.run(20);
    }
    stand.run(15_000);
    expect(stateOf(stand)).toEqual(before);
    expect(stand.canTalk()).toBe(true);
  });

  test("its own datagrams back believes none of them", () => {
    const stand = new Stand(5);
    const own = stand.tape.filter(({ source }) => source === stand.alpha.endpoint);
    expect(own.length).toBeGreaterThan(5);
    const before = stateOf(stand);
    for (const { destination, datagram } of own) {
      stand.inject(destination, datagram.slice());
      stand.inject(stand.stranger(7), datagram.slice());
      stand.run(20);
    }
    stand.run(15_000);
    expect(stateOf(stand)).toEqual(before);
    expect(stand.canTalk()).toBe(true);
  });

  test("recv_errors with the right address and index keeps the tunnel that works", () => {
    const stand = new Stand(6);
    for (let i = 0; i < 2_000; i++) {
      for (const { remoteIndex, path } of stand.alpha.snapshot()) {
        const endpoint = endpointOf(path);
        if (endpoint) stand.inject(endpoint, recvErrorFor(remoteIndex));
      }
      stand.run(5);
      if (i % 100 === 0) expect(stand.canTalk()).toBe(true);
    }
    expect(stand.alpha.snapshot().length).toBeLessThanOrEqual(10);
  });

  test("forged messages 1 with real certificates by one sender keeps its tunnels and a bounded number of unconfirmed ones", () => {
    const stand = new Stand(7);
    const messages = forgedMessages(stand, 1_500, () => stand.stranger(1));
    flood(stand, messages);
  });

  test("forged messages 1 with real certificates from everywhere keeps its tunnels and a bounded number of unconfirmed ones", () => {
    const stand = new Stand(8);
    const messages = forgedMessages(stand, 1_500, () => stand.stranger(stand.random.below(30_000)));
    flood(stand, messages);
  });
});

/** Sends what `datagrams` yields, from many strangers, and expects to find everything as it was. */
function hostile(stand: Stand, datagrams: () => Iterable<Uint8Array>): void {
  const before = stateOf(stand);
  const started = stand.agenda.now;
  let questions = 0;
  let questionBytes = 0;
  for (const datagram of datagrams()) {
    const answered = stand.answers.length;
    stand.inject(stand.stranger(questions++), datagram);
    questionBytes += datagram.length;
    stand.run(1);
    for (const { datagram: answer } of stand.answers.slice(answered)) {
      expect(answer.length).toBeLessThanOrEqual(datagram.length);
    }
  }
  expect(questions).toBeGreaterThan(20);
  expect(bytesOf(stand.answers)).toBeLessThanOrEqual(questionBytes);
  expect(stateOf(stand)).toEqual(before);
  expect(stand.notices.filter(({ level }) => level !== "debug" && level !== "trace")).toEqual([]);
  // Drops are sampled at 5 a second after a burst of 20.
  expect(stand.notices.length).toBeLessThanOrEqual(20 + (5 * (stand.agenda.now - started)) / 1_000 + 5);
  expect(stand.canTalk()).toBe(true);
}

/** Sends forged messages at a thousand a second while alpha and charlie go on talking. */
function flood(stand: Stand, messages: readonly Crossing[]): void {
  const before = stateOf(stand);
  for (const [i, { source, datagram }] of messages.entries()) {
    stand.inject(source, datagram);
    stand.run(1);
    if (i % 500 !== 499) continue;
    const unconfirmed = stand.alpha.snapshot().filter(({ confirmed }) => !confirmed);
    expect(unconfirmed.length).toBeLessThanOrEqual(UNCONFIRMED_MAX);
    expect(stand.canTalk()).toBe(true);
  }
  expect(stand.notices.filter(({ level }) => level !== "debug" && level !== "trace")).toEqual([]);
  stand.run(15_000);
  expect(stateOf(stand)).toEqual(before);
}

function forgedMessages(stand: Stand, count: number, source: () => Endpoint): Crossing[] {
  const { certificates } = stand.charlie.settings.live.identity.credential;
  const certificate = certificates[1] ?? certificates[2];
  if (!certificate) throw new Error("charlie has a certificate");
  return Array.from({ length: count }, (_, i) => {
    const payload = encodeHandshakePayload({
      certificate: toHandshakeForm(certificate),
      certificateVersion: certificate.version,
      initiatorIndex: stand.random.word() | 1,
      responderIndex: 0,
      time: WORLD_EPOCH_NS + BigInt(stand.agenda.now + 1_000_000 + i) * 1_000_000n,
    });
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
    const datagram = concatBytes(header, stand.random.bytes(32), certificate.publicKey, payload);
    return { source: source(), destination: stand.alpha.endpoint, datagram };
  });
}

/** The sessions that alpha keeps, and where they lead. Counters and notes move by themselves. */
function stateOf(stand: Stand): readonly Partial<SessionSnapshot>[] {
  return stand.alpha.snapshot().map(({ localIndex, remoteIndex, path, peerAddresses, confirmed, primary }) => ({
    localIndex,
    remoteIndex,
    path,
    peerAddresses,
    confirmed,
    primary,
  }));
}

/** One datagram for each type and subtype that went to alpha. */
function oneOfEachKind(stand: Stand): readonly Crossing[] {
  const kinds = new Map<number, Crossing>();
  for (const crossing of stand.tape) {
    if (crossing.destination !== stand.alpha.endpoint || crossing.datagram.length < HEADER_BYTES) continue;
    kinds.set(((crossing.datagram[0] ?? 0) << 8) | (crossing.datagram[1] ?? 0), crossing);
  }
  return [...kinds.values()];
}

function bytesOf(crossings: readonly Crossing[]): number {
  return crossings.reduce((sum, { datagram }) => sum + datagram.length, 0);
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packed } from "../../../../src/core/base/packed.ts";
import { wallTime } from "../../../../src/core/base/time.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { decodeMemo, encodeMemo, type SessionMemo } from "../../../../src/core/peer/memo.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { trusted } from "../../fixtures/sessions.ts";
import { partsOf } from "../cert/parts.ts";

describe.each([
  ["version 1", trusted("peer", "10.77.0.2/16")],
  ["version 2", trusted("peer", "10.77.0.2/16", "fd00:77::2/64")],
])("the memo of a session with a %s peer", (_, peer) => {
  const memo: SessionMemo = {
    peer: partsOf(peer),
    message1Hash: packed(new Uint8Array(32).fill(0xab)),
    peerTime: 1_795_132_800_000_000_123n,
    ownVersion: 2,
    ownFingerprint: peer.fingerprint,
    cipher: "chachapoly",
    establishedAt: wallTime(1_795_132_801_000_000_000n),
    endpoints: ["192.0.2.1:4242", "[2001:db8::1]:7"] as Endpoint[],
  };

  test("comes back as it was", () => {
    expect(decodeMemo(nodeSuite, "CURVE25519", encodeMemo(memo))).toEqual({ ok: true, value: memo });
    const asInitiator = { ...memo, message1Hash: undefined };
    expect(decodeMemo(nodeSuite, "CURVE25519", encodeMemo(asInitiator))).toEqual({ ok: true, value: asInitiator });
  });

  test("of a neighbouring version, with fields that are not known here, comes back all the same", () => {
    // A varint, bytes, 64 and 32 bits under field numbers that nobody has given out.
    const unknown = [
      0xf8,
      0x07,
      0x01,
      0xfa,
      0x07,
      0x02,
      0x41,
      0x42,
      0xf9,
      0x07,
      ...new Array(8).fill(7),
      0xfd,
      0x07,
      1,
      2,
      3,
      4,
    ];
    const bytes = Uint8Array.from([...unknown, ...encodeMemo(memo), ...unknown]);
    expect(decodeMemo(nodeSuite, "CURVE25519", bytes)).toEqual({ ok: true, value: memo });
  });

  test("with another format number comes back, because everything is there", () => {
    expect(encodeMemo(memo).subarray(0, 2)).toEqual(Uint8Array.of(0x08, 1));
    const bytes = encodeMemo(memo);
    bytes[1] = 9;
    expect(decodeMemo(nodeSuite, "CURVE25519", bytes)).toEqual({ ok: true, value: memo });
  });

  test("with a cipher that is not known here is refused in one clause", () => {
    const bytes = Uint8Array.from([...encodeMemo(memo), 0x60, 0x09]);
    expect(decodeMemo(nodeSuite, "CURVE25519", bytes)).toEqual({
      ok: false,
      reason: "the memo names no cipher that is known here",
    });
  });

  test("keeps ten endpoints at most", () => {
    const many = Array.from({ length: 50 }, (_, i) => `192.0.2.${i}:1` as Endpoint);
    const decoded = decodeMemo(nodeSuite, "CURVE25519", encodeMemo({ ...memo, endpoints: many }));
    expect(decoded.ok && decoded.value.endpoints).toEqual(many.slice(0, 10));
  });

  test("damaged anywhere never throws", () => {
    const bytes = encodeMemo(memo);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = bytes.slice(0, length);
        if (at < damaged.length) damaged[at] = value;
        decodeMemo(nodeSuite, "CURVE25519", damaged);
      }),
    );
  });
});

test("a memo that lacks what is needed says what", () => {
  const read = (...bytes: number[]) => decodeMemo(nodeSuite, "CURVE25519", Uint8Array.from(bytes));
  expect(read(0x08, 0x09)).toEqual({ ok: false, reason: "the memo names no certificate version that is known here" });
  expect(read(0xff)).toEqual({ ok: false, reason: "the memo is not well formed" });
});

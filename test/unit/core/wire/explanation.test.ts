import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DropReason } from "../../../../src/core/drop-reason.ts";
import type { RulePart } from "../../../../src/core/firewall/rule.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { decodeCarrierControl } from "../../../../src/core/wire/carrier-control.ts";
import {
  decodeExplanation,
  type ExplanationMessage,
  encodeExplanation,
  type Judgement,
} from "../../../../src/core/wire/explanation.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { decodeRelayControl, encodeRelayControl } from "../../../../src/core/wire/relay-control.ts";

const PARTS: readonly RulePart[] = ["protocol", "icmp-type", "port", "ca", "peer", "local"];

const port = fc.integer({ min: 0, max: 65_535 });
const address = fc.constantFrom("10.77.0.2", "10.77.0.3", "fd00::7") as fc.Arbitrary<IpAddress>;
const text = fc.string({ minLength: 1, maxLength: 100 });
const packet = fc.record({
  protocol: fc.integer({ min: 0, max: 255 }),
  source: address,
  destination: address,
  sourcePort: port,
  destinationPort: port,
  icmpMessage: fc.option(fc.integer({ min: 0, max: 511 }), { nil: undefined }),
});
const rule = { place: text, text };
const denial = fc.record({
  allowed: fc.constant(false as const),
  reason: fc.constantFrom(...Object.values(DropReason)),
  closest: fc.option(fc.record({ ...rule, misses: fc.subarray([...PARTS]) }), { nil: undefined }),
});
const judgement: fc.Arbitrary<Judgement> = fc.oneof(
  fc.record({ allowed: fc.constant(true as const), rule: fc.record(rule) }),
  denial,
);
const id = fc.integer({ min: 0, max: 0xffff_ffff });
const handshake = { host: address, fingerprint: text, code: text, text };
const message: fc.Arbitrary<ExplanationMessage> = fc.oneof(
  fc.record({ kind: fc.constant("question" as const), id, packet, outbound: fc.boolean() }),
  fc.record({ kind: fc.constant("answer" as const), id, judgement: fc.option(judgement, { nil: undefined }) }),
  fc.record({ kind: fc.constant("refused" as const), packet, judgement }),
  fc.record({ kind: fc.constant("tell-handshake-refused" as const), ...handshake }),
  fc.record({ kind: fc.constant("handshake-refused" as const), ...handshake }),
  fc.record({ kind: fc.constant("who-is" as const), id, name: text }),
  fc.record({ kind: fc.constant("host-is" as const), id, addresses: fc.array(address, { maxLength: 8 }) }),
);

describe("what hosts say about packets", () => {
  test("decodes to what was encoded, and is no other control message", () => {
    fc.assert(
      fc.property(message, (said) => {
        const encoded = encodeExplanation(said);
        expect(decodeExplanation(encoded)).toEqual(said);
        expect(decodeCarrierControl(encoded)).toBeUndefined();
        expect(decodeRelayControl(encoded).ok).toBe(false);
      }),
    );
  });

  test("is not read out of a message about relays", () => {
    const ends = { from: "10.77.0.2" as IpAddress, to: "10.77.0.3" as IpAddress };
    expect(decodeExplanation(encodeRelayControl({ kind: "request", initiatorIndex: 7, ...ends }, 2)!)).toBeUndefined();
  });

  test("is nothing, and no fault, where bytes are missing or changed", () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (said, at, flip) => {
        const encoded = encodeExplanation(said);
        const cut = encoded.subarray(0, at % encoded.length);
        const changed = encoded.map((byte, i) => (i === at % encoded.length ? byte ^ flip : byte));
        for (const bytes of [cut, changed]) {
          const read = decodeExplanation(bytes);
          if (read && "packet" in read) expect(read.packet.destinationPort).toBeLessThanOrEqual(65_535);
        }
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeExplanation(bytes)));
  });

  test("has no packet with a port or a protocol that is none", () => {
    const inner = new ProtobufWriter().varint(1, 300).finish();
    const field = new ProtobufWriter().varint(1, 1).message(3, inner).finish();
    expect(decodeExplanation(new ProtobufWriter().message(18, field).finish())).toBeUndefined();
  });

  test("of a rule with very many groups is cut between two characters", () => {
    const text = `tcp 22 groups=${"ä".repeat(2_000)}`;
    const said = encodeExplanation({
      kind: "answer",
      id: 1,
      judgement: { allowed: true, rule: { place: "a:1", text } },
    });
    expect(said.length).toBeLessThan(600);
    const read = decodeExplanation(said);
    expect(read?.kind === "answer" && read.judgement?.allowed && text.startsWith(read.judgement.rule.text)).toBe(true);
  });

  test("calls a reason of a later version by another name", () => {
    const judged = new ProtobufWriter().bytes(2, new TextEncoder().encode("solar-flare")).finish();
    const field = new ProtobufWriter().varint(1, 2).varint(2, 9).message(5, judged).finish();
    expect(decodeExplanation(new ProtobufWriter().message(18, field).finish())).toEqual({
      kind: "answer",
      id: 9,
      judgement: { allowed: false, reason: "other", closest: undefined },
    });
  });
});

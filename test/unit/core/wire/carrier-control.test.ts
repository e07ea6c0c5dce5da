import fc from "fast-check";
import { expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import {
  BINDING_BYTES,
  decodeCarrierControl,
  encodeCarrierControl,
} from "../../../../src/core/wire/carrier-control.ts";
import { decodeRelayControl, encodeRelayControl } from "../../../../src/core/wire/relay-control.ts";

const binding = fc.uint8Array({ minLength: BINDING_BYTES, maxLength: BINDING_BYTES });

test("what is encoded decodes to the same, and is no message about relays", () => {
  fc.assert(
    fc.property(fc.constantFrom("claim", "confirm", "deny"), binding, (kind, bytes) => {
      const encoded = encodeCarrierControl({ kind, binding: bytes });
      expect(decodeCarrierControl(encoded)).toEqual({ kind, binding: bytes });
      expect(decodeRelayControl(encoded).ok).toBe(false);
    }),
  );
});

test("a message about relays is none about connections, in either dialect", () => {
  const ends = { from: "10.77.0.2" as IpAddress, to: "10.77.0.3" as IpAddress };
  for (const dialect of [1, 2] as const) {
    const encoded = encodeRelayControl({ kind: "request", initiatorIndex: 7, ...ends }, dialect);
    expect(decodeCarrierControl(encoded!)).toBeUndefined();
  }
});

test("a binding that is too short or too long, a kind that does not exist, and any other bytes are nothing", () => {
  for (const length of [0, BINDING_BYTES - 1, BINDING_BYTES + 1]) {
    const encoded = encodeCarrierControl({ kind: "claim", binding: new Uint8Array(length) });
    expect(decodeCarrierControl(encoded)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const decoded = decodeCarrierControl(bytes);
      expect(decoded === undefined || decoded.binding.length === BINDING_BYTES).toBe(true);
    }),
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isServiceEndpoint } from "../../../../src/core/enrolment/name.ts";
import { parseAddress } from "../../../../src/core/netip/address.ts";
import { endsInNumber } from "../../../../src/core/netip/numeric-host.ts";

describe("where the enrolment service is", () => {
  test.each([
    "vpn.example.org:4242",
    "lh:1",
    "4u.example:4242",
    "192.0.2.1:65535",
    "192.0.2.1.example:4242",
    "[2001:db8::1]:4242",
  ])("is said by %s", (text) => {
    expect(isServiceEndpoint(text)).toBe(true);
  });

  test.each(["192.0.2.300:4242", "192.0.2:4242", "127.1:4242", "2130706433:4242", "010.0.0.1:4242", "lh.4:4242"])(
    "is not said by %s: what ends in a number is an IPv4 address or a mistake",
    (text) => {
      expect(isServiceEndpoint(text)).toBe(false);
    },
  );

  test.each(["0x7f.1:4242", "0X7F000001:4242", "lh.0x:4242"])(
    "is not said by %s: the C library reads hexadecimal, too",
    (text) => {
      expect(isServiceEndpoint(text)).toBe(false);
    },
  );

  test.each(["vpn.example.org", "vpn.example.org:0", "vpn.example.org:65536", "-vpn:4242", "vpn:4242:1", ""])(
    "is not said by %j",
    (text) => {
      expect(isServiceEndpoint(text)).toBe(false);
    },
  );

  test("is said by whatever the configuration takes for a name or an address, too", () => {
    const label = fc.oneof(
      fc.stringMatching(/^[0-9]{1,4}$/),
      fc.stringMatching(/^0[xX][0-9A-Fa-f]{0,3}$/),
      fc.stringMatching(/^[0-9A-Fa-fxz]{1,4}$/),
    );
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), (labels) => {
        const host = labels.join(".");
        expect(isServiceEndpoint(`${host}:4242`)).toBe(!endsInNumber(host) || parseAddress(host) !== undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});

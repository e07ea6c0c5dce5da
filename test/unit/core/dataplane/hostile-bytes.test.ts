import fc from "fast-check";
import { expect, test } from "vitest";
import { parseEndpoint } from "../../../../src/core/netip/endpoint.ts";
import { udpPacket } from "../../../conformance/inner-packets.ts";
import { datagramsOf, joinedPair, packetsOf, underlay } from "./joined.ts";

const packet = udpPacket({ from: "10.77.0.1", to: "10.77.0.2", fromPort: 1, toPort: 2 });
const stranger = parseEndpoint("[2001:db8::7]:9")!;

test("no bytes from the network or the device make the data plane throw", () => {
  const { a } = joinedPair();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(255), (bytes, first) => {
      a.udp(stranger, bytes);
      a.tun(bytes);
      if (bytes.length > 0) bytes[0] = first;
      a.udp(underlay(2), new Uint8Array(bytes));
      a.tun(new Uint8Array(bytes));
    }),
    { numRuns: 2000 },
  );
});

test("no change to a datagram, however small, is let through", () => {
  const { a, b } = joinedPair();
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const [datagram] = datagramsOf(a.tun(packet));
      const changed = new Uint8Array(datagram!);
      changed[at % changed.length]! ^= mask;
      expect(packetsOf(b.udp(underlay(1), changed))).toEqual([]);
      expect(packetsOf(b.udp(underlay(1), datagram!))).toEqual([packet]);
    }),
    { numRuns: 500 },
  );
});

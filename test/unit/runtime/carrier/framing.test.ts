import fc from "fast-check";
import { expect, test } from "vitest";
import { Deframer, frameOf } from "../../../../src/runtime/carrier/framing.ts";

const datagrams = fc.array(fc.uint8Array({ maxLength: 9_001 }), { maxLength: 8 });

test("whatever the pieces of a stream are, the datagrams that went in come out, in their order", () => {
  fc.assert(
    fc.property(datagrams, fc.array(fc.integer({ min: 1, max: 5_000 })), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(frameOf));
      const deframer = new Deframer();
      const received: Uint8Array[] = [];
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        for (const datagram of deframer.push(stream.subarray(at, at + cut)) ?? []) received.push(datagram.slice());
        at += cut;
      }
      expect(received.map((each) => Buffer.from(each).toString("hex"))).toEqual(
        sent.map((each) => Buffer.from(each).toString("hex")),
      );
    }),
  );
});

test("a length that no datagram has ends the stream", () => {
  expect(new Deframer().push(Uint8Array.of(0x23, 0x2a))).toBeUndefined();
  expect(new Deframer().push(Uint8Array.of(0x23, 0x29))).toEqual([]);
  expect(new Deframer().push(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"))).toBeUndefined();
});

test("any bytes are taken or refused, and no more is kept than one datagram", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 })), (pieces) => {
      const deframer = new Deframer();
      for (const piece of pieces) if (!deframer.push(piece)) return;
    }),
  );
});

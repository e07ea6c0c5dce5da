import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../../src/core/base/bytes.ts";
import type { LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import { endpoint } from "../../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import {
  type DataPlaneRequest,
  decodeFromDataPlane,
  encodeToDataPlane,
  FRAME_LIMIT_BYTES,
  FrameReader,
} from "../../../../src/runtime/dataplane/contract/codec.ts";
import { readFlowRecord, readFrequentFlowRecords } from "../../../../src/runtime/dataplane/contract/flow-records.ts";
import { readFrequentEvent } from "../../../../src/runtime/dataplane/contract/frequent-events.ts";
import * as pb from "../../../../src/runtime/dataplane/contract/generated/dataplane_pb.ts";
import { encodeFromDataPlane } from "../../../contract/data-plane-reports.ts";
import { decodeToDataPlane } from "../../../contract/data-plane-requests.ts";
import { reportKinds, requestKinds } from "./contract-arbitraries.ts";

describe("a request survives the way to the data plane:", () => {
  test.each(requestKinds)("%s", (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (request, requestId) => {
        const read = decodeToDataPlane(onlyMessage(encodeToDataPlane(requestId, request)));
        expect(read).toEqual({ ok: true, value: { requestId, request } });
      }),
      { numRuns: 50 },
    );
  });
});

describe("a report survives the way to the control plane:", () => {
  test.each(reportKinds)("%s", (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (report) => {
        expect(decodeFromDataPlane(onlyMessage(encodeFromDataPlane(report)))).toEqual({ ok: true, value: report });
      }),
      { numRuns: 50 },
    );
  });
});

describe("what is read field by field", () => {
  const frequent: readonly string[] = ["datagram", "message", "confirmed"];
  const messages = fc
    .oneof(...reportKinds.filter(([kind]) => frequent.includes(kind)).map(([, arbitrary]) => arbitrary))
    .map((report) => onlyMessage(encodeFromDataPlane(report)));
  const generally = (message: Uint8Array) => fromBinary(pb.FromDataPlaneSchema, message).event;

  test("is what the general way reads; what came through a relay is left to that", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const event = generally(message);
        const isRelayed = event.case === "datagram" && event.value.origin?.way.case === "relayed";
        expectSame(readFrequentEvent(message), isRelayed ? undefined : event);
      }),
    );
  });

  test("is nothing else when the message is not as a data plane writes it, and there are such that it reads all the same", () => {
    let read = 0;
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), (message, at, value) => {
        const changed = new Uint8Array(message);
        if (changed.length > 0) changed[at % changed.length] = value;
        const event = readFrequentEvent(changed);
        if (event) {
          read++;
          expectSame(event, generally(changed));
        }
      }),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test("is left to the general way when there are two events in one message", () => {
    const confirmed = onlyMessage(encodeFromDataPlane({ kind: "confirmed", localIndex: 7 as LocalIndex }));
    const message = concatBytes(confirmed, confirmed);
    expect(readFrequentEvent(message)).toBeUndefined();
    expect(decodeFromDataPlane(message)).toEqual({ ok: true, value: { kind: "confirmed", localIndex: 7 } });
  });
});

describe("what became of flows is read without a message in between", () => {
  const kinds = reportKinds.filter(([kind]) => kind === "flow-records").map(([, arbitrary]) => arbitrary);
  const messages = fc.oneof(...kinds).map((report) => onlyMessage(encodeFromDataPlane(report)));
  const generally = (message: Uint8Array) => {
    const { case: kind, value } = fromBinary(pb.FromDataPlaneSchema, message).event;
    if (kind !== "flowRecords") return undefined;
    const records = value.records.flatMap((record) => readFlowRecord(record) ?? []);
    return { kind: "flow-records", records, untold: Number(value.untold) };
  };

  test("as the general way reads it", () => {
    fc.assert(fc.property(messages, (message) => expectSame(readFrequentFlowRecords(message), generally(message))));
  });

  test("or not at all when it is written in another way, and there is such that it reads all the same", () => {
    let read = 0;
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), (message, at, value) => {
        const changed = new Uint8Array(message);
        if (changed.length > 0) changed[at % changed.length] = value;
        const told = readFrequentFlowRecords(changed);
        if (told) {
          read++;
          expectSame(told, generally(changed));
        }
      }),
      { numRuns: 5_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test("nor when the message says something else, or something more", () => {
    const confirmed = onlyMessage(encodeFromDataPlane({ kind: "confirmed", localIndex: 7 as LocalIndex }));
    const told = onlyMessage(encodeFromDataPlane({ kind: "flow-records", records: [], untold: 3 }));
    expect(readFrequentFlowRecords(told)).toEqual({ kind: "flow-records", records: [], untold: 3 });
    for (const message of [confirmed, new Uint8Array(), concatBytes(told, told), concatBytes(told, confirmed)])
      expect(readFrequentFlowRecords(message)).toBeUndefined();
  });
});

describe("hostile bytes give a reason:", () => {
  test("random ones never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
        expect(typeof decodeToDataPlane(message).ok).toBe("boolean");
        expect(typeof decodeFromDataPlane(message).ok).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });

  test("changed ones never throw", () => {
    const frames = fc
      .oneof(...reportKinds.map(([, arbitrary]) => arbitrary))
      .map((r) => onlyMessage(encodeFromDataPlane(r)));
    fc.assert(
      fc.property(frames, fc.nat(), fc.nat(255), (message, at, value) => {
        const changed = new Uint8Array(message);
        if (changed.length > 0) changed[at % changed.length] = value;
        expect(typeof decodeFromDataPlane(changed).ok).toBe("boolean");
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["an address of three bytes", "2a050a030a4d00"],
    ["a length that runs past the end", "2aff01"],
  ])("%s", (_, hex) => {
    expect(decodeFromDataPlane(fromHex(hex)!).ok).toBe(false);
  });

  test("an event of a later contract means nothing, and that is no mistake", () => {
    expect(decodeFromDataPlane(fromHex("")!)).toEqual({ ok: true, value: undefined });
    expect(decodeFromDataPlane(fromHex("f20703010203")!)).toEqual({ ok: true, value: undefined });
  });

  test("a drop reason of a later contract is some other reason", () => {
    expect(decodeFromDataPlane(fromHex("4a080a066e6f7468696e")!)).toMatchObject({ value: { reason: "other" } });
  });

  test("an action of a later contract is a drop", () => {
    expect(decodeFromDataPlane(fromHex("4a090a0570756e63685863")!)).toMatchObject({ value: { action: "drop" } });
  });

  test("a port above 65535", () => {
    const request: DataPlaneRequest = {
      kind: "send-datagram",
      to: directPath(endpoint(ADDRESS, 70_000)),
      datagram: new Uint8Array(),
    };
    expect(decodeToDataPlane(onlyMessage(encodeToDataPlane(1n, request)))).toEqual({ ok: false, reason: "port 70000" });
  });
});

describe("a frame", () => {
  test("is a big-endian length and the message", () => {
    const frame = encodeToDataPlane(0n, { kind: "hello", oldest: 2, newest: 3 });
    expect(frame).toEqual({ ok: true, value: [fromHex("00000006120408031002")] });
  });

  test("is found wherever the stream is cut", () => {
    const kinds: DataPlaneRequest[] = [{ kind: "sample" }, { kind: "shutdown", sendClose: true }, { kind: "sample" }];
    const stream = concatBytes(...kinds.map((request) => frameOf(encodeToDataPlane(7n, request))));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        const reader = new FrameReader();
        const read: unknown[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          const messages = reader.push(stream.subarray(at, at + size));
          expect(messages.ok).toBe(true);
          if (messages.ok) read.push(...messages.value.map((message) => decodeToDataPlane(message)));
          at += size;
        }
        expect(read).toEqual(kinds.map((request) => ({ ok: true, value: { requestId: 7n, request } })));
      }),
    );
  });

  test("of more than 1 MiB is not written", () => {
    const datagram = new Uint8Array(FRAME_LIMIT_BYTES);
    expect(encodeToDataPlane(1n, { kind: "send-datagram", to: directPath(endpoint(ADDRESS, 1)), datagram }).ok).toBe(
      false,
    );
  });

  test("of more than 1 MiB is refused when it is announced", () => {
    expect(new FrameReader().push(fromHex("00100001")!).ok).toBe(false);
    expect(new FrameReader().push(fromHex("ffffffff")!).ok).toBe(false);
    expect(new FrameReader().push(fromHex("00100000")!)).toEqual({ ok: true, value: [] });
  });
});

const ADDRESS = "192.0.2.1" as Parameters<typeof endpoint>[0];

function frameOf(frame: ReturnType<typeof encodeToDataPlane> | ReturnType<typeof encodeFromDataPlane>): Uint8Array {
  if (!frame.ok) throw new Error(frame.reason);
  return frame.value instanceof Uint8Array ? frame.value : concatBytes(...frame.value);
}

function onlyMessage(frame: Parameters<typeof frameOf>[0]): Uint8Array {
  const messages = new FrameReader().push(frameOf(frame));
  if (!messages.ok || messages.value.length !== 1) throw new Error("not one message");
  return messages.value[0]!;
}

function expectSame(read: unknown, generally: unknown): void {
  expect(plain(read)).toEqual(plain(generally));
}

/** Without prototypes, and with bytes that look alike whatever memory they lie in. */
function plain(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(
    JSON.stringify(value, (_, each) =>
      each instanceof Uint8Array ? toHex(each) : typeof each === "bigint" ? String(each) : each,
    ),
  );
}

import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { DataPlaneCommand, LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import type { Route } from "../../../../src/core/route/route.ts";
import { FrameReader } from "../../../../src/runtime/dataplane/contract/frame.ts";
import { ToDataPlaneSchema } from "../../../../src/runtime/dataplane/contract/generated/dataplane_pb.ts";
import { RequestWriter } from "../../../../src/runtime/dataplane/native/request-writer.ts";

const seal: DataPlaneCommand = {
  kind: "seal-and-send",
  localIndex: 7 as LocalIndex,
  type: 3,
  subtype: 0,
  body: Uint8Array.of(1, 2),
};
const send: DataPlaneCommand = {
  kind: "send-datagram",
  to: directPath("192.0.2.1:4242" as Endpoint),
  datagram: new Uint8Array(300),
};

/** The ids of the requests in these frames, of those that ask for no answer negative. */
function idsIn(bytes: Uint8Array): number[] {
  const messages = new FrameReader().push(bytes);
  const read = (messages.ok ? messages.value : []).map((message) => fromBinary(ToDataPlaneSchema, message));
  return read.map(({ requestId, quiet }) => Number(requestId) * (quiet ? -1 : 1));
}

/** What is written in each turn. */
function recorder() {
  const writes: number[][] = [];
  const failed: string[] = [];
  const writer = new RequestWriter({
    write: (bytes, answered) => {
      writes.push(idsIn(bytes));
      expect(Number(answered)).toBe(Math.abs(writes.at(-1)!.at(-1)!));
    },
    unsendable: ({ error }) => failed.push(error),
  });
  return { writer, writes, failed };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what is said in one turn is one write, and only its last request is answered", async () => {
  const { writer, writes } = recorder();
  writer.add(1n, seal);
  writer.add(2n, send);
  writer.add(3n, seal);
  expect(writes).toEqual([]);
  await turn();
  writer.add(4n, seal);
  await turn();
  expect(writes).toEqual([[-1, -2, 3], [4]]);
});

test("whoever waits for more than that it was done gets an answer", async () => {
  const { writer, writes } = recorder();
  writer.add(1n, seal);
  writer.add(2n, { kind: "sample" });
  writer.add(3n, { kind: "list-flows" });
  writer.add(4n, seal);
  await turn();
  expect(writes).toEqual([[-1, 2, 3, 4]]);
});

test("what fits no frame is said to be so, and what is behind it is written", async () => {
  const { writer, writes, failed } = recorder();
  writer.add(1n, { ...send, datagram: new Uint8Array(1 << 21) });
  writer.add(2n, seal);
  await turn();
  expect(failed).toEqual([expect.stringContaining("fits no frame")]);
  expect(writes).toEqual([[2]]);
});

test("nothing is written once nobody reads", async () => {
  const { writer, writes } = recorder();
  writer.add(1n, seal);
  writer.stop();
  await turn();
  expect(writes).toEqual([]);
});

test("nothing is taken on any more once somebody has had enough of what fits no frame", async () => {
  const writes: Uint8Array[] = [];
  const writer: RequestWriter = new RequestWriter({
    write: (bytes) => writes.push(bytes),
    unsendable: () => writer.stop(),
  });
  writer.add(1n, { ...send, datagram: new Uint8Array(1 << 21) });
  writer.add(2n, seal);
  await turn();
  expect(writes).toEqual([]);
});

test("what is said when something fits no frame is written before what was said next", async () => {
  const writes: number[] = [];
  const writer: RequestWriter = new RequestWriter({
    write: (bytes) => writes.push(...idsIn(bytes)),
    unsendable: () => writer.add(2n, seal),
  });
  writer.add(1n, { ...send, datagram: new Uint8Array(1 << 21) });
  writer.add(3n, seal);
  await turn();
  expect(writes).toEqual([-2, 3]);
});

test("what is said while a large request is on its way comes behind it", async () => {
  const writes: number[] = [];
  const failed: string[] = [];
  const writer = new RequestWriter({
    write: (bytes) => writes.push(...idsIn(bytes)),
    unsendable: ({ error }) => failed.push(error),
  });
  const routes = Array.from({ length: 150_000 }, (_, i): Route => {
    const prefix = parsePrefix(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`)!;
    return { prefix, target: { kind: "peer" } };
  });
  writer.add(1n, { kind: "apply-routes", routes });
  writer.add(2n, seal);
  await turn();
  writer.add(3n, seal);
  while (writes.at(-1) !== 3) await turn();
  expect(writes.filter((id) => id !== 0)).toEqual([1, -2, 3]);
  expect(writes.filter((id) => id === 0).length).toBeGreaterThan(1);
  expect(failed).toEqual([]);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../../src/core/base/bytes.ts";
import {
  type DataPlaneReport,
  decodeFromDataPlane,
  encodeToDataPlane,
  FrameReader,
} from "../../src/runtime/dataplane/contract/codec.ts";
import { nativeBinary } from "../conformance/native-probe.ts";
import { decodeToDataPlane } from "./data-plane-requests.ts";
import { toMeaning } from "./meaning.ts";
import { otherRequests, reports, requests, results } from "./samples.ts";

const RECORDED = new URL("recorded/", import.meta.url).pathname;
/** Versions whose frames are understood whole; how they came to be: record.ts. */
const UNDERSTOOD = ["v2"];

describe.each(UNDERSTOOD)("frames recorded in %s", (version) => {
  test.each(namesOf(version, "to"))("still say to a data plane what they said: %s", (name) => {
    const { frame, meaning } = recorded(version, "to", name);
    const said = decodeToDataPlane(messageOf(frame));
    expect(toMeaning(said.ok && said.value)).toMatchObject(meaning);
  });

  test.each(namesOf(version, "from"))("still say to a control plane what they said: %s", (name) => {
    const { frame, meaning } = recorded(version, "from", name);
    const said = decodeFromDataPlane(messageOf(frame));
    expect(toMeaning(said.ok && said.value)).toMatchObject(meaning);
  });
});

test("there is a record of everything that can be said", () => {
  const [to, from] = (["to", "from"] as const).map((way) => UNDERSTOOD.flatMap((version) => namesOf(version, way)));
  expect(to).toEqual(expect.arrayContaining([...Object.keys(requests), ...otherRequests.map(([name]) => name)]));
  expect(from).toEqual(expect.arrayContaining([...Object.keys(reports), ...results.map(([name]) => name)]));
});

describe("contract 1", () => {
  test("introduces itself with a range of one version, and ends a data plane", () => {
    const read = (name: string) => decodeToDataPlane(messageOf(recorded("v1", "to", name).frame));
    expect(read("hello")).toMatchObject({ value: { request: { kind: "hello", newest: 1, oldest: 0 } } });
    expect(read("shutdown")).toMatchObject({ value: { request: { kind: "shutdown", sendClose: true } } });
  });

  test.each(["ready", "ready-without-anything"])(
    "is told by its answer to be the only one spoken there: %s",
    (name) => {
      const report = decodeFromDataPlane(messageOf(recorded("v1", "from", name).frame));
      expect(report).toMatchObject({ value: { kind: "ready", contractVersion: 1, oldestVersion: 1, build: "0.9.0" } });
    },
  );

  test.each(["result", "result-refused"])("answers in the same words: %s", (name) => {
    const { frame, meaning } = recorded("v1", "from", name);
    const report = decodeFromDataPlane(messageOf(frame));
    expect(toMeaning(report.ok && report.value)).toMatchObject(meaning);
  });
});

describe("a frame of the future", () => {
  test.each(namesOf("v2", "from"))("is read without the fields that are unknown: %s", (name) => {
    const { frame, meaning } = recorded("v2", "from", name);
    const beside = concatBytes(messageOf(frame), field(1_000, utf8Encode("news")));
    const report = decodeFromDataPlane(beside);
    expect(toMeaning(report.ok && report.value)).toMatchObject(meaning);
    expect(toMeaning(decoded(grown(messageOf(frame))))).toMatchObject(meaning);
  });

  test("that is an unknown event means nothing, and that is no failure", () => {
    expect(decodeFromDataPlane(field(200, field(1, utf8Encode("news"))))).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["datagram", 3],
    ["roamed", 7],
  ])("that came on a way of an unknown kind means nothing: %s", (_, event) => {
    expect(decodeFromDataPlane(field(event, field(3, field(9, utf8Encode("by pigeon")))))).toEqual({
      ok: true,
      value: undefined,
    });
  });

  test.each([
    ["that names none", []],
    ["of an unknown kind", [varintField(4, 99)]],
  ])("with a datagram of a standing %s is one of anybody", (_, standing) => {
    const endpoint = concatBytes(field(1, Uint8Array.of(192, 0, 2, 9)), varintField(2, 4242));
    const datagram = concatBytes(field(3, field(1, endpoint)), ...standing);
    expect(decoded(field(3, datagram))).toMatchObject({ kind: "datagram", standing: "first" });
  });

  test("with a session on a way of an unknown kind tells of one without a path", () => {
    const session = concatBytes(varintField(1, 7), field(9, field(9, utf8Encode("by pigeon"))));
    const ready = decoded(field(1, concatBytes(varintField(1, 2), field(4, field(5, session)))));
    expect(ready).toMatchObject({ snapshot: { sessions: [{ localIndex: 7, path: undefined }] } });
  });

  test("with an unknown drop reason tells of another reason, and with an unknown way to refuse of a drop", () => {
    const sample = concatBytes(field(1, utf8Encode("out-of-fashion")), varintField(11, 99));
    expect(decoded(field(9, sample))).toMatchObject({ kind: "drop-sample", reason: "other", action: "drop" });
  });

  test("that counts unknown drop reasons adds them to the others", () => {
    const counter = (name: string, count: number) =>
      field(1, concatBytes(field(1, utf8Encode(name)), varintField(2, count)));
    const counters = concatBytes(counter("out-of-fashion", 3), counter("other", 2), counter("too-late", 4));
    const report = decoded(field(2, field(6, field(2, counters))));
    expect(toMeaning(report)).toMatchObject({ value: { counters: { drops: { map: [["other", { bigint: "9" }]] } } } });
  });
});

describe.skipIf(nativeBinary() === undefined)("lacis-dataplane", () => {
  test("tells a control plane of contract 1 which one it speaks, shows it nothing, and lets it end it", async () => {
    const said = await conversation([recorded("v1", "to", "hello").frame, recorded("v1", "to", "shutdown").frame]);
    expect(said.reports).toMatchObject([
      { kind: "ready", contractVersion: 2, oldestVersion: 2, snapshot: { sessions: [], udp: undefined } },
      { kind: "result", code: "" },
    ]);
    expect(said.exitCode).toBe(0);
  });

  test("takes nothing else from a control plane of contracts 3 to 4", async () => {
    const said = await conversation([hello(3, 4), recorded("v2", "to", "sample").frame]);
    expect(said.reports).toMatchObject([{ kind: "ready", contractVersion: 2, oldestVersion: 2 }]);
    expect(said.exitCode).toBe(1);
  });

  test.each([
    [1, 2],
    [2, 2],
    [2, 9],
  ])("speaks contract 2 with a control plane of contracts %i to %i", async (oldest, newest) => {
    const said = await conversation([hello(oldest, newest), recorded("v2", "to", "sample").frame]);
    expect(said.reports).toMatchObject([
      { kind: "ready", contractVersion: 2 },
      { kind: "result", code: "", value: { kind: "sampled" } },
    ]);
  });

  test.each(["configure", "apply-routes", "install-session", "apply-policies", "set-path"])(
    "understands what was recorded, be it to refuse it: %s",
    async (name) => {
      const said = await conversation([recorded("v2", "to", "hello").frame, recorded("v2", "to", name).frame]);
      const code = {
        "install-session": "unknown-policy",
        "set-path": "unknown-session",
      }[name];
      expect(said.reports.at(-1)).toMatchObject({ kind: "result", code: code ?? "" });
    },
  );
});

function namesOf(version: string, way: "to" | "from"): readonly string[] {
  const files = readdirSync(join(RECORDED, version, way)).filter((file) => file.endsWith(".bin"));
  return files.map((file) => file.slice(0, -".bin".length));
}

function recorded(version: string, way: "to" | "from", name: string): { frame: Uint8Array; meaning: object } {
  const file = join(RECORDED, version, way, name);
  const meaning: unknown = JSON.parse(readFileSync(`${file}.json`, "utf8"));
  if (typeof meaning !== "object" || meaning === null) throw new Error(`${name} has no meaning`);
  return { frame: new Uint8Array(readFileSync(`${file}.bin`)), meaning };
}

function messageOf(frame: Uint8Array): Uint8Array {
  const messages = new FrameReader().push(frame);
  if (!messages.ok || messages.value.length !== 1) throw new Error("not one frame");
  return messages.value[0]!;
}

function decoded(message: Uint8Array): DataPlaneReport | undefined {
  const report = decodeFromDataPlane(message);
  if (!report.ok) throw new Error(report.reason);
  return report.value;
}

function hello(oldest: number, newest: number): Uint8Array {
  const frames = encodeToDataPlane(1n, { kind: "hello", oldest, newest });
  if (!frames.ok) throw new Error(frames.reason);
  return frames.value[0]!;
}

/** The same message with an unknown field in the event itself. A oneof is one field: its number, its length, its bytes. */
function grown(message: Uint8Array): Uint8Array {
  const [tag, afterTag] = readVarint(message, 0);
  const [, afterLength] = readVarint(message, afterTag);
  return field(tag >> 3, concatBytes(message.subarray(afterLength), field(1_000, utf8Encode("news"))));
}

function readVarint(bytes: Uint8Array, from: number): [value: number, next: number] {
  const last = bytes.findIndex((byte, at) => at >= from && byte < 0x80);
  const value = bytes.subarray(from, last + 1).reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  return [value, last + 1];
}

function field(number: number, body: Uint8Array): Uint8Array {
  return concatBytes(varint(number * 8 + 2), varint(body.length), body);
}

function varintField(number: number, value: number): Uint8Array {
  return concatBytes(varint(number * 8), varint(value));
}

function varint(value: number): Uint8Array {
  return value < 128 ? Uint8Array.of(value) : concatBytes(Uint8Array.of((value & 0x7f) | 0x80), varint(value >> 7));
}

/** What `lacis-dataplane --memory` says to these frames until it ends; it is told nothing more. */
async function conversation(
  frames: readonly Uint8Array[],
): Promise<{ readonly reports: readonly DataPlaneReport[]; readonly exitCode: number | null }> {
  const child = spawn(nativeBinary()!, ["--memory"], { stdio: ["pipe", "pipe", "ignore"] });
  const chunks: Uint8Array[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
  child.stdin.on("error", () => {});
  for (const frame of frames) child.stdin.write(frame);
  child.stdin.end();
  await once(child, "close");
  const messages = new FrameReader().push(concatBytes(...chunks));
  if (!messages.ok) throw new Error(messages.reason);
  const reports = messages.value.flatMap((message) => decoded(message) ?? []);
  return { reports: reports.filter(({ kind }) => kind !== "quiet"), exitCode: child.exitCode };
}

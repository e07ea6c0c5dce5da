import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex } from "../../src/core/base/bytes.ts";
import { CONTRACT_VERSIONS, type PolicyId } from "../../src/core/dataplane/contract.ts";
import { parsePrefix } from "../../src/core/netip/prefix.ts";
import {
  type DataPlaneReport,
  type DataPlaneRequest,
  decodeFromDataPlane,
  encodeToDataPlane,
  FrameReader,
} from "../../src/runtime/dataplane/contract/codec.ts";
import { FarEnd, facts, PEER, policies, programOf, ruleOf } from "./host.ts";
import { nativeBinary } from "./native-probe.ts";

// What is said around the packets: only a process has this part of the contract.

const binary = nativeBinary();
const hello: DataPlaneRequest = { kind: "hello", ...CONTRACT_VERSIONS };

describe.skipIf(!binary)("a conversation with lacis-dataplane --memory", () => {
  test("begins with hello, and hello is answered by ready", async () => {
    const { reports, code } = await converse(frames([hello]));
    expect(reports).toMatchObject([
      {
        kind: "ready",
        contractVersion: CONTRACT_VERSIONS.newest,
        oldestVersion: CONTRACT_VERSIONS.oldest,
        more: false,
        snapshot: { tun: undefined, udp: undefined, sessions: [] },
      },
      { kind: "quiet" },
    ]);
    expect(code).toBe(0);
  });

  test("that begins with anything else ends at once", async () => {
    const { reports, code } = await converse(frames([{ kind: "sample" }, hello]));
    expect(reports).toEqual([]);
    expect(code).not.toBe(0);
  });

  test("tells another version of the contract its own", async () => {
    const { reports } = await converse(frames([{ kind: "hello", oldest: 99, newest: 99 }]));
    expect(reports[0]).toMatchObject({ kind: "ready", contractVersion: CONTRACT_VERSIONS.newest });
  });

  test("uses the newest version that both speak", async () => {
    const { reports } = await converse(frames([{ kind: "hello", oldest: 1, newest: 99 }, { kind: "sample" }]));
    expect(reports).toMatchObject([
      { kind: "ready", contractVersion: CONTRACT_VERSIONS.newest },
      { kind: "quiet" },
      { kind: "result", code: "" },
      { kind: "quiet" },
    ]);
  });

  test("without a common version knows shutdown and nothing else", async () => {
    const stranger: DataPlaneRequest = { kind: "hello", oldest: 1, newest: 1 };
    const ended = await converse(frames([stranger, { kind: "shutdown", sendClose: false }]));
    expect(ended.reports.map(({ kind }) => kind)).toEqual(["ready", "quiet", "result", "quiet"]);
    expect(ended.code).toBe(0);
    for (const request of [{ kind: "sample" } as const, hello]) {
      const { reports, code } = await converse(frames([stranger, request]));
      expect(reports.map(({ kind }) => kind)).toEqual(["ready", "quiet"]);
      expect(code).not.toBe(0);
    }
  });

  test("brings programs that are longer than a frame in pieces, and one of them counts as one", async () => {
    const rules = Array.from({ length: 40_000 }, (_, ruleId) => ruleOf({ ruleId, protocol: "tcp" }));
    const { reports } = await converse(frames([hello, policies([programOf(1, rules, [])]), { kind: "sample" }]));
    expect(reports.flatMap((report) => (report.kind === "result" ? [report.code] : []))).toEqual(["", ""]);
    const tooMany = [1, 2, 3, 4, 5, 6, 7].map((id) => programOf(id, rules, []));
    const refused = await converse(frames([hello, policies(tooMany), policies([programOf(1, [])])]));
    expect(refused.reports.flatMap((report) => (report.kind === "result" ? [report.code] : []))).toContain(
      "bad-request",
    );
  });

  test.each([
    ["is longer than any", "00100001"],
    ["does not decode", "0000000405ffffff"],
    ["is cut off by the end", "0000000408"],
  ])("ends with a frame that %s", async (_, hex) => {
    const { reports, code } = await converse(concatBytes(frames([hello]), fromHex(hex)!));
    expect(reports.map(({ kind }) => kind)).toEqual(["ready", "quiet"]);
    expect(code).not.toBe(0);
  });

  test("refuses a command it does not know and goes on", async () => {
    const unknown = fromHex("000000050807820600")!;
    const { reports } = await converse(concatBytes(frames([hello]), unknown, frames([{ kind: "sample" }])));
    expect(reports.map(({ kind }) => kind)).toEqual(["ready", "quiet", "result", "quiet", "result", "quiet"]);
    expect(reports[2]).toMatchObject({ requestId: 7n, code: "unsupported" });
    expect(reports[4]).toMatchObject({ code: "" });
  });

  test("answers a request without a number only when it fails", async () => {
    const { reports } = await converse(
      concatBytes(
        frames([hello]),
        frameOf(0n, facts()),
        frameOf(0n, { kind: "set-primary", localIndex: new FarEnd(1, "aes").localIndex }),
      ),
    );
    expect(reports.map(({ kind }) => kind)).toEqual(["ready", "quiet", "quiet", "result", "quiet"]);
    expect(reports[3]).toMatchObject({ requestId: 0n, code: "unknown-session" });
  });

  test("opens its devices and remembers them for the next control plane", async () => {
    const addresses = [parsePrefix("10.77.0.1/16")!];
    const { reports } = await converse(
      frames([
        hello,
        {
          kind: "open-tun",
          name: "lacis9",
          mtu: 1300,
          addresses,
          txQueue: 500,
          queues: 1,
          offloads: true,
          threads: { pinned: true, seed: 0, cpus: [] },
        },
        {
          kind: "open-udp",
          bind: PEER,
          readBufferBytes: 0,
          writeBufferBytes: 0,
          batch: 64,
          mark: 0,
          queues: 1,
          offloads: true,
        },
        hello,
      ]),
    );
    expect(reports.filter(({ kind }) => kind !== "quiet")).toMatchObject([
      { kind: "ready" },
      { kind: "result", value: { kind: "tun-opened", name: "lacis9" } },
      { kind: "result", value: { kind: "udp-opened", bound: PEER } },
      { kind: "ready", snapshot: { tun: { name: "lacis9", mtu: 1300, addresses }, udp: PEER } },
    ]);
  });

  test("ends with shutdown, after a last word on every session, in order", async () => {
    const sessions = [9, 4, 6].map((index) => new FarEnd(index, "aes"));
    const { reports, code } = await converse(
      frames([
        hello,
        facts(),
        policies([programOf(1, [])]),
        ...sessions.map((session) => session.installation({ policyId: 1 as PolicyId })),
        { kind: "shutdown", sendClose: true },
        { kind: "sample" },
      ]),
    );
    const closed = reports.flatMap((report) =>
      report.kind === "udp-out"
        ? sessions.filter((session) => session.open(Buffer.from(report.datagram).toString("hex"))?.type === 5)
        : [],
    );
    expect(closed.map(({ localIndex }) => localIndex)).toEqual([4, 6, 9]);
    expect(reports.slice(-2)).toMatchObject([{ kind: "result", code: "" }, { kind: "quiet" }]);
    expect(code).toBe(0);
  });

  test("splits a snapshot that is longer than one frame", async () => {
    const memo = new Uint8Array(65_536).fill(7);
    const installations = Array.from({ length: 40 }, (_, i) => new FarEnd(i + 1, "aes").installation({ memo }));
    const { reports } = await converse(frames([hello, policies([programOf(1, [])]), ...installations, hello]));
    const snapshots = reports.flatMap((report) => (report.kind === "ready" ? [report] : [])).slice(1);
    expect(snapshots.length).toBeGreaterThan(2);
    expect(snapshots.map(({ more }) => more)).toEqual(snapshots.map((_, i) => i < snapshots.length - 1));
    const indices = snapshots.flatMap(({ snapshot }) => snapshot.sessions.map(({ localIndex }) => localIndex));
    expect(indices).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });
});

async function converse(input: Uint8Array): Promise<{ reports: readonly DataPlaneReport[]; code: number }> {
  const child = spawn(binary ?? "", ["--memory"], { stdio: ["pipe", "pipe", "ignore"] });
  const frames = new FrameReader();
  const reports: DataPlaneReport[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    const messages = frames.push(new Uint8Array(chunk));
    if (!messages.ok) throw new Error(messages.reason);
    for (const message of messages.value) {
      const report = decodeFromDataPlane(message);
      if (!report.ok) throw new Error(report.reason);
      if (report.value) reports.push(report.value);
    }
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { reports, code };
}

function frames(requests: readonly DataPlaneRequest[]): Uint8Array {
  return concatBytes(...requests.map((request, i) => frameOf(BigInt(i + 1), request)));
}

function frameOf(requestId: bigint, request: DataPlaneRequest): Uint8Array {
  const frames = encodeToDataPlane(requestId, request);
  if (!frames.ok) throw new Error(frames.reason);
  return concatBytes(...frames.value);
}

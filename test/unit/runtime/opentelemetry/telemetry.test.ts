import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TelemetrySettings } from "../../../../src/core/config/settings.ts";
import type { FlowStory } from "../../../../src/core/flow-story.ts";
import { type Daemon, openNode } from "../../../../src/index.ts";
import type { LoadedSettings } from "../../../../src/runtime/config/config-file.ts";
import { FlowLog } from "../../../../src/runtime/flowlog/flow-log.ts";
import type { Meter } from "../../../../src/runtime/metrics/meter.ts";
import { TelemetryService } from "../../../../src/runtime/opentelemetry/telemetry-service.ts";
import { refused, story } from "../flowlog/story.ts";
import { freePort, MeshFiles } from "../mesh-files.ts";
import { readExposition } from "../metrics/nebula-names.ts";
import { Collector, plain } from "./collector.ts";

/** Long enough for the library's own second between two attempts, on a busy machine. */
const WAIT = { timeout: 15_000 };

let collectorPort: number;
let collector: Collector;
const closers: (() => unknown)[] = [];

beforeEach(async () => {
  collectorPort = await freePort();
  collector = await Collector.open(collectorPort);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  collector.close();
});

describe("metrics at a collector", () => {
  test("come again and again, below the path that the configuration names", async () => {
    await open(`opentelemetry: { endpoint: "http://127.0.0.1:${collectorPort}/otlp/", interval: 200ms }`);
    await expect.poll(() => collector.requests.length, WAIT).toBeGreaterThan(1);
    expect(new Set(collector.requests.map(({ path }) => path))).toEqual(new Set(["/otlp/v1/metrics"]));
  });

  test("keep their names and labels on the way to Prometheus, and rise from the start of this process", async () => {
    const page = await freePort();
    const stats = `stats: { type: prometheus, listen: "127.0.0.1:${page}", path: /m, interval: 1s, message_metrics: true }`;
    await open(`${stats}\nopentelemetry: { endpoint: "http://127.0.0.1:${collectorPort}", interval: 200ms }`);
    await expect.poll(() => collector.metrics().size, WAIT).toBeGreaterThan(0);
    const series = readExposition(await (await fetch(`http://127.0.0.1:${page}/m`)).text());
    const served = [...series.keys()].map((name) => name.replace(/\{.*/, ""));
    const sent = [...collector.metrics().values()];
    // As collectors name sums for Prometheus.
    const names = sent.map(({ name, sum }) => `${name.replaceAll(/[.-]/g, "_")}${sum ? "_total" : ""}`);
    expect(new Set(names)).toEqual(new Set(served));
    for (const { sum } of sent.filter((metric) => metric.sum))
      expect(sum).toMatchObject({ isMonotonic: true, aggregationTemporality: "AGGREGATION_TEMPORALITY_CUMULATIVE" });
    const reloads = collector.metrics().get("lacis.reloads")?.sum?.dataPoints ?? [];
    expect(reloads.map(({ attributes, asDouble }) => [plain(attributes), asDouble])).toEqual([
      [{ outcome: "applied" }, 0],
      [{ outcome: "refused" }, 0],
    ]);
    const began = Number(reloads[0]?.startTimeUnixNano) / 1e6;
    expect(Number(reloads[0]?.timeUnixNano) / 1e6).toBeGreaterThan(began);
    expect(Math.abs(Date.now() - began)).toBeLessThan(60_000);
    expect(collector.metrics().get("lacis.sent.bytes")).toMatchObject({ unit: "By" });
    expect(collector.metrics().get("lacis.uptime_seconds")).toMatchObject({ unit: "s" });
    expect(plain(collector.metrics().get("info")?.gauge?.dataPoints[0]?.attributes ?? [])).toMatchObject({
      version: "0.1.0",
    });
  });

  test("say whose they are, with the headers that the collector asks for", async () => {
    await open(
      `opentelemetry: { endpoint: "http://127.0.0.1:${collectorPort}", interval: 200ms, headers: { authorization: Bearer x } }`,
    );
    await expect.poll(() => collector.requests.length, WAIT).toBeGreaterThan(0);
    expect(collector.resource()).toEqual({
      "service.name": "lacis",
      "service.version": "0.1.0",
      "service.instance.id": "laptop",
    });
    expect(collector.requests[0]?.headers).toMatchObject({
      authorization: "Bearer x",
      "content-type": "application/x-protobuf",
    });
  });

  test("that it refuses are named with its answer; the host goes on, and it is said when it takes them again", async () => {
    collector.status = 401;
    const daemon = await open(`opentelemetry: { endpoint: "http://127.0.0.1:${collectorPort}", interval: 200ms }`);
    const told: string[] = [];
    daemon.events.listen(({ code }) => told.push(code));
    await expect
      .poll(() => healthOf(daemon), WAIT)
      .toEqual([`http://127.0.0.1:${collectorPort} does not take metrics: it answered 401 Unauthorized`]);
    collector.status = 200;
    await expect.poll(() => healthOf(daemon), WAIT).toEqual([]);
    expect(told.filter((code) => code.startsWith("collector-")).at(-1)).toBe("collector-reached");
  });

  test("cost a host nothing that has none: its library is not even loaded", () => {
    const script = `await import("./dist/src/index.js"); const { createRequire } = await import("node:module");
      process.stdout.write(String(Object.keys(createRequire("/x").cache).filter((path) => path.includes("@opentelemetry")).length))`;
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })).toBe("0");
  });
});

describe("flows at a collector", () => {
  test("are log records: who, to whom, by which rule, and why not", async () => {
    const { flowLog } = await serviceOf({});
    flowLog.heard([story({ happening: "ended", end: "closed" }), refused({ localPort: 22 })], 3);
    await expect.poll(() => collector.logs().length, WAIT).toBe(3);
    const [ended, denied, untold] = collector.logs();
    expect(ended).toMatchObject({ severityText: "INFO", eventName: "lacis.flow.ended" });
    expect(denied).toMatchObject({ severityText: "WARN", eventName: "lacis.flow.refused" });
    expect(untold).toMatchObject({ eventName: "lacis.flows.untold", attributes: { "lacis.untold": "3" } });
    const entries = (await flowLog.find({}, 10)).flows;
    const begun = entries.find(({ happening }) => happening === "ended");
    const from = begun?.direction === "inbound" ? begun.remote : begun?.local;
    expect(ended?.attributes).toMatchObject({
      "source.address": from?.address,
      "source.port": String(from?.port),
      "lacis.verdict": "allowed",
      "lacis.end": "closed",
      "lacis.sent.packets": String(begun?.sentPackets),
    });
    // Of nanoseconds a number has not all digits.
    expect(Math.round(Number(ended?.timeUnixNano) / 1e6)).toBe(Date.parse(begun?.at ?? ""));
    const entry = entries.find(({ verdict }) => verdict === "denied");
    expect(denied?.attributes).toMatchObject({ "lacis.verdict": "denied", "lacis.reason": entry?.reason });
    expect(Object.values(denied?.attributes ?? {})).not.toContain(undefined);
    expect(denied?.text).toContain(`: ${entry?.reason}`);
  });

  test("wait while it is away, within bounds, and it is told how many were given up", async () => {
    collector.close();
    const { flowLog, service } = await serviceOf({});
    for (let i = 0; i < 50; i++) flowLog.heard(times(100, story({})), 0);
    await expect
      .poll(() => service.health()[0]?.text ?? "", { timeout: 25_000 })
      .toContain("nobody listens there; 904");
    collector = await Collector.open(collectorPort);
    await expect.poll(() => collector.logs().length, { timeout: 25_000 }).toBe(4_097);
    const untold = collector.logs().filter(({ eventName }) => eventName === "lacis.flows.untold");
    expect(untold.map(({ attributes }) => attributes["lacis.untold"])).toEqual(["904"]);
    expect(service.health()).toEqual([]);
  }, 60_000);

  test("that wait when this process ends are sent first", async () => {
    const { flowLog, service } = await serviceOf({});
    flowLog.heard([story({})], 0);
    await service.stop();
    expect(collector.logs()).toHaveLength(1);
  });

  test("are not told unasked", async () => {
    const { flowLog, service } = await serviceOf({ flows: false });
    flowLog.heard([story({})], 0);
    await service.stop();
    expect(collector.requests).toEqual([]);
  });
});

async function serviceOf(change: Partial<TelemetrySettings>): Promise<{ flowLog: FlowLog; service: TelemetryService }> {
  const settings = { settings: { live: { flowLog: { megabytes: 1 } } } } as unknown as LoadedSettings;
  const flowLog = new FlowLog(settings, { folder: undefined, host: () => "laptop", list: () => {} });
  const telemetry: TelemetrySettings = {
    endpoint: `http://127.0.0.1:${collectorPort}`,
    headers: {},
    intervalMs: 60_000,
    metrics: false,
    flows: true,
    messages: false,
    lighthouse: false,
    ...change,
  };
  const meter = { attach: () => {}, detach: () => {} } as unknown as Meter;
  const sender = () => ({ host: "laptop", version: "0" });
  const service = new TelemetryService({ telemetry }, { meter, flowLog, sender, startedAt: 0, tell: () => {} });
  service.start();
  closers.push(() => service.stop());
  return { flowLog, service };
}

function times(count: number, one: FlowStory): readonly FlowStory[] {
  return Array.from({ length: count }, () => one);
}

async function open(more: string): Promise<Daemon> {
  const files = new MeshFiles();
  const config = files.host("laptop", "10.77.0.2", await freePort(), more);
  const daemon = await openNode({ config, stateDirectory: join(files.folder, "state") });
  closers.push(
    () => rmSync(files.folder, { recursive: true }),
    () => daemon.stop(),
  );
  return daemon;
}

function healthOf(daemon: Daemon): readonly string[] {
  return daemon
    .services()
    .flatMap(({ name, health }) => (name === "opentelemetry" ? health : []))
    .map(({ text }) => text);
}

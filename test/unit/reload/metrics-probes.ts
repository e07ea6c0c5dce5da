import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { FlowLog } from "../../../src/runtime/flowlog/flow-log.ts";
import { measuring } from "../../../src/runtime/measuring.ts";
import { settled } from "../fixtures/settled.ts";
import { freePort } from "../runtime/mesh-files.ts";
import { Collector } from "../runtime/opentelemetry/collector.ts";
import type { Subject } from "./subject.ts";

/** Ports of this machine, each of them before or after a change. */
export const PAGE_PORTS: { readonly before: number; readonly after: number } = {
  before: await freePort(),
  after: await freePort(),
};
export const RECEIVER_PORTS: { readonly before: number; readonly after: number } = {
  before: await freePort(),
  after: await freePort(),
};

export const COLLECTOR_PORTS: { readonly before: number; readonly after: number } = {
  before: await freePort(),
  after: await freePort(),
};

/** The metrics of a subject, made as the daemon makes them. */
export async function startMetrics(subject: Subject): Promise<void> {
  const flowLog = new FlowLog(subject, { folder: undefined, host: () => "subject", list: () => {} });
  const { services } = measuring(subject.shell, {
    flowLog,
    startedAt: 0,
    look: () => ({
      node: subject.host.status(),
      usedRules: [],
      settings: subject.settings,
      dataPlane: DATA_PLANE,
      sockets: [],
      version: "0",
      startedAt: 0,
      now: Date.now(),
    }),
    tell: () => {},
  });
  subject.services.push(...services);
  for (const service of services) await service.start?.();
  flowLogs.set(subject, flowLog);
}

const flowLogs = new WeakMap<Subject, FlowLog>();
const collectorsOf = new WeakMap<Subject, readonly Collector[]>();

/** Its metrics, and collectors that are there before it sends them any. */
export async function startTelemetry(subject: Subject): Promise<void> {
  const ports = Object.values(COLLECTOR_PORTS);
  collectorsOf.set(subject, await Promise.all(ports.map((port) => Collector.open(port))));
  await startMetrics(subject);
}

/** Where a page of metrics is, what its names begin with, whether they tell messages apart, and whether it is made anew each time. */
export async function pagesSeen(subject: Subject): Promise<unknown> {
  // The server of a reload listens a moment later.
  await settled(50);
  const seen: unknown[] = [];
  for (const port of Object.values(PAGE_PORTS))
    for (const path of ["/metrics", "/stats"]) {
      const [text, again] = [await page(port, path), await pause(150).then(() => page(port, path))];
      if (text === undefined) continue;
      const names = /^\S*?(?=certificate_max_version)/m.exec(text)?.[0];
      const kinds = ["messages_rx_other", "lighthouse_rx_other"].filter((name) => text.includes(name));
      seen.push([port, path, names, kinds, text === again]);
    }
  await stop(subject);
  return seen;
}

/** Where lines arrive first, how, and what they begin with. */
export async function receiversSeen(subject: Subject): Promise<unknown> {
  const closers: (() => void)[] = [];
  const first = new Promise((resolve) => {
    for (const port of Object.values(RECEIVER_PORTS)) {
      const heard = (carrier: string) => (bytes: Buffer) => resolve([port, carrier, bytes.toString().split(".")[0]]);
      const server = createServer((socket) => void socket.on("error", () => {}).on("data", heard("tcp")));
      server.listen(port, "127.0.0.1");
      const datagrams = createSocket("udp4").on("message", heard("udp"));
      datagrams.bind(port, "127.0.0.1");
      closers.push(
        () => server.close(),
        () => datagrams.close(),
      );
    }
  });
  const seen = await Promise.race([first, pause(2_000)]);
  await stop(subject);
  for (const close of closers) close();
  return seen;
}

/** Which collector is told what of metrics and of a flow, with which header. */
export async function collectorsSeen(subject: Subject): Promise<unknown> {
  const collectors = collectorsOf.get(subject) ?? [];
  // What was under way when the settings changed is told as it was before.
  await settled(200);
  for (const { requests } of collectors) requests.splice(0);
  flowLogs.get(subject)?.heard([], 1);
  const { metrics = false, intervalMs = 0 } = subject.shell.telemetry ?? {};
  const isTold = () => collectors.some(({ requests }) => requests.some(({ path }) => path === "/v1/metrics"));
  const patience = metrics && intervalMs < 1_000 ? 400 : 10;
  for (let waits = 0; waits < patience && !isTold(); waits++) await pause(50);
  // What waits then is sent before the end.
  await stop(subject);
  const seen = collectors.map(({ requests }) => {
    const paths = new Set(requests.map(({ path }) => path));
    return [[...paths].sort(), requests.at(-1)?.headers["x-tenant"]];
  });
  for (const collector of collectors) collector.close();
  return seen;
}

async function stop(subject: Subject): Promise<void> {
  for (const service of subject.services.splice(0)) await service.stop?.("asked");
}

async function page(port: number, path: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

const DATA_PLANE = {
  kind: "typescript",
  state: "up",
  build: undefined,
  contract: undefined,
  capabilities: [],
  program: undefined,
  startedAt: undefined,
  ciphers: [],
  pid: undefined,
  confinement: undefined,
  device: undefined,
  port: 4242,
  adopted: false,
  restarts: 0,
  lastError: undefined,
} as const;

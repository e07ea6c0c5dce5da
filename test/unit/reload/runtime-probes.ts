import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { NativeDataPlane } from "../../../src/runtime/dataplane/native/native-data-plane.ts";
import { Resolver } from "../../../src/runtime/resolver.ts";
import { RouteWatch } from "../../../src/runtime/routes/route-watch.ts";
import { Routes } from "../../../src/runtime/routes/routes.ts";
import type { RoutesOrder, RoutesReport } from "../../../src/runtime/routes/routes-command.ts";
import { stateDirectoryAt } from "../../../src/runtime/state/state-directory.ts";
import { FakeDataPlane } from "../runtime/dataplane/fake-data-plane.ts";
import type { Subject } from "./subject.ts";

const planes = new WeakMap<Subject, { fake: FakeDataPlane; plane: NativeDataPlane; folder: string }>();
const routes = new WeakMap<Subject, { service: Routes; watch: RouteWatch; orders: RoutesOrder[]; watches: string[] }>();
const resolvers = new WeakMap<Subject, { resolver: Resolver; answered: () => number | undefined }>();

/** A native data plane in front of one that only talks, made once from the settings of the start, as the daemon makes it. */
export async function startDataPlane(subject: Subject): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lacis-reload-"));
  const state = stateDirectoryAt(folder);
  const fake = new FakeDataPlane(state.dataPlaneSocket);
  fake.capabilities = ["queues", "user-space"];
  const plane = new NativeDataPlane(subject.settings, state);
  await fake.listen();
  await plane.start({ up: () => {}, down: () => {}, event: () => {}, tell: () => {} });
  planes.set(subject, { fake, plane, folder });
}

/** What is opened when the data plane dies and comes back: the last chance of a changed setting to slip in. */
export async function devicesOpened(subject: Subject): Promise<unknown> {
  const { fake, plane, folder } = planes.get(subject)!;
  await fake.die();
  fake.requests.splice(0);
  await fake.listen();
  await vi.waitFor(() => {
    const { restarts, state } = plane.describe();
    if (restarts === 0 || state !== "up") throw new Error("it is not back yet");
  });
  const opened = fake.requests.filter(({ kind }) => kind === "open-udp" || kind === "open-tun");
  await plane.stop();
  await fake.die();
  rmSync(folder, { recursive: true });
  return opened;
}

/** What the daemon has for the system's routes, made once, in front of a system that takes all of them. */
export function startRoutes(subject: Subject): void {
  const orders: RoutesOrder[] = [];
  const watches: string[] = [];
  const device = (): string => "tun7";
  const run = (order: RoutesOrder): RoutesReport => {
    orders.push(order);
    return { standing: 0, changed: 0, repairs: [], failures: [] };
  };
  const service = new Routes(subject.settings, { device, gone: () => {}, tell: () => {}, run });
  const watch = new RouteWatch(subject.settings, {
    device,
    learned: () => {},
    tell: () => {},
    spawn: (args) => {
      watches.push(args.join(" "));
      return { end: () => {} };
    },
  });
  service.start();
  watch.start();
  routes.set(subject, { service, watch, orders, watches });
}

/** What the system has been told last, after it was told of the settings that are in force now. */
export function routesOrdered(subject: Subject): unknown {
  const { service, orders } = routes.get(subject)!;
  service.change(subject.settings);
  const order = orders.at(-1);
  return order?.kind === "set" && order.wanted;
}

/** What follows the news of routes, after the device has come anew. */
export function watched(subject: Subject): readonly string[] {
  const { watch, watches } = routes.get(subject)!;
  watches.splice(0);
  watch.deviceIsUp();
  return watches;
}

/** The resolver, made once, as the daemon makes it. */
export function startResolver(subject: Subject): void {
  let answeredAt: number | undefined;
  const resolver = new Resolver({
    settings: () => subject.settings.live.staticMap,
    lookup: () => new Promise(() => {}),
    resolved: () => {
      answeredAt ??= performance.now();
    },
  });
  resolvers.set(subject, { resolver, answered: () => answeredAt });
}

/** After how long a name that nobody answers for counts as unknown. */
export async function lookupTimeout(subject: Subject): Promise<number> {
  const { resolver, answered } = resolvers.get(subject)!;
  vi.useFakeTimers();
  const asked = performance.now();
  resolver.resolve("nowhere.example");
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  return (answered() ?? Number.NaN) - asked;
}

/** What of a debug message is in the log. */
export function logLine({ log, logged }: Subject): string {
  logged.splice(0);
  log.notice({ level: "debug", code: "small", text: "a small thing", fields: {} });
  log.notice({ level: "info", code: "thing", text: "a thing", fields: {} });
  return logged.join("");
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { NativeDataPlane } from "../../../src/runtime/dataplane/native/native-data-plane.ts";
import { Resolver } from "../../../src/runtime/resolver.ts";
import { stateDirectoryAt } from "../../../src/runtime/state/state-directory.ts";
import { FakeDataPlane } from "../runtime/dataplane/fake-data-plane.ts";
import type { Subject } from "./subject.ts";

const planes = new WeakMap<Subject, { fake: FakeDataPlane; plane: NativeDataPlane; folder: string }>();
const resolvers = new WeakMap<Subject, { resolver: Resolver; answered: () => number | undefined }>();

/** A native data plane in front of one that only talks, made once from the settings of the start, as the daemon makes it. */
export async function startDataPlane(subject: Subject): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lacis-reload-"));
  const state = stateDirectoryAt(folder);
  const fake = new FakeDataPlane(state.dataPlaneSocket);
  fake.capabilities = ["queues"];
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

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { NativeDataPlane } from "../../../../src/runtime/dataplane/native/native-data-plane.ts";
import { programDigest } from "../../../../src/runtime/dataplane/native/native-process.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { type StateDirectory, stateDirectoryAt } from "../../../../src/runtime/state/state-directory.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

const plan = { name: "server", networks: ["10.77.0.2/24"] };
const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);

let state: StateDirectory;
let fake: FakeDataPlane;
let plane: NativeDataPlane;
let told: OperatorEvent[];
let binary: string;
let calls: string;
const listener = {
  up: () => {},
  event: () => {},
  down: () => {},
  tell: (event: OperatorEvent) => void told.push(event),
};

beforeEach(() => {
  state = stateDirectoryAt(mkdtempSync(join(tmpdir(), "lacis-upgrade-")));
  fake = new FakeDataPlane(state.dataPlaneSocket);
  fake.capabilities = ["hand-over"];
  fake.program = "5e".repeat(32);
  fake.snapshot = {
    tun: { name: "tun7", mtu: 1300, addresses: [prefix("10.77.0.2/24")] },
    udp: "0.0.0.0:4242" as Endpoint,
    sessions: [],
    relays: [],
  };
  plane = new NativeDataPlane(settings, state);
  told = [];
  calls = join(state.path, "calls");
  binary = join(state.path, "program");
  writeFileSync(binary, `#!/bin/sh\necho "$@" > ${calls}\necho 'the older one speaks of things unknown' >&2\nexit 1\n`);
  chmodSync(binary, 0o755);
  vi.stubEnv("LACIS_DATAPLANE", binary);
});
afterEach(async () => {
  await plane.stop();
  await fake.die();
  vi.unstubAllEnvs();
  rmSync(state.path, { recursive: true, force: true });
});

test("a program that cannot take over leaves the older one at work, which is told with its last words", async () => {
  await fake.listen();
  await plane.start(listener);
  expect(existsSync(calls)).toBe(true);
  expect(told).toEqual([
    { code: "data-plane-kept", why: "it ended with exit code 1: the older one speaks of things unknown" },
  ]);
  expect(plane.describe()).toMatchObject({ state: "up", adopted: true, program: fake.program, device: "tun7" });
});

test.each<[string, () => void]>([
  ["the same program runs", () => (fake.program = programDigest(binary))],
  ["the older one cannot give anything", () => (fake.capabilities = [])],
  ["the older one does not say which program it is", () => (fake.program = "")],
  ["no program is there", () => vi.stubEnv("LACIS_DATAPLANE", "/nowhere/lacis-dataplane")],
])("nothing takes over where %s", async (_, arrange) => {
  arrange();
  await fake.listen();
  await plane.start(listener);
  expect(existsSync(calls)).toBe(false);
  expect(told).toEqual([]);
  expect(plane.describe()).toMatchObject({ state: "up", adopted: true });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { NativeDataPlane } from "../../../../src/runtime/dataplane/native/native-data-plane.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { type StateDirectory, stateDirectoryAt } from "../../../../src/runtime/state/state-directory.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

const plan = { name: "server", networks: ["10.77.0.2/24"] };
const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
const running = {
  tun: { name: "tun7", mtu: 1300, addresses: [prefix("10.77.0.2/24")] },
  udp: "0.0.0.0:4242" as Endpoint,
  sessions: [],
  relays: [],
};
const listener = { up: () => {}, event: () => {}, down: () => {}, tell: () => {} };

let state: StateDirectory;
let fake: FakeDataPlane;
let plane: NativeDataPlane;

beforeEach(() => {
  state = stateDirectoryAt(mkdtempSync(join(tmpdir(), "lacis-native-")));
  fake = new FakeDataPlane(state.dataPlaneSocket);
  plane = new NativeDataPlane(settings, state);
});
afterEach(async () => {
  await plane.stop();
  await fake.die();
  rmSync(state.path, { recursive: true, force: true });
});

describe("what the process of a data plane gives up", () => {
  const confinement = { holds: ["no-files"], lacking: [{ measure: "no-dump", why: "no reason" }], systemCalls: 38 };
  const answering: typeof fake.script = (request, requestId) =>
    request.kind === "confine"
      ? [{ kind: "result", requestId, code: "", error: "", value: { kind: "confinement", ...confinement } }]
      : undefined;

  test("is asked for once nothing is opened any more", async () => {
    fake.capabilities = ["confine"];
    fake.script = answering;
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello", "open-udp", "open-tun", "confine"]);
    expect(plane.describe().confinement).toEqual(confinement);
  });

  test("is asked for again by whoever takes it over", async () => {
    fake.capabilities = ["confine"];
    fake.script = answering;
    fake.snapshot = running;
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello", "confine"]);
    expect(plane.describe()).toMatchObject({ adopted: true, confinement });
  });

  test("ends it when it is tried all the same, and that is said", async () => {
    const program = join(state.path, "program");
    writeFileSync(program, "#!/bin/sh\nkill -SYS $$\n", { mode: 0o755 });
    vi.stubEnv("LACIS_DATAPLANE", program);
    await expect(plane.start(listener)).rejects.toThrow(
      /ended by SIGSYS for a system call that it had given up: the system/,
    );
    vi.unstubAllEnvs();
  });

  test("is nothing where it does not know how, and it is used all the same", async () => {
    fake.snapshot = running;
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello"]);
    expect(plane.describe()).toMatchObject({ state: "up", confinement: undefined });
  });

  test.each([
    ["it refuses", { code: "system", error: "not today" }, "not today"],
    ["it says nothing of it", { code: "", error: "" }, "it did not say what it has given up"],
  ])("is nothing where %s, with why, and it is used all the same", async (_, answer, why) => {
    fake.capabilities = ["confine"];
    fake.script = (request, requestId) =>
      request.kind === "confine" ? [{ kind: "result", requestId, value: undefined, ...answer }] : undefined;
    await fake.listen();
    await plane.start(listener);
    const lacking = [{ measure: "confine", why }];
    expect(plane.describe()).toMatchObject({ state: "up", confinement: { holds: [], lacking } });
  });
});

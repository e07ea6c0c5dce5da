import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { brokerSocket, throughBroker } from "../../../src/runtime/broker.ts";
import { NativeDataPlane } from "../../../src/runtime/dataplane/native/native-data-plane.ts";
import { DataPlaneProcess, findDataPlaneBinary } from "../../../src/runtime/dataplane/native/native-process.ts";
import { runGuard } from "../../../src/runtime/guard/guard-command.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { thisPlatform } from "../../../src/runtime/platform/this-platform.ts";
import {
  createStateDirectory,
  removeStateDirectory,
  type StateDirectory,
} from "../../../src/runtime/state/state-directory.ts";
import { TestAuthority } from "../fixtures/authority.ts";
import { identityOf, settingsOf } from "../fixtures/settings.ts";

let folder: string;
let broker: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lacis-broker-"));
  vi.stubEnv("LACIS_BROKER", join(folder, "broker.sock"));
});
afterEach(() => {
  broker?.kill();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function started(): Promise<void> {
  const [listen, socket] = [join(folder, "broker.sock"), join(folder, "dataplane.sock")];
  broker = spawn(findDataPlaneBinary(), ["broker", "--listen", listen, "--socket", socket], { stdio: "ignore" });
  await vi.waitFor(() => expect(existsSync(listen)).toBe(true), { timeout: 10_000 });
}

const stateDirectory = (): StateDirectory =>
  createStateDirectory("config.yml", join(folder, "state"), thisPlatform().places.environment("lacis"));

describe("with a broker", () => {
  test("what takes a privilege is asked of it, and nothing else is", () => {
    const socket = join(folder, "broker.sock");
    for (const command of ["guard", "routes", "changes"])
      expect(throughBroker([command, "show"])).toEqual(["ask", socket, command, "show"]);
    for (const command of ["underlay", "notify"]) expect(throughBroker([command, "x"])).toEqual([command, "x"]);
    vi.stubEnv("LACIS_BROKER", "");
    expect(throughBroker(["guard", "show"])).toEqual(["guard", "show"]);
  });

  test("a command is carried out, and says what it says otherwise", async () => {
    await started();
    const there = await runGuard(["show", "--owner", "nobody"]);
    vi.stubEnv("LACIS_BROKER", "");
    expect(there).toEqual(await runGuard(["show", "--owner", "nobody"]));
  });

  test("that is away, its absence is the reason", async () => {
    const { routes } = await runGuard(["show", "--owner", "nobody"]);
    expect(routes.failure).toMatch(/^the broker at \S+broker\.sock: No such file or directory/);
  });

  test("the data plane's sockets are beside its own, and are not this process's to remove", () => {
    const state = stateDirectory();
    expect(state.dataPlaneSocket).toBe(join(folder, "dataplane.sock"));
    expect(state.streamsSocket).toBe(join(folder, "streams.sock"));
    expect(state.dataPlanePid).toBe(join(folder, "state", "dataplane.pid"));
    removeStateDirectory({ ...state, dataPlaneSocket: folder }, []);
    expect([existsSync(folder), existsSync(state.path)]).toEqual([true, false]);
  });

  test("a data plane that it has started runs until it is gone, also while its command line says nothing yet", async () => {
    const plane = spawn("sleep", ["60"]);
    const asked = join(folder, "asked");
    writeFileSync(asked, `#!/bin/sh\necho ${plane.pid}\n`, { mode: 0o755 });
    const started = new DataPlaneProcess(asked, stateDirectory());
    expect(started.ended).toBeUndefined();
    plane.kill("SIGKILL");
    await vi.waitFor(() => expect(started.ended).toBe("it ended"));
  });

  test("a data plane that is still being loaded when the host is stopped is ended", async () => {
    const loading = spawn("sleep", ["60"]);
    const ended = new Promise((resolve) => loading.on("exit", (_, signal) => resolve(signal)));
    const asked = join(folder, "asked");
    writeFileSync(asked, `#!/bin/sh\necho ${loading.pid}\n`, { mode: 0o755 });
    vi.stubEnv("LACIS_DATAPLANE", asked);
    const plan = { name: "host", networks: ["10.77.0.2/24"] };
    const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
    const plane = new NativeDataPlane(settings, stateDirectory());
    const start = plane.start({ up: () => {}, event: () => {}, down: () => {}, tell: () => {} });
    const failure = expect(start).rejects.toMatchObject({ code: "data-plane-failed" });
    await plane.stop();
    await failure;
    expect(await ended).toBe("SIGKILL");
  });

  test("a path that is not absolute is refused", () => {
    expect(() => brokerSocket({ LACIS_BROKER: "broker.sock" })).toThrow(/not an absolute path - correct LACIS_BROKER/);
  });
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BootSettings, Settings } from "../../../../src/core/config/settings.ts";
import type {
  DataPlaneEvent,
  LocalIndex,
  RemoteIndex,
  SessionSnapshot,
} from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import type { Survivors } from "../../../../src/runtime/dataplane/data-plane.ts";
import { NativeDataPlane } from "../../../../src/runtime/dataplane/native/native-data-plane.ts";
import { endOrphan } from "../../../../src/runtime/dataplane/native/native-start.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { ExitCode } from "../../../../src/runtime/operator-error.ts";
import { type StateDirectory, stateDirectoryAt } from "../../../../src/runtime/state/state-directory.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { noCounters } from "../../fixtures/counters.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

const plan = { name: "server", networks: ["10.77.0.2/24"] };
const settings: Settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
const { boot } = settings;
const running = {
  tun: { name: "tun7", mtu: 1300, addresses: [prefix("10.77.0.2/24")] },
  udp: "0.0.0.0:4242" as Endpoint,
  sessions: [] as readonly SessionSnapshot[],
  relays: [],
};

let state: StateDirectory;
let fake: FakeDataPlane;
let plane: NativeDataPlane;
let listener: ReturnType<typeof observer>;

beforeEach(async () => {
  state = stateDirectoryAt(mkdtempSync(join(tmpdir(), "lacis-native-")));
  fake = new FakeDataPlane(state.dataPlaneSocket);
  plane = new NativeDataPlane(settings, state);
  listener = observer();
  vi.stubEnv("LACIS_DATAPLANE", program("echo 'cannot do anything' >&2; exit 3"));
});
afterEach(async () => {
  await plane.stop();
  await fake.die();
  vi.unstubAllEnvs();
  rmSync(state.path, { recursive: true, force: true });
});

describe("a data plane that has opened nothing yet", () => {
  test("opens the socket first, then the device, and is up", async () => {
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello", "open-udp", "open-tun"]);
    expect(listener.journal).toEqual(["up 4242, 0 tunnels"]);
    expect(plane.describe()).toMatchObject({ state: "up", device: "tun0", port: 4242, adopted: false, build: "fake" });
  });

  test("needs no device for a host without one", async () => {
    plane = new NativeDataPlane(withBoot({ tun: { ...boot.tun, disabled: true } }), state);
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello", "open-udp"]);
    expect(plane.describe().device).toBeUndefined();
  });

  test("hands over what happened while its devices were opened, after it is up", async () => {
    fake.script = (request) => {
      if (request.kind === "open-tun") fake.say({ kind: "need-session", destination: "10.77.0.9" as IpAddress });
      return undefined;
    };
    await fake.listen();
    await plane.start(listener);
    expect(listener.journal).toEqual(["up 4242, 0 tunnels", "need-session"]);
  });
});

describe("a data plane that ran before", () => {
  test("is taken over with its tunnels when its devices are those of the configuration", async () => {
    fake.snapshot = { ...running, sessions: [tunnel(1)] };
    await fake.listen();
    await plane.start(listener);
    expect(fake.kinds).toEqual(["hello"]);
    expect(listener.journal).toEqual(["up 4242, 1 tunnels"]);
    expect(plane.describe()).toMatchObject({ adopted: true, device: "tun7" });
  });

  test("may tell of its tunnels in several frames", async () => {
    const spoken = { contractVersion: 2, oldestVersion: 2 };
    const told = { build: "fake", program: "", ageMs: 0, capabilities: [], ciphers: [] };
    const ready = { kind: "ready", ...spoken, ...told } as const;
    fake.script = (request) =>
      request.kind === "hello"
        ? [
            { ...ready, snapshot: { ...running, sessions: [tunnel(1), tunnel(2)] }, more: true },
            { ...ready, snapshot: { ...running, sessions: [tunnel(3)] }, more: false },
          ]
        : undefined;
    await fake.listen();
    await plane.start(listener);
    expect(listener.journal).toEqual(["up 4242, 3 tunnels"]);
  });

  test.each<[string, Partial<BootSettings>]>([
    ["another port", { listen: { ...boot.listen, port: 4243 } }],
    ["another address", { listen: { ...boot.listen, host: "192.0.2.1" as IpAddress } }],
    ["another device", { tun: { ...boot.tun, device: "mesh0" } }],
    ["no device", { tun: { ...boot.tun, disabled: true } }],
  ])("is replaced when the configuration wants %s", async (_, changes) => {
    plane = new NativeDataPlane(withBoot(changes), state);
    fake.snapshot = running;
    await fake.listen();
    await expect(plane.start(listener)).rejects.toMatchObject({ code: "data-plane-failed" });
    expect(fake.requests).toEqual([expect.objectContaining({ kind: "hello" }), { kind: "shutdown", sendClose: true }]);
    expect(listener.journal).toEqual(["event data-plane-replaced"]);
  });

  test.each<[string, Partial<BootSettings>]>([
    ["listen.batch", { listen: { ...boot.listen, batch: 32 } }],
    ["listen.read_buffer", { listen: { ...boot.listen, readBufferBytes: 1 } }],
    ["listen.write_buffer", { listen: { ...boot.listen, writeBufferBytes: 1 } }],
    ["listen.so_mark", { listen: { ...boot.listen, soMark: 7 } }],
    ["tun.tx_queue", { tun: { ...boot.tun, txQueue: 1 } }],
  ])("is replaced when it was opened with another %s, which it does not tell itself", async (key, changes) => {
    await fake.listen();
    await plane.start(listener);
    fake.snapshot = running;
    const next = new NativeDataPlane(withBoot(changes), state);
    const heard: OperatorEvent[] = [];
    await expect(next.start({ ...listener, tell: (event) => heard.push(event) })).rejects.toMatchObject({
      code: "data-plane-failed",
    });
    expect(heard).toMatchObject([{ code: "data-plane-replaced", differs: [key] }]);
    await next.stop();
  });

  test("is taken over when it was opened with the same", async () => {
    await fake.listen();
    await plane.start(listener);
    fake.snapshot = running;
    const next = new NativeDataPlane(settings, state);
    await next.start(observer());
    expect(next.describe().adopted).toBe(true);
    await next.stop();
  });

  test.each([
    [1, 1, "contract 1"],
    [3, 4, "contracts 3 to 4"],
  ])("and speaks contracts %i to %i is told so in one sentence and replaced", async (oldest, newest, its) => {
    fake.oldestVersion = oldest;
    fake.contractVersion = newest;
    fake.snapshot = running;
    await fake.listen();
    const heard: OperatorEvent[] = [];
    await expect(plane.start({ ...listener, tell: (event) => heard.push(event) })).rejects.toMatchObject({
      code: "data-plane-failed",
    });
    expect(fake.kinds).toEqual(["hello", "shutdown"]);
    expect(heard).toMatchObject([
      { code: "data-plane-replaced", differs: [`it speaks ${its}, and this lacis contract 2`] },
    ]);
  });

  test("and cannot shun paths chooses them without, which is said once", async () => {
    fake.snapshot = { ...running, sessions: [tunnel(1)] };
    await fake.listen();
    const heard: OperatorEvent[] = [];
    await plane.start({ ...listener, tell: (event) => heard.push(event) });
    const path = directPath("192.0.2.9:4242" as Endpoint);
    const command = { kind: "set-path", localIndex: 1 as LocalIndex, path } as const;
    for (let i = 0; i < 3; i++) plane.command({ ...command, shunLeft: true });
    await vi.waitFor(() => expect(fake.requests.slice(1)).toEqual([command, command, command]));
    expect(heard.filter(({ code }) => code === "data-plane-refused")).toHaveLength(1);
    expect(listener.journal.filter((entry) => entry !== "up 4242, 1 tunnels")).toEqual([]);
  });

  test("and speaks the next contract beside ours is taken over with its sessions", async () => {
    fake.contractVersion = 3;
    fake.capabilities = ["telepathy"];
    fake.snapshot = { ...running, sessions: [tunnel(1)] };
    await fake.listen();
    await plane.start(listener);
    expect(listener.journal).toEqual(["up 4242, 1 tunnels"]);
    expect(plane.describe()).toMatchObject({ contract: 2, capabilities: ["telepathy"], adopted: true });
  });
});

describe("an orphan of other settings", () => {
  test("is told to close its tunnels and end", async () => {
    fake.snapshot = running;
    await fake.listen();
    await endOrphan(state);
    expect(fake.kinds).toEqual(["hello", "shutdown"]);
  });

  test("is none where nobody listens", async () => {
    await expect(endOrphan(state)).resolves.toBeUndefined();
  });
});

describe("a start that cannot succeed", () => {
  test("for lack of the program says how to build it", async () => {
    vi.stubEnv("LACIS_DATAPLANE", join(state.path, "nothing"));
    await expect(plane.start(listener)).rejects.toThrow(/there is no .*nothing - correct LACIS_DATAPLANE/);
  });

  test("because the program ends at once gives its last words", async () => {
    await expect(plane.start(listener)).rejects.toThrow(/ended with exit code 3: cannot do anything/);
  });

  test("because the program speaks another version of the contract names both versions", async () => {
    // One frame: FromDataPlane { ready: { contract_version: 7 } }.
    const talk = 'c => c.write(Buffer.from("000000040a020807", "hex"))';
    vi.stubEnv(
      "LACIS_DATAPLANE",
      program(`exec ${process.execPath} -e 'net.createServer(${talk}).listen(process.argv[2])' -- "$@"`),
    );
    await expect(plane.start(listener)).rejects.toThrow(/speaks contract 7, this lacis contract 2 - .*build:native/);
  });

  test("because the daemon is stopped meanwhile ends at once", async () => {
    fake.script = (request) => (request.kind === "open-tun" ? [] : undefined);
    await fake.listen();
    const starting = plane.start(listener);
    const refused = expect(starting).rejects.toMatchObject({ code: "data-plane-failed" });
    await vi.waitFor(() => expect(fake.kinds).toContain("open-tun"));
    await plane.stop();
    await refused;
    expect(listener.journal).toEqual([]);
  });

  test("because the program ends in the middle of it is no riddle either", async () => {
    fake.script = (request) => {
      if (request.kind === "open-tun") void fake.die();
      return request.kind === "open-tun" ? [] : undefined;
    };
    await fake.listen();
    await expect(plane.start(listener)).rejects.toMatchObject({ code: "data-plane-failed" });
  });

  test("because the port is taken names the port and how to find who has it", async () => {
    refuse("open-udp", "address-in-use", "address in use");
    await fake.listen();
    await expect(plane.start(listener)).rejects.toThrow(/UDP port 4242 - another program uses it - .*ss -ulpn/);
    expect(fake.kinds).toEqual(["hello", "open-udp", "shutdown"]);
  });

  test("because the TUN device is not permitted says what to do, and leaves no data plane behind", async () => {
    refuse("open-tun", "not-permitted", "/dev/net/tun: permission denied");
    await fake.listen();
    await expect(plane.start(listener)).rejects.toMatchObject({
      exitCode: ExitCode.notPermitted,
      message: expect.stringMatching(/TUN device - .*permission denied - .*sudo.*setcap cap_net_admin\+ep/),
    });
    expect(fake.kinds.at(-1)).toBe("shutdown");
  });

  test("because the device's name is taken says which", async () => {
    plane = new NativeDataPlane(withBoot({ tun: { ...boot.tun, device: "mesh0" } }), state);
    refuse("open-tun", "device-busy", "mesh0 is in use");
    await fake.listen();
    await expect(plane.start(listener)).rejects.toThrow(/TUN device mesh0 - mesh0 is in use - .*tun\.dev/);
  });
});

describe("a running data plane", () => {
  beforeEach(async () => {
    await fake.listen();
    await plane.start(listener);
  });

  test("carries commands over, and a refused one comes back as an event", async () => {
    refuse("set-primary", "unknown-session", "no tunnel 5");
    plane.command({ kind: "set-primary", localIndex: 5 as LocalIndex });
    await vi.waitFor(() => expect(listener.events).toHaveLength(1));
    expect(listener.events[0]).toEqual({
      kind: "command-failed",
      command: "set-primary",
      localIndex: 5,
      code: "unknown-session",
      error: "no tunnel 5",
    });
  });

  test("says of a part of a sample that there is more", async () => {
    const value = { kind: "sampled", more: true, activity: [], rules: [], relays: [], counters: noCounters() } as const;
    fake.script = (request, requestId) =>
      request.kind === "sample" ? [{ kind: "result", requestId, code: "", error: "", value }] : undefined;
    plane.command({ kind: "sample" });
    await vi.waitFor(() => expect(listener.events).toMatchObject([{ kind: "sampled", more: true }]));
  });

  test("that says a thousand things at once is heard in portions, in order, and other work gets its turns between them", async () => {
    let turns = 0;
    let busy = true;
    const count = (): void => {
      if (listener.events.length > 0) turns++;
      if (busy) setImmediate(count);
    };
    count();
    listener.work = () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
    };
    for (let i = 0; i < 1_000; i++) fake.say({ kind: "confirmed", localIndex: i as LocalIndex });
    await vi.waitFor(() => expect(listener.events).toHaveLength(1_000), 15_000);
    busy = false;
    const indexes = listener.events.map((event) => (event.kind === "confirmed" ? event.localIndex : -1));
    expect(indexes).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(turns).toBeGreaterThan(50);
  }, 20_000);

  test("that dies is reported, started again and reported again", async () => {
    await fake.die();
    await vi.waitFor(() => expect(listener.journal).toContain("down"));
    expect(plane.describe()).toMatchObject({ state: "starting", restarts: 1 });
    await fake.listen();
    await vi.waitFor(() => expect(listener.journal.at(-1)).toBe("event data-plane-up"), 3_000);
    expect(listener.journal.filter((entry) => entry.startsWith("up"))).toHaveLength(2);
    expect(plane.describe().state).toBe("up");
  });

  test.each([
    ["a frame that announces a gigabyte", Uint8Array.of(0x40, 0, 0, 0)],
    ["a message that is not in the contract", Uint8Array.of(0, 0, 0, 2, 0xff, 0xff)],
  ])("that sends %s is given up and connected to again", async (_, bytes) => {
    fake.sayBytes(bytes);
    await vi.waitFor(() => expect(listener.journal).toContain("event data-plane-up"), 3_000);
    expect(fake.kinds.filter((kind) => kind === "hello")).toHaveLength(2);
  });

  test("is told to close its tunnels when the daemon stops, and its end is no death", async () => {
    await plane.stop();
    expect(fake.requests.at(-1)).toEqual({ kind: "shutdown", sendClose: true });
    expect(listener.journal).toEqual(["up 4242, 0 tunnels"]);
    expect(plane.describe().state).toBe("stopped");
  });
});

function refuse(kind: string, code: string, error: string): void {
  fake.script = (request, requestId) =>
    request.kind === kind ? [{ kind: "result", requestId, code, error, value: undefined }] : undefined;
}

function observer() {
  const journal: string[] = [];
  const events: DataPlaneEvent[] = [];
  return {
    journal,
    events,
    up: (port: number, { sessions }: Survivors) => void journal.push(`up ${port}, ${sessions.length} tunnels`),
    down: () => void journal.push("down"),
    tell: ({ code }: { code: string }) => void journal.push(`event ${code}`),
    /** What it does with each event. */
    work: () => {},
    event(event: DataPlaneEvent) {
      journal.push(event.kind);
      events.push(event);
      this.work();
    },
  };
}

function tunnel(localIndex: number): SessionSnapshot {
  return {
    localIndex: localIndex as LocalIndex,
    remoteIndex: 9 as RemoteIndex,
    path: directPath("192.0.2.9:4242" as Endpoint),
    allowedPrefixes: [],
    peerAddresses: ["10.77.0.9" as IpAddress],
    confirmed: true,
    primary: true,
    sendCounter: 3n,
    memo: new Uint8Array(3),
  };
}

/** A program that does what this shell script says. */
function program(script: string): string {
  const path = join(state.path, "program");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function withBoot(changes: Partial<BootSettings>): Settings {
  return { ...settings, boot: { ...boot, ...changes } };
}

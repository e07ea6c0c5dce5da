import { rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adminService } from "../../../src/admin/admin-service.ts";
import { askDaemon, followDaemon } from "../../../src/admin/client.ts";
import type { AdminRequest, EventReport } from "../../../src/admin/protocol.ts";
import type { StatusReport } from "../../../src/admin/status-report.ts";
import { type Daemon, openNode } from "../../../src/index.ts";
import { findNativeLibrary } from "../../../src/runtime/crypto/native-library.ts";
import { freePort, MeshFiles } from "../runtime/mesh-files.ts";

let files: MeshFiles;
let config: string;
let port: number;
let daemon: Daemon;

beforeEach(async () => {
  files = new MeshFiles();
  port = await freePort();
  config = files.host("lighthouse", "10.77.0.1", port, "lighthouse: { am_lighthouse: true }");
  const stateDirectory = join(files.folder, "state");
  daemon = await openNode({ config, stateDirectory, services: (host) => [adminService(host)] });
});
afterEach(async () => {
  await daemon.stop();
  rmSync(files.folder, { recursive: true });
});

describe("a daemon with its admin sockets", () => {
  test("answers every verb of the table that has one answer", async () => {
    const status = (await ask({ verb: "status" })) as StatusReport;
    expect(status.host.name).toBe("lighthouse");
    expect(status.daemon.handshakeLibrary).toBe(findNativeLibrary() === undefined ? "openssl" : "lacis-crypto");
    expect(status.services.map(({ name }) => name)).toEqual([
      "log",
      "flow-log",
      "bulletins",
      "resolver",
      "addresses",
      "wake-watch",
      "guard",
      "carrier",
      "data-plane",
      "memory",
      "port-mapping",
      "routes",
      "route-watch",
      "device-watch",
      "metrics",
      "opentelemetry",
      "dns",
      "host-names",
      "console",
      "proxy",
      "renewal",
      "authorities",
      "admin",
    ]);
    expect(status.services.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(await ask({ verb: "version" })).toMatchObject({ node: process.versions.node });
    expect(await ask({ verb: "ping", target: "10.77.0.1", timeoutMs: 100 })).toMatchObject({ reason: "own-address" });
    expect(await ask({ verb: "whois", target: "10.77.0.1:4242" })).toMatchObject({ hosts: [{ isThisHost: true }] });
    expect(await ask({ verb: "rules" })).toMatchObject({ rulesOmitted: 0, rules: expect.any(Array) });
    expect(await ask({ verb: "netcheck" })).toMatchObject({ udp: "unknown", lighthouses: [], tcp443: "unknown" });
    expect(await ask({ verb: "doctor" })).toMatchObject({ peer: null, failed: null });
    expect(await ask({ verb: "doctor", target: "10.77.0.1" })).toMatchObject({ failed: "name" });
    const why = { verb: "why", from: undefined, to: "10.77.0.9", service: "tcp/22", timeoutMs: 5_000 } as const;
    expect(await ask(why)).toMatchObject({ verdict: "unknown", sides: [], text: expect.stringContaining("10.77.0.9") });
    expect(await ask({ verb: "metrics" })).toMatchObject({ text: expect.stringMatching(/^# TYPE \S+ gauge$/m) });
    const { ownerSocket } = daemon.state;
    expect(await askDaemon(ownerSocket, { verb: "debug", forMs: 1_000 }, 1_000)).toEqual({});
    await expect(ask({ verb: "debug", forMs: 1_000 })).rejects.toMatchObject({ code: "not-permitted" });
    await expect(askDaemon(ownerSocket, { verb: "debug", forMs: 1 }, 1_000)).rejects.toMatchObject({ exitCode: 2 });
    expect(await askDaemon(ownerSocket, { verb: "reload" }, 1_000)).toMatchObject({ applied: [] });
    expect(await askDaemon(ownerSocket, { verb: "diff" }, 1_000)).toMatchObject({ applied: [], needsRestart: [] });
  });

  test.each<[string, Partial<Extract<AdminRequest, { verb: "why" }>>, string]>([
    ["a port that is none", { service: "tcp/99999" }, "port makes no sense"],
    [
      "a name that is nearly this host's",
      { to: "lighthous" },
      'TO makes no sense - no host with the certificate name "lighthous" is connected - did you mean lighthouse?',
    ],
    ["an address outside the mesh", { to: "198.51.100.1" }, "TO makes no sense"],
    ["itself", { to: "lighthouse" }, "TO makes no sense"],
    ["two others", { from: "10.77.0.8" }, "FROM makes no sense"],
  ])("refuses a question about %s, and names the field", async (_, changes, text) => {
    const why = { verb: "why", from: undefined, to: "10.77.0.9", service: "tcp/22", timeoutMs: 5_000 } as const;
    await expect(ask({ ...why, ...changes })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(text),
    });
  });

  test("says what a reload would change, changes nothing, and refuses what a reload would refuse", async () => {
    const { ownerSocket } = daemon.state;
    writeFileSync(config, files.configuration("lighthouse", port, "lighthouse: { am_lighthouse: true, interval: 60 }"));
    for (let i = 0; i < 2; i++)
      expect(await askDaemon(ownerSocket, { verb: "diff" }, 1_000)).toMatchObject({
        applied: [{ path: "lighthouse.interval", before: 10, after: 60 }],
        needsRestart: [],
      });
    await expect(ask({ verb: "diff" })).rejects.toMatchObject({ code: "not-permitted" });
    writeFileSync(config, "wibble: 1");
    await expect(askDaemon(ownerSocket, { verb: "diff" }, 1_000)).rejects.toMatchObject({ code: "config-refused" });
    expect(daemon.refusedReload).toBeUndefined();
  });

  test("shows the peers that are asked for, and says who may have been meant", async () => {
    expect(await ask({ verb: "status", peers: { states: ["failed"], limit: 3 } })).toMatchObject({ peers: [] });
    await expect(ask({ verb: "status", peers: { peer: "nobody" } })).rejects.toMatchObject({
      code: "unknown-peer",
      exitCode: 2,
    });
    await expect(ask({ verb: "status", peers: { group: "nobodys" } })).rejects.toMatchObject({
      code: "unknown-group",
      exitCode: 2,
    });
    expect(await ask({ verb: "status", peers: { peer: "no*" } })).toMatchObject({ peers: [], peersOmitted: 0 });
  });

  test("shows flows with whom it knows, and says who may have been meant", async () => {
    const none = { flows: [], more: false };
    for (const peer of [undefined, "lighthouse", "light*", "nobody*", "10.77.0.9"])
      expect(await ask({ verb: "flows", peer, limit: 9 })).toMatchObject(none);
    for (const [peer, said] of [
      ["lighthous", "did you mean lighthouse?"],
      ["nobody", "ask by its overlay address instead"],
      ["198.51.100.1", "not in any network of this host (10.77.0.0/24)"],
    ])
      await expect(ask({ verb: "flows", peer, limit: 9 })).rejects.toMatchObject({
        code: "unknown-peer",
        exitCode: 2,
        message: expect.stringContaining(said ?? ""),
      });
  });

  test("takes a bulletin of the authority from whoever may look, shows it, and has it after a restart", async () => {
    const publish = (bulletin: string) => ask({ verb: "publish", bulletin });
    const second = files.bulletin("policy", 2, new Uint8Array(400_000));
    expect(await ask({ verb: "bulletins" })).toEqual({ bulletins: [] });
    const shown = { kind: "policy", number: 2, authority: "test", state: "held", hosts: 1, applied: 0 };
    expect(await publish(second)).toMatchObject({ bulletin: shown });
    expect(await publish(second)).toMatchObject({ bulletin: shown });
    await expect(publish(files.bulletin("policy", 1, new Uint8Array()))).rejects.toMatchObject({
      code: "bulletin-refused",
      message: expect.stringMatching(/^the policy 1 is not taken - number 2 is held, and nothing goes back - /),
    });
    await expect(publish("hello")).rejects.toMatchObject({ exitCode: 2 });
    await daemon.stop();
    const stateDirectory = join(files.folder, "state");
    daemon = await openNode({ config, stateDirectory, services: (host) => [adminService(host)] });
    expect(await ask({ verb: "bulletins" })).toMatchObject({ bulletins: [shown] });
  });

  test("does not reload for those who may only look", async () => {
    await expect(ask({ verb: "reload" })).rejects.toMatchObject({ code: "not-permitted" });
  });

  test.each([
    [
      "an unknown verb",
      { verb: "dance" },
      /no such verb: there are status, version, ping, whois, rules, why, flows, follow-flows, capture, dns, netcheck, doctor, reload, diff, metrics, debug, bulletins, publish, policy, events, watch/,
    ],
    ["a ping without a target", { verb: "ping" }, /needs a target/],
    ["a ping for an hour", { verb: "ping", target: "a", timeoutMs: 3_600_000 }, /timeoutMs of 1 to/],
    ["events of an unknown level", { verb: "events", level: "loud" }, /needs a level: trace, debug, info, warn, error/],
  ])("refuses %s in a sentence", async (_, request, sentence) => {
    expect(await firstLine(request)).toMatchObject({ ok: false, error: { why: expect.stringMatching(sentence) } });
  });

  test("tells what happens, from the level that was asked for", async () => {
    const all: EventReport[] = [];
    const errors: EventReport[] = [];
    const ends = [follow({ verb: "events", level: "info" }, all), follow({ verb: "events", level: "error" }, errors)];
    await expect.poll(() => listening()).toBe(2);
    daemon.reload();
    writeFileSync(config, files.configuration("lighthouse", port, "firewal: {}"));
    expect(() => daemon.reload()).toThrow();
    await expect.poll(() => all.map(({ code }) => code)).toEqual(["reloaded", "reload-applied", "reload-refused"]);
    expect(all[1]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      level: "info",
      code: "reload-applied",
      text: "The configuration was read again.",
      fields: { applied: [], needsRestart: [] },
    });
    expect(errors.map(({ code }) => code)).toEqual(["reload-refused"]);
    await daemon.stop();
    for (const end of ends) await expect(end).rejects.toMatchObject({ code: "daemon-ended" });
  });

  test("shows its picture to whoever watches, and a new one when a reload was refused", async () => {
    const pictures: StatusReport[] = [];
    const end = follow({ verb: "watch" }, pictures);
    await expect.poll(() => pictures).toHaveLength(1);
    writeFileSync(config, files.configuration("lighthouse", port, "firewal: {}"));
    expect(() => daemon.reload()).toThrow();
    await expect
      .poll(() => pictures.at(-1)?.health.map(({ code }) => code), { timeout: 3_000 })
      .toContain("reload-refused");
    await daemon.stop();
    await expect(end).rejects.toMatchObject({ code: "daemon-ended" });
  });
});

async function ask(request: AdminRequest): Promise<unknown> {
  return askDaemon(daemon.state.controlSocket, request, 1_000);
}

/** Rejects with the end of the stream, whether anybody looks or not. */
function follow(request: AdminRequest, heard: unknown[]): Promise<never> {
  const end = followDaemon(daemon.state.controlSocket, request, { heard: (item) => heard.push(item), lost: () => {} });
  end.catch(() => {});
  return end;
}

/** How many listen to the daemon's events, without the log. */
function listening(): number {
  return daemon.events.listeners - 1;
}

async function firstLine(request: object): Promise<unknown> {
  return new Promise((resolve) => {
    const client = createConnection(daemon.state.controlSocket);
    client.write(`${JSON.stringify(request)}\n`);
    client.once("data", (chunk) => {
      client.destroy();
      resolve(JSON.parse(chunk.toString()));
    });
  });
}

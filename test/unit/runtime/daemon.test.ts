import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Daemon, openNode } from "../../../src/index.ts";
import { freePort, MeshFiles } from "./mesh-files.ts";

let files: MeshFiles;
let port: number;
let lighthouse: string;
let laptop: string;
const running: Daemon[] = [];

beforeEach(async () => {
  files = new MeshFiles();
  port = await freePort();
  lighthouse = files.host("lighthouse", "10.77.0.1", port, "lighthouse: { am_lighthouse: true }");
  laptop = files.host("laptop", "10.77.0.2", await freePort(), callsLighthouse());
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
  rmSync(files.folder, { recursive: true });
});

describe("two hosts on one machine", () => {
  test("find each other, and one pings the other by address and then by name", async () => {
    await open(lighthouse);
    const daemon = await open(laptop);
    const first = await daemon.ping({ by: "address", address: "10.77.0.1" as IpAddress }, 5_000);
    expect(first).toMatchObject({ outcome: "pong", name: "lighthouse", path: `127.0.0.1:${port}` });
    expect(await daemon.ping({ by: "name", name: "lighthouse" }, 5_000)).toMatchObject({ outcome: "pong" });
    expect(daemon.status().lighthouses).toEqual([{ address: "10.77.0.1", name: "lighthouse", up: true, serves: true }]);
  });

  test("part in such a way that the one who stays knows it", async () => {
    const there = await open(lighthouse);
    const daemon = await open(laptop);
    await daemon.ping({ by: "address", address: "10.77.0.1" as IpAddress }, 5_000);
    expect(there.status().peers).toHaveLength(1);
    await running.pop()?.stop();
    await expect.poll(() => there.status().peers.filter(({ state }) => state === "up")).toEqual([]);
  });
});

describe("a reload", () => {
  test("applies what can be applied and says what needs a restart, until it is gone again", async () => {
    const daemon = await open(laptop);
    const before = files.configuration("laptop", await freePort(), callsLighthouse());
    writeFileSync(laptop, before.replace("level: error", "level: warn"));
    expect(daemon.reload()).toMatchObject({ applied: ["logging.level"], needsRestart: ["listen.port"] });
    expect(daemon.reload()).toMatchObject({ applied: [], needsRestart: ["listen.port"] });
    expect(daemon.needsRestart).toEqual(["listen.port"]);
  });

  test("with an error changes nothing, names the place, and is remembered", async () => {
    const daemon = await open(laptop);
    const before = daemon.status();
    writeFileSync(laptop, files.configuration("laptop", port, "firewal: {}"));
    expect(() => daemon.reload()).toThrow(/it has an error - correct it/);
    expect(daemon.refusedReload).toMatch(/laptop\.yml:8:1: firewal: .*did you mean "firewall"/);
    expect(daemon.status().name).toBe(before.name);
  });

  test("of another host's certificate is refused", async () => {
    const daemon = await open(laptop);
    const other = files.host("other", "10.77.0.9", port, callsLighthouse());
    writeFileSync(laptop, files.configuration("other", port, callsLighthouse()));
    expect(existsSync(other)).toBe(true);
    expect(() => daemon.reload()).toThrow(/it has an error/);
    expect(daemon.refusedReload).toMatch(
      /pki\.cert: the networks would change from 10\.77\.0\.2\/24 to 10\.77\.0\.9\/24/,
    );
  });
});

describe("a start", () => {
  test("with a configuration that already runs is refused with the process that runs it", async () => {
    const daemon = await open(laptop);
    const again = openNode({ config: laptop, stateDirectory: daemon.state.path });
    await expect(again).rejects.toThrow(new RegExp(`already runs .* process ${process.pid},`));
  });

  test("on a port that is taken names it, and leaves nothing behind", async () => {
    await open(lighthouse);
    const late = files.host("late", "10.77.0.3", port, callsLighthouse());
    await expect(open(late)).rejects.toThrow(new RegExp(`UDP port ${port} - (?:another program|.+) uses it`));
    expect(existsSync(stateOf(late))).toBe(false);
  });

  test("with errors in the configuration lists each of them", async () => {
    writeFileSync(laptop, files.configuration("laptop", port, "firewal: {}\nlisen: {}"));
    await expect(open(laptop)).rejects.toMatchObject({
      code: "config-refused",
      complaint: {
        why: "it has 2 errors",
        details: [/:8:1: firewal: /, /:9:1: lisen: /].map((line) => expect.stringMatching(line)),
      },
    });
  });

  test("with a configuration that is not there says so, and no more", async () => {
    const config = join(files.folder, "typo.yml");
    await expect(open(config)).rejects.toMatchObject({
      code: "config-refused",
      complaint: { what: `cannot use the configuration ${config}`, why: "it does not exist", todo: "check the path" },
    });
  });

  test("that ends leaves no folder, no socket and no lock behind", async () => {
    const daemon = await open(laptop);
    expect(existsSync(daemon.state.lock)).toBe(true);
    await running.pop()?.stop();
    expect(existsSync(daemon.state.path)).toBe(false);
  });
});

function callsLighthouse(): string {
  return `static_host_map: { "10.77.0.1": ["127.0.0.1:${port}"] }\nlighthouse: { hosts: ["10.77.0.1"] }`;
}

async function open(config: string): Promise<Daemon> {
  const daemon = await openNode({ config, stateDirectory: stateOf(config) });
  running.push(daemon);
  return daemon;
}

/** A folder beside the configuration, so that tests need nothing of the machine. */
function stateOf(config: string): string {
  return join(files.folder, `${config.split("/").at(-1)}.state`);
}

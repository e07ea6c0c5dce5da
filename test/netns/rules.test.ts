import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FlowsReport } from "../../src/admin/flows-verbs.ts";
import type { FlowEntry } from "../../src/runtime/flowlog/flow-entry.ts";
import { Authority } from "./lab/certificates.ts";
import { isInstalled, run } from "./lab/command.ts";
import type { Daemon } from "./lab/daemon.ts";
import type { FirewallRule } from "./lab/host-config.ts";
import { LACIS } from "./lab/implementation.ts";
import { Mesh, type MeshHost } from "./lab/mesh.ts";
import { program, serve, stream } from "./lab/program.ts";
import { buildTrio, withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

const ALLOWED_PORT = 7000;
const DENIED_PORT = 9000;
const ONLY_ALLOWED: readonly FirewallRule[] = [{ port: String(ALLOWED_PORT), proto: "any", group: "laptops" }];

describe("rules decide who begins", () => {
  let mesh: Mesh;
  const host = (name: string): MeshHost => mesh.host(name);
  const reaches = async (from: string, to: string, seconds = 10): Promise<boolean> =>
    (await host(from).ping(host(to).overlay4, seconds)).status === 0;

  beforeAll(async () => {
    const authority = await Authority.create(LACIS.certificates, "/run/lab/begins/authority", new Set([2]));
    const implementation = LACIS;
    mesh = await Mesh.create("begins", {
      authority,
      versions: [2],
      hosts: [
        { name: "lighthouse", implementation, config: { tun: true } },
        {
          name: "server",
          implementation,
          config: { inbound: [{ port: "any", proto: "icmp", group: "laptops" }] },
        },
        { name: "laptop", implementation, groups: ["laptops"] },
        {
          name: "phone",
          implementation,
          config: { outbound: [{ port: "any", proto: "icmp", host: "lighthouse" }] },
        },
      ],
    });
    await mesh.startAll();
  });
  afterAll(() => mesh.close());

  test("scenario 40: who is in the group may ping and do nothing else, and who is not may not ping", async () => {
    expect(await reaches("laptop", "server")).toBe(true);
    expect(await reaches("lighthouse", "server", 2)).toBe(false);
    await serve(host("server").machine, "tcp-echo", ALLOWED_PORT);
    const talk = program("tcp-talk", host("server").overlay4, ALLOWED_PORT);
    expect((await host("laptop").machine.run(...talk)).status).toBe(1);
  });

  test("what was refused is told a second later where it was, by name and rule, and what was allowed with what it carried", async () => {
    await serve(host("server").machine, "tcp-echo", DENIED_PORT);
    await reaches("laptop", "server");
    const talk = program("tcp-talk", host("server").overlay4, DENIED_PORT);
    const talking = host("laptop").machine.run(...talk);
    const denied = await waitFor(
      "the refusal is told",
      async () => (await flowsOf(host("server"), "--denied", "--port", String(DENIED_PORT)))[0],
      { withinMs: 5_000 },
    );
    expect(denied).toMatchObject({
      reason: "no-rule",
      remote: { name: "laptop", address: host("laptop").overlay4 },
      closest: { misses: ["protocol"], text: expect.stringContaining("laptops") },
    });
    expect(Date.parse(denied.at) - Date.parse(denied.began)).toBeLessThan(1_000);
    await talking;
    const allowed = await flowsOf(host("server"), "--peer", "laptop", "--proto", "icmp");
    expect(allowed.slice(0, 1)).toMatchObject([
      { verdict: "allowed", direction: "inbound", rule: { text: expect.stringContaining("laptops") } },
    ]);
    expect(allowed[0]?.receivedBytes).toBeGreaterThan(0);
  });

  test("whoever captures packets sees what was refused, and a full disk is said and costs nothing but the rest", async () => {
    const { machine, configPath } = host("server");
    const file = join(machine.directory, "seen.pcapng");
    const capturing = (output: string, ...more: string[]) =>
      LACIS.cli("capture", "denied", "-o", output, "--config", configPath, ...more);
    const [command, ...args] = capturing(file, "--for", "4s");
    const running = machine.run(command, args);
    await waitFor("the capture begins", async () => existsSync(file), { withinMs: 10_000 });
    const knocking = host("laptop").machine.run(...program("tcp-talk", host("server").overlay4, DENIED_PORT));
    expect(await running).toMatchObject({ status: 0, stderr: expect.stringMatching(/^lacis: [1-9]\d* packets, /) });
    expect((await readFile(file)).includes("denied no-rule (no-matching-rule) from laptop")).toBe(true);
    if (await isInstalled("tshark")) {
      const shown = await run("tshark", ["-r", file, "-T", "fields", "-e", "tcp.dstport", "-e", "frame.comment"]);
      expect(shown.stdout).toContain(`${DENIED_PORT}\tdenied no-rule (no-matching-rule) from laptop`);
    }
    await knocking;
    const [again, ...options] = capturing("/dev/full");
    expect(await machine.run(again, options)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("the disk is full"),
    });
    const [wrong, ...filter] = capturing(file, "tcp", "prot", "22");
    expect(await machine.run(wrong, filter)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("\n             ^\n"),
    });
  });

  test("scenario 41: who may ping only the lighthouse pings nobody else, and answers who pings him", async () => {
    expect(await reaches("phone", "lighthouse")).toBe(true);
    expect(await reaches("phone", "laptop", 2)).toBe(false);
    expect(await reaches("laptop", "phone")).toBe(true);
  });
});

async function flowsOf({ machine, configPath }: MeshHost, ...options: string[]): Promise<readonly FlowEntry[]> {
  const [command, ...args] = LACIS.cli("flows", "--json", "--config", configPath, ...options);
  const { stdout } = await machine.run(command, args);
  return (JSON.parse(stdout) as FlowsReport).flows;
}

describe("rules hold at every moment", () => {
  for (const side of ["inbound of the server", "outbound of the laptop"] as const) {
    test(`no packet to a denied port arrives while the daemon starts, reloads, stops and crashes: ${side}`, async () => {
      const judge = side === "inbound of the server" ? "server" : "laptop";
      const rule =
        judge === "server" ? { inbound: ONLY_ALLOWED } : { outbound: [{ port: "7000", proto: "any", host: "any" }] };
      const trio = await buildTrio(judge, { [judge]: rule } as Parameters<typeof buildTrio>[1]);
      try {
        const { server, laptop } = trio;
        const allowed = await countingEcho(server, ALLOWED_PORT);
        const denied = await countingEcho(server, DENIED_PORT);
        await trio.mesh.startAll();
        const streams = [ALLOWED_PORT, DENIED_PORT].map((port) =>
          stream(laptop.machine, { address: server.overlay4, port, perSecond: 500, seconds: 12 }),
        );
        const judging = trio[judge];
        for (let round = 0; round < 3; round++) {
          await pause(500);
          judging.daemon.signal("SIGHUP");
          await pause(300);
          await judging.stopAndRestart();
          await pause(500);
          await judging.crashAndRestartDaemon();
        }
        await Promise.all(streams);
        expect(await denied()).toBe(0);
        expect(await allowed(), "the allowed port was reachable all along").toBeGreaterThan(500);
      } finally {
        await trio.mesh.close();
      }
    });
  }

  test("scenario 55, scenario 56: a reload that takes a rule away cuts the connection that it allowed, and a broken one changes nothing", async () => {
    const both: readonly FirewallRule[] = [...ONLY_ALLOWED, { port: String(DENIED_PORT), proto: "tcp", host: "any" }];
    await withTrio(
      "reload",
      async ({ server, laptop }) => {
        await serve(server.machine, "tcp-echo", DENIED_PORT);
        const talking = laptop.machine.start("talk", ...program("tcp-talk", server.overlay4, DENIED_PORT));
        await echoesOf(talking, 10);

        const working = await readFile(server.configPath, "utf8");
        const broken = [
          `${working}\nmisspelt: {}\n`,
          `${working}\nunclosed: [\n`,
          working.replace(`port: "${DENIED_PORT}"`, "port: nonsense"),
        ];
        const refusals = (): number => server.daemon.log().split("code=reload-refused").length - 1;
        for (const [number, text] of broken.entries()) {
          expect(text).not.toBe(working);
          await writeFile(server.configPath, text);
          server.daemon.signal("SIGHUP");
          await server.daemon.becomes("it refuses the reload", async () => refusals() === number + 1);
          await echoesOf(talking, 20);
        }

        await server.configure({ inbound: ONLY_ALLOWED });
        server.daemon.signal("SIGHUP");
        await waitFor("the connection to stand still", () => standsStill(talking), { withinMs: 5_000 });
        const second = await laptop.machine.run(...program("tcp-talk", server.overlay4, DENIED_PORT));
        expect(second.status, "a new connection is refused as well").toBe(1);
      },
      { server: { inbound: both } },
    );
  });
});

/** Starts a counting udp-echo; the result asks it how many datagrams it has received. */
async function countingEcho(host: MeshHost, port: number): Promise<() => Promise<number>> {
  const countFile = join(host.machine.directory, `count-${port}`);
  const daemon = await serve(host.machine, "udp-echo", port, countFile);
  return async () => {
    daemon.signal("SIGUSR2");
    const counted = await waitFor("the count", () => readFile(countFile, "utf8").catch(() => undefined), {
      withinMs: 2_000,
    });
    return JSON.parse(counted).received;
  };
}

/** Waits until a tcp-talk has got back at least so many more numbers than now. */
async function echoesOf(talking: Daemon, more: number): Promise<void> {
  const before = talking.log().length;
  await talking.becomes("it is answered", async () => talking.log().slice(before).split("\n").length > more);
}

/** Whether a tcp-talk, which sends fifty numbers a second, gets nothing back for a second. */
async function standsStill(talking: Daemon): Promise<boolean> {
  const before = talking.log().length;
  await pause(1_000);
  return talking.log().length === before;
}

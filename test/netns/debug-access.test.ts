import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";
import { program, serve } from "./lab/program.ts";
import { waitFor } from "./lab/wait.ts";

const PATIENCE = { withinMs: 60_000 };

interface Fresh {
  readonly name: string;
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

describe("a laptop that is let in to debug", () => {
  let network: TestNetwork;
  const machines: Fresh[] = [];
  let first: Fresh;
  let db1: Fresh;

  beforeAll(async () => {
    network = await TestNetwork.open("debug");
    first = await fresh("first", 1);
    db1 = await fresh("db1", 2);
    const web1 = await fresh("web1", 3);
    await says(start(first, "init", "home", "--endpoint", "192.0.2.1"), "next: sudo lacis invite HOST");
    for (const host of [db1, web1]) {
      const { stdout } = await lacis(first, "invite", host.name);
      await says(start(host, "join", tokenIn(stdout)), "lighthouse answers in");
    }
    for (const port of [5_432, 5_433]) await serve(db1.machine, "tcp-echo", port);
  });
  afterAll(async () => {
    for (const { machine } of machines) await machine.endAll();
    for (const { root } of machines) await root.close();
    await network.close();
  });

  async function fresh(name: string, at: number): Promise<Fresh> {
    const machine = await network.machine(name, [`192.0.2.${at}/24`]);
    const made = { name, machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
    machines.push(made);
    return made;
  }

  test("is refused without a host that is meant, and for longer than the network gives", async () => {
    const unknown = await lacis(first, "invite", "laptop", "--debug", "dv1:5432", "--for", "4h");
    expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining("did you mean db1?") });
    const long = await lacis(first, "invite", "laptop", "--debug", "db1:5432", "--for", "400d");
    expect(long).toMatchObject({ status: 1, stderr: expect.stringContaining("for 24 h at most") });
  });

  test.each([
    { mode: [], at: 9 },
    { mode: ["--ephemeral"], at: 10 },
  ])(
    "reaches what it was let in for and nothing else, is called by nobody, and is out at its end (join $mode)",
    async ({ mode, at }) => {
      const laptop = await fresh(`laptop${at}`, at);
      const made = JSON.parse(
        (await lacis(first, "invite", laptop.name, "--debug", "db1:5432,web*:22", "--for", "30s", "--json")).stdout,
      );
      expect(made).toMatchObject({
        missing: [],
        notTold: null,
        debug: { targets: [{ host: "db1" }, { host: "web1" }] },
      });
      const host = start(laptop, "join", ...mode, made.token);
      await says(host, "lighthouse answers in");
      const db = await overlayOf(db1, "/etc/lacis/config.yml");
      const talking = laptop.machine.start("talk", ...program("tcp-talk", db, 5_432));
      await talking.becomes("it is answered", async () => talking.log() !== "");
      const other = await laptop.machine.run(...program("tcp-talk", db, 5_433));
      expect(other.status).toBe(1);
      expect((await lacis(db1, "ping", laptop.name, "--count", "1")).stdout).toContain("pong");
      expect(await lacis(db1, "why", laptop.name, "icmp")).toMatchObject({ status: 1 });

      await waitFor(
        "it says that its time is over",
        async () => host.log().includes("Debug access ended 20"),
        PATIENCE,
      );
      await waitFor("no tunnel", async () => !(await isUp(db1, laptop.name)), PATIENCE);
      expect((await lacis(db1, "rules")).stdout).not.toContain("debug access");
      for (const command of [["why", "db1", "tcp/5432"], ["doctor"], ["status"]]) {
        const said = await lacis(laptop, ...command);
        expect(said.stdout + said.stderr, command[0]).toMatch(/debug access ended 20\d\d-\d\d-\d\d \d\d:\d\d UTC/);
      }
      await talking.stop();
      expect((await host.stop(20_000)).code).toBe(0);
    },
  );

  test("needs no device for it: lacis nc reaches what it was let in for, is told at once what it was not, and is out at its end", async () => {
    const laptop = await fresh("deviceless", 30);
    const { stdout } = await lacis(first, "invite", laptop.name, "--debug", "db1:5432", "--for", "40s");
    const host = start(laptop, "join", "--userspace", "--ephemeral", tokenIn(stdout));
    await says(host, "joined home as deviceless");
    expect(await laptop.machine.devices()).toEqual([]);
    const nc = (port: number, ...flags: readonly string[]) =>
      laptop.machine.run(...laptop.root.inside(LACIS.cli("nc", ...flags, "db1", String(port))), {
        input: "anybody there?",
        timeoutMs: 60_000,
      });
    expect(await nc(5_432)).toMatchObject({ status: 0, stdout: "anybody there?" });
    expect(await nc(5_433)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/cannot reach port 5433 of db1 - db1 refuses it: no inbound rule allows it/),
    });
    await waitFor("its time is over", async () => host.log().includes("Debug access ended 20"), PATIENCE);
    expect(await nc(5_432, "--wait", "3")).toMatchObject({ status: 1 });
    expect((await host.stop(20_000)).code).toBe(0);
  });

  test("and is revoked hears by whom and when, at once and when it comes back", async () => {
    const laptop = await fresh("stolen", 20);
    const { stdout } = await lacis(first, "invite", "stolen", "--debug", "db1:5432", "--for", "1h");
    const host = start(laptop, "join", tokenIn(stdout));
    await says(host, "lighthouse answers in");
    await lacis(first, "revoke", "stolen");
    const sentence = /the certificate was revoked: list \d+ of [\\"]+home[\\"]+, signed 20\d\d-\d\d-\d\d \d\d:\d\d UTC/;
    await waitFor("it hears that", async () => host.log().includes("code=out-of-network"), PATIENCE);
    expect(host.log()).toMatch(sentence);
    await host.stop(20_000);
    const again = start(laptop, "run", "--config", "/etc/lacis/config.yml");
    await waitFor("it hears that again", async () => again.log().includes("code=out-of-network"), PATIENCE);
    for (const command of [["why", "db1", "tcp/5432"], ["doctor"], ["status"]]) {
      const said = await lacis(laptop, ...command);
      expect(said.stdout + said.stderr, command[0]).toMatch(sentence);
    }
  });
});

function start({ machine, root }: Fresh, ...args: readonly string[]): Daemon {
  return machine.start(args[0] ?? "", ...root.inside(LACIS.cli(...args)));
}

function lacis({ machine, root }: Fresh, ...args: readonly string[]) {
  return machine.run(...root.inside(LACIS.cli(...args)), { timeoutMs: 60_000 });
}

async function says(daemon: Daemon, text: string): Promise<void> {
  await daemon.becomes(`it says "${text}"`, async () => daemon.log().includes(text), 60_000);
}

function tokenIn(printed: string): string {
  const token = /lacis1-\S+/.exec(printed)?.[0];
  if (token === undefined) throw new Error(`no token: ${printed}`);
  return token;
}

/** Whether a host has a tunnel with the one of this name. */
async function isUp(on: Fresh, name: string): Promise<boolean> {
  const { peers } = JSON.parse((await lacis(on, "status", "--json")).stdout) as {
    readonly peers: readonly { readonly name: string | null; readonly state: string }[];
  };
  return peers.some((peer) => peer.name === name && peer.state === "up");
}

async function overlayOf(host: Fresh, config: string): Promise<string> {
  const { stdout } = await lacis(host, "status", "--json", "--config", config);
  return (JSON.parse(stdout) as { host: { addresses: string[] } }).host.addresses[0] ?? "";
}

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { NatRouter } from "./lab/nat/nat-router.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";

/** A machine as it comes: its own files, nothing of Lacis in them. */
interface Fresh {
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

/** From the first command to an answered ping, of which the product promises ten seconds; a loaded machine may take its time. */
const PROMISED_MS = 10_000;
const PATIENCE = Number(process.env["LACIS_PATIENCE"] ?? 3);

describe("fresh machines", () => {
  let network: TestNetwork;
  let first: Fresh;
  let laptop: Fresh;
  beforeAll(async () => {
    network = await TestNetwork.open("join");
    first = await fresh(await network.machine("first", ["192.0.2.1/24"]));
    laptop = await fresh(await network.machine("laptop", ["192.0.2.2/24"]));
  });
  afterAll(async () => {
    for (const { root } of [first, laptop]) await root.close();
    await network.close();
  });

  test("two of them are a mesh after three commands and no edited file", async () => {
    const begun = performance.now();
    const host = lacis(first, "init", "home", "--endpoint", "192.0.2.1");
    await says(host, "next: sudo lacis invite HOST");
    const token = await invited(first, "laptop");
    const joined = lacis(laptop, "join", token);
    await says(joined, "lighthouse answers in");
    const ping = await pingFrom(laptop, host);
    const took = performance.now() - begun;
    console.log(`init, invite, join, ping: ${(took / 1000).toFixed(1)} s`);
    expect(ping).toContain("1 received");
    expect(took).toBeLessThan(PROMISED_MS * PATIENCE);
    expect(joined.log()).toContain("joined home as laptop, 10.");
    const etc = (await laptop.root.written()).filter((path) => path.startsWith("etc/lacis"));
    expect(etc).toEqual(
      ["config.yml", "pki/ca.crt", "pki/enrolment.json", "pki/host.crt", "pki/host.key"].map(
        (name) => `etc/lacis/${name}`,
      ),
    );
  });

  test("a token is for one machine: the next one hears who has used it, and may have one of its own", async () => {
    const token = await invited(first, "nas");
    const nas = await fresh(await network.machine("nas", ["192.0.2.3/24"]));
    const other = await fresh(await network.machine("other", ["192.0.2.4/24"]));
    try {
      await says(lacis(nas, "join", token), "joined home as nas");
      const refused = await other.machine.run(...other.root.inside(LACIS.cli("join", token)));
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(
        /^lacis: the token - it was already used by host nas at [0-9:]+ UTC on \S+ \(key fingerprint [0-9a-f]+\)/m,
      );
    } finally {
      for (const { machine, root } of [nas, other]) {
        await machine.endAll();
        await root.close();
      }
    }
  });

  test("a laptop behind an address translator joins with the same three commands", async () => {
    const router = await NatRouter.add(network, {
      name: "flat",
      nat: "port",
      wan: "192.0.2.50/24",
      lan: "10.200.1.1/24",
    });
    const machine = await network.machine("roaming", [router.place(2)], { segment: router.name });
    await machine.must("ip", ["route", "add", "default", "via", router.gateway]);
    const roaming = await fresh(machine);
    try {
      const begun = performance.now();
      const token = await invited(first, "roaming");
      await says(lacis(roaming, "join", token), "joined home as roaming");
      console.log(`invite, join behind a translator: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      const ping = await roaming.machine.run(...roaming.root.inside(LACIS.cli("ping", "laptop")));
      expect(ping.stdout + ping.stderr).toContain("pong from laptop");
    } finally {
      await machine.endAll();
      await roaming.root.close();
    }
  });

  test("an operator elsewhere takes one out by the service, and the network is told at once", async () => {
    const lost = await fresh(await network.machine("lost", ["192.0.2.6/24"]));
    try {
      const daemon = lacis(lost, "join", await invited(first, "lost"));
      await says(daemon, "lighthouse answers in");
      const authority = ["-ca-crt", "/etc/lacis/authority/ca.crt"];
      const tool = async (...args: readonly string[]) => {
        const ran = await first.machine.run(...first.root.inside(LACIS.cert(...args)));
        expect(ran).toMatchObject({ status: 0 });
        return ran.stdout;
      };
      await tool("access", "ops", ...authority, "-scopes", "revoke", "-out", "/etc/ops.access");
      const begun = performance.now();
      const told = await tool("revoke", "lost", "-remote", "/etc/ops.access", "-reason", "left in a train");
      expect(told).toMatch(/^lost is revoked: the revocation list \d+ is published: applied on [2-9] of \d/);
      console.log(`revoked by the API and told: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      const ping = await lost.machine.run(
        ...lost.root.inside(LACIS.cli("ping", "--count", "1", "--timeout", "1", "laptop")),
      );
      expect(ping.status).toBe(1);
    } finally {
      await lost.machine.endAll();
      await lost.root.close();
    }
  });

  test("one that only visits leaves nothing: no file, no device, and its name is free again", async () => {
    const ci = await fresh(await network.machine("ci", ["192.0.2.5/24"]));
    try {
      for (let visit = 0; visit < 2; visit++) {
        const token = await invited(first, "ci", "--ephemeral");
        const host = ci.machine.start(`visit${visit}`, ...ci.root.inside(LACIS.cli("join", "--ephemeral", token)));
        await says(host, "joined home as ci");
        expect((await host.stop(15_000)).code).toBe(0);
        expect(await ci.machine.devices()).toEqual([]);
      }
      expect(await ci.root.written()).toEqual([]);
      expect((await ci.root.run("ls", ["/run/lacis"], { fails: true })).stdout).toBe("");
    } finally {
      await ci.root.close();
    }
  });
});

async function fresh(machine: Machine): Promise<Fresh> {
  return { machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
}

/** Runs it as the host that it is for as long as it runs: no services are started in a network namespace. */
function lacis({ machine, root }: Fresh, ...args: readonly string[]): Daemon {
  return machine.start(args[0] ?? "", ...root.inside(LACIS.cli(...args)));
}

async function says(daemon: Daemon, text: string): Promise<void> {
  await daemon.becomes(`it says "${text}"`, async () => daemon.log().includes(text), 60_000);
}

async function invited({ machine, root }: Fresh, name: string, ...flags: readonly string[]): Promise<string> {
  const printed = await machine.must(...root.inside(LACIS.cli("invite", name, ...flags)));
  const token = /lacis1-\S+/.exec(printed)?.[0];
  if (token === undefined) throw new Error(`no token: ${printed}`);
  return token;
}

/** The system's own ping, through the overlay, to the first host. */
async function pingFrom({ machine, root }: Fresh, host: Daemon): Promise<string> {
  const overlay = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";
  return machine.must(...root.inside(["ping", "-c", "1", "-W", "5", overlay]));
}

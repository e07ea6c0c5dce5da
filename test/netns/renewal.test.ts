import { join } from "node:path";
import { expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";
import { waitFor } from "./lab/wait.ts";

interface Fresh {
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

/** Its certificates begin five minutes before they are given out: two thirds of their seven minutes are over then, and it renews every few seconds. */
const SHORT_LIFE = "120s";
const RENEWED = "This host has a new certificate";

test("a host renews its certificate every few seconds and loses no ping; while the service is away it loses none either, and starts", async () => {
  const network = await TestNetwork.open("renewal");
  const first = await fresh(await network.machine("first", ["192.0.2.1/24"]));
  const laptop = await fresh(await network.machine("laptop", ["192.0.2.2/24"]));
  try {
    const host = start(first, "init", "home", "--endpoint", "192.0.2.1");
    await says(host, "next: sudo lacis invite HOST");
    const invited = await first.machine.must(
      ...first.root.inside(LACIS.cli("invite", "laptop", "--duration", SHORT_LIFE)),
    );
    const joined = start(laptop, "join", /lacis1-\S+/.exec(invited)?.[0] ?? "");
    await says(joined, "lighthouse answers in");
    const overlay = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";

    const pings = start(laptop, ["ping", "-i", "0.02", "-q", overlay]);
    await renewals(joined, 3);
    await service(first, "gone");
    await says(joined, "The certificate is not renewed yet");
    pings.signal("SIGINT");
    await pings.exited;
    console.log(pings.log().trim().split("\n").slice(-2).join("; "));
    expect(pings.log()).toMatch(/ 0% packet loss/);

    expect((await joined.stop(15_000)).code).toBe(0);
    const again = start(laptop, "run", "--config", "/etc/lacis");
    await waitFor("a host that starts without the service reaches others", async () => answers(laptop, overlay), {
      withinMs: 30_000,
    });
    await service(first, "back");
    await renewals(again, 1);
    const { stdout } = await laptop.machine.run(...laptop.root.inside(LACIS.cli("status", "--json")));
    expect(JSON.parse(stdout).health.filter(({ severity }: { severity: string }) => severity === "error")).toEqual([]);
  } finally {
    for (const { machine, root } of [first, laptop]) {
      await machine.endAll();
      await root.close();
    }
    await network.close();
  }
});

async function fresh(machine: Machine): Promise<Fresh> {
  return { machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
}

function start(
  { machine, root }: Fresh,
  first: string | readonly [string, ...string[]],
  ...args: readonly string[]
): Daemon {
  const command = typeof first === "string" ? LACIS.cli(first, ...args) : first;
  return machine.start(typeof first === "string" ? first : first[0], ...root.inside(command));
}

async function says(daemon: Daemon, text: string): Promise<void> {
  await daemon.becomes(`it says "${text}"`, async () => daemon.log().includes(text), 60_000);
}

async function renewals(daemon: Daemon, count: number): Promise<void> {
  await daemon.becomes(`it was renewed ${count} times`, async () => daemon.log().split(RENEWED).length > count, 60_000);
}

/** Nothing gets to the service's port, over the mesh or beside it. */
async function service({ machine }: Fresh, state: "gone" | "back"): Promise<void> {
  if (state === "back") return void (await machine.must("nft", ["delete", "table", "inet", "away"]));
  await machine.must("nft", ["add table inet away; add chain inet away in { type filter hook input priority 0 ; }"]);
  await machine.must("nft", ["add rule inet away in tcp dport 4242 drop"]);
}

async function answers({ machine, root }: Fresh, overlay: string): Promise<boolean> {
  return (await machine.run(...root.inside(["ping", "-c", "1", "-W", "1", overlay]))).status === 0;
}

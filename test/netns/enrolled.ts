import { join } from "node:path";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { type Machine, TestNetwork } from "./lab/network.ts";
import { PrivateRoot } from "./lab/private-root.ts";

/** A machine and the root that a network's files are written to. */
export interface Fresh {
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

/** The token of `lacis invite`. */
export async function invited({ machine, root }: Fresh, name: string, ...flags: readonly string[]): Promise<string> {
  const printed = await machine.must(...root.inside(LACIS.cli("invite", name, ...flags)));
  return /lacis[12]-\S+/.exec(printed)?.[0] ?? "";
}

/** Machines where nothing of a network is yet, the first one at 192.0.2.1; removed in the end, whatever happens. */
export async function withFresh<const Name extends string>(
  networkName: string,
  names: readonly Name[],
  test: (machines: Readonly<Record<Name, Fresh>>) => Promise<void>,
): Promise<void> {
  const network = await TestNetwork.open(networkName);
  const machines: [Name, Fresh][] = [];
  try {
    for (const [index, name] of names.entries())
      machines.push([name, await fresh(await network.machine(name, [`192.0.2.${index + 1}/24`]))]);
    await test(Object.fromEntries(machines) as Record<Name, Fresh>);
  } finally {
    for (const [, { machine, root }] of machines) {
      await machine.endAll();
      await root.close();
    }
    await network.close();
  }
}

async function fresh(machine: Machine): Promise<Fresh> {
  return { machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
}

/** `lacis FIRST ...`, or a command of its own, in the background. */
export function start(
  { machine, root }: Fresh,
  first: string | readonly [string, ...string[]],
  ...args: readonly string[]
): Daemon {
  const command = typeof first === "string" ? LACIS.cli(first, ...args) : first;
  return machine.start(typeof first === "string" ? first : first[0], ...root.inside(command));
}

/** Waits for words in its log. */
export async function says(daemon: Daemon, text: string): Promise<void> {
  await daemon.becomes(`it says "${text}"`, async () => daemon.log().includes(text), 60_000);
}

/** Nothing gets to the service's port, over the mesh or beside it. */
export async function service({ machine }: Fresh, state: "gone" | "back"): Promise<void> {
  if (state === "back") return void (await machine.must("nft", ["delete", "table", "inet", "away"]));
  await machine.must("nft", ["add table inet away; add chain inet away in { type filter hook input priority 0 ; }"]);
  await machine.must("nft", ["add rule inet away in tcp dport 4242 reject with tcp reset"]);
}

/** Whether an overlay address answers to one ping. */
export async function answers({ machine, root }: Fresh, overlay: string): Promise<boolean> {
  return (await machine.run(...root.inside(["ping", "-c", "1", "-W", "1", overlay]))).status === 0;
}

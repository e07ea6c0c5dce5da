import { join } from "node:path";
import type { Daemon } from "../test/netns/lab/daemon.ts";
import { LACIS } from "../test/netns/lab/implementation.ts";
import { type Machine, TestNetwork } from "../test/netns/lab/network.ts";
import { PrivateRoot } from "../test/netns/lab/private-root.ts";
import { waitFor } from "../test/netns/lab/wait.ts";
import { Story } from "./story.ts";

/** How a network is founded and joined: three machines as they come, each with files of its own, become a mesh; one is refused a port and told why, and then taken out. */
interface Fresh {
  readonly name: string;
  readonly machine: Machine;
  readonly root: PrivateRoot;
}

const story = new Story();
const network = await TestNetwork.open("demo-join");
const machines: Fresh[] = [];
try {
  await tell();
} catch (error) {
  story.failed(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  for (const { root } of machines) await root.close();
  await network.close();
}

async function tell(): Promise<void> {
  story.begin("Three machines that know nothing of each other");
  const [first, server, laptop] = [
    await fresh("first", "192.0.2.1"),
    await fresh("server", "192.0.2.2"),
    await fresh("laptop", "192.0.2.3"),
  ];
  const begun = performance.now();
  story.begin("The first one founds a network");
  await stays(first, ["init", "home", "--endpoint", "192.0.2.1"], "next: sudo");
  story.begin("Each of the others is invited, and joins");
  await joins(first, server, []);
  await joins(first, laptop, ["--groups", "debug", "--new-group", "debug"]);
  await type(laptop, "ping", "server");
  story.proved(
    `from nothing to a ping between hosts that have joined: ${((performance.now() - begun) / 1000).toFixed(1)} s, no file edited`,
  );
  story.begin("A port that no rule allows, and why");
  await deniedPort(server, laptop);
  story.begin("The laptop is lost: it is taken out, everywhere at once");
  await type(first, "revoke", "laptop", "--reason", "lost on a train");
  await staysOut(server, laptop);
  story.end("The demo is complete");
}

async function fresh(name: string, address: string): Promise<Fresh> {
  const machine = await network.machine(name, [`${address}/24`]);
  const made = { name, machine, root: await PrivateRoot.over(join(machine.directory, "root")) };
  machines.push(made);
  story.remark(`${name.padEnd(8)}  ${address}  a network namespace with a root of its own`);
  return made;
}

/** Starts what goes on as the host, and shows what it says at first. */
async function stays(who: Fresh, args: readonly string[], until: string): Promise<void> {
  story.typed(who.name, shown(args));
  const host = who.machine.start(args[0] ?? "", ...who.root.inside(LACIS.cli(...args)));
  await host.becomes(`it says "${until}"`, async () => host.log().includes(until), 60_000);
  story.answered(ownWords(host));
}

async function joins(first: Fresh, guest: Fresh, flags: readonly string[]): Promise<void> {
  const args = ["invite", guest.name, ...flags];
  story.typed(first.name, shown(args));
  const printed = await first.machine.must(...first.root.inside(LACIS.cli(...args)));
  const token = /lacis1-\S+/.exec(printed)?.[0] ?? "";
  story.answered(printed.replace(token, short(token)));
  await stays(guest, ["join", token], "lighthouse answers");
}

async function deniedPort(server: Fresh, laptop: Fresh): Promise<void> {
  const why = await laptop.machine.run(...laptop.root.inside(LACIS.cli("why", "server", "tcp/22")));
  story.typed(laptop.name, "lacis why server tcp/22");
  story.answered(why.stdout + why.stderr);
  if (why.status !== 1) throw new Error("lacis why does not say that tcp/22 is denied");
  story.proved(`the answer comes from ${server.name} itself: which rule is closest, and what is missing`);
}

async function staysOut(server: Fresh, laptop: Fresh): Promise<void> {
  const ping = (): Promise<{ readonly status: number | undefined; readonly stdout: string; readonly stderr: string }> =>
    laptop.machine.run(...laptop.root.inside(LACIS.cli("ping", server.name, "--timeout", "1")));
  const refused = await waitFor(
    "a ping that fails",
    async () => {
      const result = await ping();
      return result.status === 1 ? result : undefined;
    },
    { withinMs: 20_000 },
  );
  story.typed(laptop.name, `lacis ping ${server.name}`);
  story.answered(refused.stdout + refused.stderr);
  story.proved("the laptop reaches nobody any more");
}

async function type(who: Fresh, ...args: readonly string[]): Promise<void> {
  story.typed(who.name, shown(args));
  story.answered(await who.machine.must(...who.root.inside(LACIS.cli(...args))));
}

/** As somebody would type it. */
function shown(args: readonly string[]): string {
  const sudo = ["init", "invite", "join", "revoke"].includes(args[0] ?? "") ? "sudo " : "";
  return `${sudo}lacis ${args.map((each) => (each.includes(" ") ? `"${each}"` : short(each))).join(" ")}`;
}

function short(text: string): string {
  return text.startsWith("lacis1-") ? `${text.slice(0, 20)}...` : text;
}

/** Without the log of the daemons, which goes on beside it. */
function ownWords(host: Daemon): string {
  return host
    .log()
    .split("\n")
    .filter((line) => /^(founded|the authority's key|next:|joined)/.test(line))
    .join("\n");
}

import type { MeshHost } from "./mesh.ts";
import type { Machine } from "./network.ts";
import { program, serve } from "./program.ts";
import { pause } from "./wait.ts";

/** Swallows, without a word, IP packets that are longer than this and arrive at the machine; everything arrives when left out. */
export async function swallow(machine: Machine, aboveBytes: number | undefined): Promise<void> {
  await machine.run("nft", ["delete", "table", "inet", "blackhole"]);
  if (aboveBytes === undefined) return;
  const rules = [
    `meta nfproto ipv4 ip length > ${aboveBytes} counter drop`,
    // IPv6 says how much follows its header.
    `meta nfproto ipv6 ip6 length > ${aboveBytes - 40} counter drop`,
  ];
  const chain = ["type filter hook prerouting priority -300", 'iifname != "net" accept', ...rules].join("\n");
  await machine.must("nft", ["-f", "-"], { input: `table inet blackhole {\nchain arriving {\n${chain}\n}\n}\n` });
}

/** Has the machine send one packet by one, as a network card does in the end: several in one piece would be told to be longer than any of them is. */
export async function sendSingly(machine: Machine): Promise<void> {
  await machine.must("ip", ["link", "set", "net", "gso_max_segs", "1"]);
}

/** What came of a transfer in the middle of which something was done. */
export interface Transfer {
  readonly completed: boolean;
  readonly bytes: number;
  /** For how long at most nothing arrived. */
  readonly longestPauseMs: number;
}

/** Sends over TCP as much as goes for some seconds, and does something in the middle of it. */
export async function transferDuring(from: MeshHost, to: MeshHost, middle: () => Promise<void>): Promise<Transfer> {
  const receiver = await serve(to.machine, "tcp-pauses", TRANSFER_PORT);
  const sender = from.machine.run(...program("tcp-pour", to.overlay4, TRANSFER_PORT, 5_500), { timeoutMs: 20_000 });
  await pause(2_000);
  await middle();
  const completed = (await sender).status === 0;
  await receiver.exited;
  // Whoever received before on the same machine has left a line.
  const told = receiver.log().trim().split("\n").at(-1) ?? "";
  return { completed, ...(JSON.parse(told) as Omit<Transfer, "completed">) };
}

const TRANSFER_PORT = 7001;

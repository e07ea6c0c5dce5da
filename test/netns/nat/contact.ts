import type { MeshHost } from "../lab/mesh.ts";
import { pause } from "../lab/wait.ts";
import { isDirect } from "./peer-path.ts";

/** How two hosts met that had nothing to do with each other before. */
export interface Contact {
  /** From the first packet to the first answer; undefined when none came. */
  readonly firstAnswerMs: number | undefined;
  /** From the first packet until both send straight; undefined when that did not happen. */
  readonly directMs: number | undefined;
}

/** Ten pings a second: few enough to be no load, and the first one says when the first answer came. */
const PING_INTERVAL_MS = 100;
const LOOK_EVERY_MS = 40;

/** One host begins to talk to another one and goes on until they are direct, or for so long. */
export async function meet(from: MeshHost, to: MeshHost, withinMs: number, looks = isDirect): Promise<Contact> {
  const interval = String(PING_INTERVAL_MS / 1_000);
  const ping = from.machine.start(`ping-${to.name}`, "ping", ["-n", "-i", interval, to.overlay4]);
  await ping.becomes("it sends", async () => ping.log().startsWith("PING"));
  const since = performance.now();
  let directMs: number | undefined;
  while (directMs === undefined && performance.now() - since < withinMs) {
    await pause(LOOK_EVERY_MS);
    const both = await Promise.all([looks(from, to), looks(to, from)]);
    if (both.every(Boolean) && firstAnswer(ping.log()) !== undefined) directMs = performance.now() - since;
  }
  ping.signal("SIGINT");
  await ping.exited;
  return { firstAnswerMs: firstAnswer(ping.log()), directMs };
}

/** By ping's own clock: the first one that was answered was sent so long after the very first, and waited so long. */
function firstAnswer(log: string): number | undefined {
  const first = [...log.matchAll(/icmp_seq=(\d+) .*time=([\d.]+) ms/g)].map(
    ([, seq, time]) => (Number(seq) - 1) * PING_INTERVAL_MS + Number(time),
  );
  return first.length === 0 ? undefined : Math.min(...first);
}

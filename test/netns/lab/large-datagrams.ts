import type { MeshHost } from "./mesh.ts";
import { program, serve } from "./program.ts";

/** Where questions are answered that or whose answers are longer than a tunnel's packets. */
export const ANSWERING_PORT = 53;

/** What goes from one host to another and back, each so many times, and how often it came back whole. */
export interface LargeDatagrams {
  readonly family: "IPv4" | "IPv6";
  readonly what: string;
  readonly cameBack: number;
}

const TIMES = 5;

/** Pings of 8,000 bytes, short questions with answers of 8 kB, as of a name server, and datagrams of 32 kB, over both families. */
export async function largeDatagrams(from: MeshHost, to: MeshHost): Promise<readonly LargeDatagrams[]> {
  if (!(await to.machine.hasUdpPort(ANSWERING_PORT))) await serve(to.machine, "udp-answer", ANSWERING_PORT);
  const results: LargeDatagrams[] = [];
  for (const family of ["IPv4", "IPv6"] as const) {
    const address = family === "IPv4" ? to.overlay4 : to.overlay6;
    if (!address) continue;
    const ping = await from.machine.run("ping", [
      "-n",
      "-c",
      String(TIMES),
      ..."-i 0.1 -W 2 -s 8000".split(" "),
      address,
    ]);
    results.push({ family, what: "ping -s 8000", cameBack: Number(/(\d+) received/.exec(ping.stdout)?.[1] ?? 0) });
    for (const [what, bytes, answerBytes] of [
      ["a DNS answer of 8 kB", 40, 8192],
      ["a datagram of 32 kB", 32_000, 32_000],
    ] as const) {
      const asked = await from.machine.must(...program("udp-ask", address, ANSWERING_PORT, bytes, answerBytes, TIMES));
      results.push({ family, what, cameBack: Number(asked) });
    }
  }
  return results;
}

/** What did not come back every time. */
export function lost(results: readonly LargeDatagrams[]): readonly LargeDatagrams[] {
  return results.filter(({ cameBack }) => cameBack < TIMES);
}

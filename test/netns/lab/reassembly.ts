import type { Machine } from "./network.ts";

/** What the kernel of a machine has had to put together of IPv4 parts: how many parts ever, and what those that wait take now. */
export async function reassembly(machine: Machine): Promise<{ readonly requests: number; readonly bytes: number }> {
  const [names, values] = (await machine.must("cat", ["/proc/net/snmp"]))
    .split("\n")
    .filter((line) => line.startsWith("Ip:"))
    .map((line) => line.split(" "));
  const requests = Number(values?.[names?.indexOf("ReasmReqds") ?? -1]);
  const sockets = await machine.must("cat", ["/proc/net/sockstat"]);
  return { requests, bytes: Number(/^FRAG: inuse \d+ memory (\d+)/m.exec(sockets)?.[1]) };
}

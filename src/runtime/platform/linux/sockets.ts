import { readFileSync } from "node:fs";
import type { SocketMemory, Sockets } from "../platform.ts";
import { udpPortHolder } from "./port-holder.ts";

export const SOCKETS: Sockets = {
  udpPortHolder,
  /**
   * From /proc/net/udp and udp6 (proc(5)). Their columns are two of the numbers that the kernel keeps and the drops; the sizes of the buffers follow from what
   * was asked for (socket(7): doubled, up to a limit), and what it holds beside the packets is not there, hence 0.
   */
  memoryOf(port, { readBufferBytes, writeBufferBytes, forced }) {
    if (port === 0) return [];
    const rcvbuf = bufferBytes("rmem", readBufferBytes, forced);
    const sndbuf = bufferBytes("wmem", writeBufferBytes, forced);
    return ["udp", "udp6"]
      .flatMap((table) => (read(`/proc/net/${table}`) ?? "").split("\n"))
      .flatMap((line) => socketAt(line, port) ?? [])
      .map(
        (queues): SocketMemory => ({ ...queues, rcvbuf, sndbuf, fwd_alloc: 0, wmem_queued: 0, optmem: 0, backlog: 0 }),
      );
  },
};

type Queues = Pick<SocketMemory, "rmem_alloc" | "wmem_alloc" | "drops">;

function socketAt(line: string, port: number): Queues | undefined {
  const [, local = "", , , queues = "", ...rest] = line.trim().split(/\s+/);
  if (Number.parseInt(local.split(":")[1] ?? "", 16) !== port) return undefined;
  const [sent = "", received = ""] = queues.split(":");
  return {
    rmem_alloc: Number.parseInt(received, 16),
    wmem_alloc: Number.parseInt(sent, 16),
    drops: Number(rest.at(-1)),
  };
}

function bufferBytes(kind: "rmem" | "wmem", asked: number, forced: boolean): number {
  const setting = (name: string): number => Number(read(`/proc/sys/net/core/${kind}_${name}`) ?? 0);
  if (asked === 0) return setting("default");
  return 2 * (forced ? asked : Math.min(asked, setting("max")));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

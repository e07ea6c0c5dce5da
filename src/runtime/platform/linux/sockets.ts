import { readFileSync } from "node:fs";
import type { SocketMemory, Sockets } from "../platform.ts";
import { udpPortHolder } from "./port-holder.ts";
import { udpSocketsAt } from "./udp-table.ts";

export const SOCKETS: Sockets = {
  udpPortHolder,
  /**
   * The kernel's list has two of the numbers that it keeps, and the drops; the sizes of the buffers follow from what
   * was asked for (socket(7): doubled, up to a limit), and what it holds beside the packets is not there, hence 0.
   */
  memoryOf(port, { readBufferBytes, writeBufferBytes, forced }) {
    if (port === 0) return [];
    const rcvbuf = bufferBytes("rmem", readBufferBytes, forced);
    const sndbuf = bufferBytes("wmem", writeBufferBytes, forced);
    return udpSocketsAt(port).map(({ sending, received, drops }): SocketMemory => {
      const queues = { rmem_alloc: received, wmem_alloc: sending, drops };
      return { ...queues, rcvbuf, sndbuf, fwd_alloc: 0, wmem_queued: 0, optmem: 0, backlog: 0 };
    });
  },
};

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

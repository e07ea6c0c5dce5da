import { readFileSync } from "node:fs";

/** A UDP socket as the kernel lists it. */
export interface UdpSocket {
  readonly inode: string;
  /** Bytes that wait to be sent, and to be read. */
  readonly sending: number;
  readonly received: number;
  readonly drops: number;
}

/** The sockets that are bound to a port, of both families and whichever process (proc(5), /proc/net/udp and udp6). Of a family that is not there, none. */
export function udpSocketsAt(port: number): readonly UdpSocket[] {
  return ["udp", "udp6"]
    .flatMap((table) => read(`/proc/net/${table}`).split("\n"))
    .flatMap((line) => socketAt(line, port) ?? []);
}

function socketAt(line: string, port: number): UdpSocket | undefined {
  const fields = line.trim().split(/\s+/);
  const [, local = "", , , queues = "", , , , , inode = ""] = fields;
  if (Number.parseInt(local.split(":")[1] ?? "", 16) !== port) return undefined;
  const [sending = "", received = ""] = queues.split(":");
  return {
    inode,
    sending: Number.parseInt(sending, 16),
    received: Number.parseInt(received, 16),
    drops: Number(fields.at(-1)),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

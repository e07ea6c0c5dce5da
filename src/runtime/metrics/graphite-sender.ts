import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { HostPort, StatsSettings } from "../../core/config/settings.ts";
import { endpointAddress, endpointPort } from "../../core/netip/endpoint.ts";

type Graphite = Extract<StatsSettings, { to: "graphite" }>;

/** A receiver that does not take what we have within this time gets the next picture instead. */
const SEND_MS_MAX = 5_000;
/** One UDP datagram of lines: fits the smallest Ethernet with IPv6. */
const DATAGRAM_BYTES_MAX = 1_400;

/** Sends lines to a Graphite receiver: over TCP in one connection each time, over UDP in as many datagrams as it takes. Rejects with why it could not. */
export async function sendToGraphite(settings: Graphite, lines: string): Promise<void> {
  const { address, port } = await placeOf(settings);
  if (settings.carrier === "tcp") await sendStream(lines, address, port);
  else await sendDatagrams(lines, address, port);
}

async function placeOf({ receiver, family }: Graphite): Promise<{ address: string; port: number }> {
  if (receiver.kind === "literal")
    return { address: endpointAddress(receiver.endpoint), port: endpointPort(receiver.endpoint) };
  const { address } = await lookup(receiver.name, { family });
  return { address, port: receiver.port };
}

async function sendStream(lines: string, host: string, port: number): Promise<void> {
  const socket = connect({ host, port });
  let deadline: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      deadline = setTimeout(() => reject(new SlowReceiver()), SEND_MS_MAX);
      socket.on("error", reject);
      socket.on("close", () => resolve());
      // What it answers is nobody's business, and unread it would keep the connection open.
      socket.resume();
      socket.end(lines);
    });
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}

class SlowReceiver extends Error {
  constructor() {
    super(`it did not take them within ${SEND_MS_MAX / 1000} s`);
  }
}

async function sendDatagrams(lines: string, address: string, port: number): Promise<void> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      const datagrams = datagramsOf(lines);
      let left = datagrams.length;
      socket.on("error", reject);
      for (const datagram of datagrams)
        socket.send(datagram, port, address, (error) => {
          left--;
          if (error) reject(error);
          else if (left === 0) resolve();
        });
      if (left === 0) resolve();
    });
  } finally {
    socket.close();
  }
}

/** Whole lines, as many as fit one datagram. */
export function datagramsOf(lines: string): readonly string[] {
  const datagrams: string[] = [];
  let datagram = "";
  for (const line of lines.split("\n")) {
    if (line === "") continue;
    if (datagram !== "" && Buffer.byteLength(datagram) + Buffer.byteLength(line) + 1 > DATAGRAM_BYTES_MAX) {
      datagrams.push(datagram);
      datagram = "";
    }
    datagram += `${line}\n`;
  }
  return datagram === "" ? datagrams : [...datagrams, datagram];
}

/** The receiver as an operator knows it. */
export function receiverText(receiver: HostPort): string {
  return receiver.kind === "literal" ? receiver.endpoint : `${receiver.name}:${receiver.port}`;
}

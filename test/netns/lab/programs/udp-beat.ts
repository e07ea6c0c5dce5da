import { createSocket } from "node:dgram";

/**
 * `udp-beat ADDRESS PORT PER_SECOND`: sends numbered datagrams at a steady rate to a udp-echo until it is ended, and prints for each answer when it came
 * (Unix milliseconds).
 */
const [address = "", port, perSecond] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
const startedAt = performance.now();
let sent = 0;

socket.on("message", () => void process.stdout.write(`${(performance.timeOrigin + performance.now()).toFixed(1)}\n`));
socket.on("error", () => {}); // An unreachable host is a lost datagram: no answer to it comes.

setInterval(() => {
  const due = Math.floor(((performance.now() - startedAt) * Number(perSecond)) / 1000);
  // By the clock; but what was not sent in time is not made up for.
  if (sent < due) socket.send(Buffer.alloc(64), Number(port), address, () => {});
  sent = Math.max(sent, due);
}, 2);

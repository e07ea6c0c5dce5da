import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

/**
 * `udp-throw ADDRESS PORT`: reads datagrams from standard input, one hexadecimal line each (an empty line is an empty datagram),
 * sends them one after the other, half a millisecond apart, and prints, as JSON, the bytes sent and the length of each answer.
 */
const [address = "", port] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
const answers: number[] = [];
let sentBytes = 0;
socket.on("message", (datagram) => answers.push(datagram.length));
socket.on("error", () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const datagram = Buffer.from(line, "hex");
  sentBytes += datagram.length;
  await new Promise((resolve) => socket.send(datagram, Number(port), address, resolve));
  const until = performance.now() + 0.5;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
}
setTimeout(() => {
  process.stdout.write(JSON.stringify({ sentBytes, answers }));
  process.exit(0);
}, 500);

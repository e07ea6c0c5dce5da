import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";

/**
 * `udp-echo PORT COUNT_FILE`: gives back each datagram; on SIGUSR2 writes into COUNT_FILE how many it has received, and how many
 * different ones.
 */
const [port, countFile] = process.argv.slice(2);
const socket = createSocket({ type: "udp6", ipv6Only: false });
const different = new Set<string>();
let received = 0;
socket.on("message", (datagram, from) => {
  received += 1;
  different.add(datagram.toString("latin1"));
  socket.send(datagram, from.port, from.address);
});
socket.on("error", () => {});
socket.bind(Number(port));
process.on("SIGUSR2", () => {
  writeFileSync(countFile ?? "", JSON.stringify({ received, different: different.size }));
});

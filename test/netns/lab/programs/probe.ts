import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";

/**
 * `probe tcp|udp ADDRESS PORT`: what becomes of a connection or of datagrams, within a second and a half: prints `answer`, `silence` or the name of
 * the error that the kernel reports.
 */
const [protocol, address = "", port] = process.argv.slice(2);
setTimeout(() => end("silence"), 1_500);
if (protocol === "tcp") {
  const socket = connect({ host: address, port: Number(port) });
  socket.on("connect", () => end("answer"));
  socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "error"));
} else {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("message", () => end("answer"));
  socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "error"));
  // Only a connected socket is told of ICMP errors.
  socket.connect(Number(port), address, () => {
    setInterval(() => socket.send("anybody?"), 100);
  });
}

function end(outcome: string): void {
  console.log(outcome);
  process.exit(0);
}

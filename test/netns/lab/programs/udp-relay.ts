import { createSocket, type RemoteInfo } from "node:dgram";

/**
 * `udp-relay PORT HOST_A HOST_B HOST_PORT`: somebody on the way between two hosts. Forwards what A sends to B and the other way
 * round, and keeps a copy of the last thousand. On SIGUSR1 it sends every copy once more to where it went; on SIGUSR2 it sends
 * every copy back to where it came from. It never lies about its own address, so both see its address as the other's.
 */
const [port, hostA = "", hostB = "", hostPort] = process.argv.slice(2);
const COPIES_MAX = 1_000;
const copies: { datagram: Buffer; from: string; to: string }[] = [];
const socket = createSocket("udp4");

socket.on("message", (datagram: Buffer, source: RemoteInfo) => {
  const to = source.address === hostA ? hostB : hostA;
  copies.push({ datagram, from: source.address, to });
  if (copies.length > COPIES_MAX) copies.shift();
  send(datagram, to);
});
socket.bind(Number(port));
process.on("SIGUSR1", () => {
  for (const copy of [...copies]) send(copy.datagram, copy.to);
});
process.on("SIGUSR2", () => {
  for (const copy of [...copies]) send(copy.datagram, copy.from);
});

function send(datagram: Buffer, to: string): void {
  socket.send(datagram, Number(hostPort), to);
}

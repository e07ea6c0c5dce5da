import { createSocket } from "node:dgram";

/** `udp-name PORT NAME`: answers each datagram with its first eight bytes and a name. */
const [port, name = ""] = process.argv.slice(2);
const socket = createSocket({ type: "udp6", ipv6Only: false });
socket.on("message", (datagram, from) => {
  socket.send(Buffer.concat([datagram.subarray(0, 8), Buffer.from(name)]), from.port, from.address);
});
socket.on("error", () => {});
socket.bind(Number(port));

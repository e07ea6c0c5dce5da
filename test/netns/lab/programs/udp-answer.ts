import { createSocket } from "node:dgram";
import { largeDatagram } from "./large-datagram.ts";

/** `udp-answer PORT`: answers each datagram with one of as many bytes as its first two say, and says in it what came. */
const [port] = process.argv.slice(2);
const socket = createSocket({ type: "udp6", ipv6Only: false });
socket.on("message", (question, from) => {
  if (question.length < 2) return;
  // A question that was changed on the way gets an answer that is wrong as well.
  const isIntact = question.equals(largeDatagram(question.readUInt16BE(0), question.length));
  const answer = largeDatagram(question.length, question.readUInt16BE(0));
  if (isIntact) socket.send(answer, from.port, from.address);
});
socket.on("error", () => {});
socket.bind(Number(port));

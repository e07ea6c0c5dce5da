import { createSocket } from "node:dgram";
import { decode, encode } from "dns-packet";

/** `dns-answer PORT ADDRESS`: a resolver for whom every name below `.example` has this address, and no other name exists. */
const [port, address = ""] = process.argv.slice(2);
const socket = createSocket("udp4");
socket.on("message", (bytes, from) => {
  const { id = 0, questions = [] } = decode(bytes);
  const [question] = questions;
  const exists = question?.name.endsWith(".example") === true;
  const answers = exists && question.type === "A" ? [{ type: "A", name: question.name, data: address } as const] : [];
  const flags = 0x180 | (exists ? 0 : 3);
  socket.send(encode({ type: "response", id, flags, questions, answers }), from.port, from.address);
});
socket.on("error", () => {});
socket.bind(Number(port));

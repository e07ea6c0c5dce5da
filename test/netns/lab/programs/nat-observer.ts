import { createSocket, type Socket } from "node:dgram";

/**
 * `nat-observer ADDRESS OTHER_ADDRESS PORT OTHER_PORT`: the far side of nat-classify, after RFC 5780. Four sockets: 0 is the first address with the first
 * port, 1 the same address with the other port, 2 and 3 the other address with both. A datagram "N TAG" that any of them gets is answered by
 * socket N with "M ADDRESS PORT TAG": which one got it, and who seems to have sent it.
 */
const [address = "", otherAddress = "", port = "", otherPort = ""] = process.argv.slice(2);
const sockets: Socket[] = [];
for (const [index, [host, number]] of [
  [address, port],
  [address, otherPort],
  [otherAddress, port],
  [otherAddress, otherPort],
].entries()) {
  const socket = createSocket("udp4");
  socket.on("message", (datagram, seen) => {
    const [answerer = "", tag = ""] = datagram.toString().split(" ");
    sockets[Number(answerer)]?.send(`${index} ${seen.address} ${seen.port} ${tag}`, seen.port, seen.address);
  });
  socket.bind(Number(number), host);
  sockets.push(socket);
}

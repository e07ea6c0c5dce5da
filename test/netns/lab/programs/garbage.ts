/**
 * garbage ADDRESS PORT: sends a datagram of random bytes every 5 ms until it is ended, of 0 to 400 bytes; every other one begins like a message of the
 * protocol, of any type.
 */
import { randomBytes, randomInt } from "node:crypto";
import { createSocket } from "node:dgram";

const [address = "", port = ""] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
let sent = 0;

setInterval(() => {
  const datagram = randomBytes(randomInt(0, 400));
  if (sent++ % 2 === 0 && datagram.length > 1) datagram.set([0x10 | randomInt(0, 7), randomInt(0, 3)]);
  socket.send(datagram, Number(port), address, () => {});
}, 5);

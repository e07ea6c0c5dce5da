import { connect } from "node:net";

/**
 * `tcp-talk ADDRESS PORT`: opens one connection to a tcp-echo and sends it a number every 20 ms; prints each number that comes
 * back, one a line. Ends with status 1 when there is no connection within two seconds.
 */
const [address, port] = process.argv.slice(2);
const socket = connect({ host: address ?? "", port: Number(port) });
socket.setNoDelay(true);
const patience = setTimeout(() => process.exit(1), 2_000);
socket.on("connect", () => {
  clearTimeout(patience);
  let number = 0;
  setInterval(() => socket.write(`${number++}\n`), 20);
});
socket.pipe(process.stdout);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));

import { connect } from "node:net";

/** `tcp-pour ADDRESS PORT MS`: sends as much as goes for so long. */
const [address, port, ms] = process.argv.slice(2);
const chunk = Buffer.alloc(64 * 1024, "lacis");
const socket = connect({ host: address ?? "", port: Number(port) });
let goesOn = true;
const pour = (): void => {
  while (goesOn && socket.write(chunk));
};
socket.on("drain", pour);
socket.on("error", () => process.exit(1));
socket.on("connect", () => {
  pour();
  setTimeout(() => {
    goesOn = false;
    socket.end();
  }, Number(ms));
});
// What is in the way still has to arrive, and may not at all.
socket.on("close", () => process.exit(0));
setTimeout(() => process.exit(2), Number(ms) + 8_000);

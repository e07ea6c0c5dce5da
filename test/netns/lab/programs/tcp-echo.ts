import { createServer } from "node:net";

/** `tcp-echo PORT [ADDRESS]`: gives back what it gets. */
const [port, address] = process.argv.slice(2);
const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
server.listen(Number(port), address ?? "::");

import { createServer } from "node:net";

/**
 * `tcp-pauses PORT`: takes one connection and prints, when it ends, as JSON: how many bytes came, and for how many milliseconds at most nothing came in
 * between.
 */
const [port] = process.argv.slice(2);
const server = createServer((socket) => {
  server.close();
  let bytes = 0;
  let last = performance.now();
  let longestPauseMs = 0;
  const heard = (): void => {
    const now = performance.now();
    longestPauseMs = Math.max(longestPauseMs, now - last);
    last = now;
  };
  socket.on("data", (chunk) => {
    bytes += chunk.length;
    heard();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    heard();
    process.stdout.write(`${JSON.stringify({ bytes, longestPauseMs: Math.round(longestPauseMs) })}\n`);
  });
});
server.listen(Number(port));

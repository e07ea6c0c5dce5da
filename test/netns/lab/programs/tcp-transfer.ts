import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";

/**
 * `tcp-transfer ADDRESS PORT BYTES`: sends random bytes to a tcp-echo and compares what comes back. Prints how many came back;
 * status 0 when they are the same, 1 when not, or when there was nothing new for ten seconds.
 */
const [address, port, bytes] = process.argv.slice(2);
const content = randomBytes(Number(bytes));
const sent = createHash("sha256").update(content).digest("hex");
const back = createHash("sha256");
let received = 0;
const socket = connect({ host: address ?? "", port: Number(port), timeout: 10_000 });
socket.on("connect", () => socket.end(content));
socket.on("data", (chunk) => {
  back.update(chunk);
  received += chunk.length;
});
socket.on("end", () => finish(back.digest("hex") === sent));
socket.on("timeout", () => finish(false));
socket.on("error", () => finish(false));

function finish(unchanged: boolean): void {
  process.stdout.write(`${received}\n`);
  process.exit(unchanged ? 0 : 1);
}

import { randomFillSync } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { HEADER_BYTES } from "../../../../src/core/wire/header.ts";
import { type Forgery, forger, KEY_BYTES } from "./forgery.ts";

/**
 * `handshake-flood copied|maximal TIMES CONFIG ADDRESS PORT PER_SECOND SOURCES`: sends forged messages 1 to a host, each with an ephemeral key of its
 * own and so many times, in turn from so many addresses of 10.200.0.0/16, which must be local here (`ip route add local 10.200.0.0/16 dev lo`). On SIGTERM it prints, as
 * JSON, how many it has sent, the seconds that took, and the bytes of each.
 */
const [forgery, times, config = "", address = "", port, perSecond, sources] = process.argv.slice(2);

/** A message 1 is made anew this often: one that is older than a standing session is refused more cheaply. */
const FRESH_MS = 50;

const sockets = await Promise.all(Array.from({ length: Number(sources) }, (_, i) => bound(i)));
const forge = forger(forgery as Forgery, config);
let template = forge();
let sent = 0;
let missed = 0;
const startedAt = performance.now();
setInterval(() => {
  template = forge();
}, FRESH_MS);
setInterval(() => {
  // By the clock, not by the number of ticks: a late timer must not lower the rate. What a stop of this program missed stays missed.
  const due = Math.floor(((performance.now() - startedAt) * Number(perSecond)) / 1000);
  missed = Math.max(missed, due - sent - Number(perSecond) / 4);
  while (sent + missed < due) {
    const datagram = Buffer.from(template);
    randomFillSync(datagram, HEADER_BYTES, KEY_BYTES);
    const socket = sockets[Math.floor(sent / Number(times)) % sockets.length];
    for (let time = 0; time < Number(times); time++) {
      socket?.send(datagram, Number(port), address, () => {});
      sent++;
    }
  }
}, 2);
process.on("SIGTERM", () => {
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${JSON.stringify({ sent, seconds, bytes: template.length })}\n`, () => process.exit(0));
});
process.stdout.write("sending\n");

async function bound(i: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: (name, _options, done) => done(null, name, 4) });
  socket.on("error", () => {});
  // What is answered to a forged address reaches whoever has it.
  socket.on("message", () => {});
  await new Promise<void>((resolve) => socket.bind(4242, `10.200.${(i >> 8) & 255}.${i & 255}`, resolve));
  return socket;
}

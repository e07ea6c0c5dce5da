import { createSocket } from "node:dgram";

/**
 * `udp-stream ADDRESS PORT PER_SECOND SECONDS`: sends numbered datagrams at a steady rate to a udp-echo; one second after the
 * last one it prints, as JSON, how many were sent, which were never answered, which were answered after a later one, and the longest time without an answer. SIGTERM makes
 * the one that was sent before it the last.
 */
const [address = "", port, perSecond, seconds] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
let total = Number(perSecond) * Number(seconds);
const startedAt = performance.now();
const answered = new Set<number>();
let sent = 0;
let lastAnswerAt = startedAt;
let longestGapMs = 0;
let newest = -1;
const late: number[] = [];

socket.on("message", (datagram) => {
  const number = datagram.readUInt32BE(0);
  answered.add(number);
  if (number < newest) late.push(number);
  newest = Math.max(newest, number);
  const now = performance.now();
  longestGapMs = Math.max(longestGapMs, now - lastAnswerAt);
  lastAnswerAt = now;
});
socket.on("error", () => {}); // An unreachable host is a lost datagram, which is what is counted.

const pacing = setInterval(() => {
  // By the clock, not by the number of ticks: a late timer must not lower the rate.
  const due = Math.min(total, Math.floor(((performance.now() - startedAt) * Number(perSecond)) / 1000));
  while (sent < due) {
    const datagram = Buffer.alloc(64);
    datagram.writeUInt32BE(sent++);
    socket.send(datagram, Number(port), address, () => {});
  }
  if (sent < total) return;
  clearInterval(pacing);
  const endedAt = performance.now();
  setTimeout(() => report(endedAt), 1_000);
}, 2);

process.on("SIGTERM", () => {
  total = sent;
});

function report(endedAt: number): void {
  longestGapMs = Math.max(longestGapMs, endedAt - lastAnswerAt);
  const lost = Array.from({ length: total }, (_, number) => number).filter((number) => !answered.has(number));
  process.stdout.write(JSON.stringify({ sent, lost, late, longestGapMs: Math.round(longestGapMs) }));
  process.exit(0);
}

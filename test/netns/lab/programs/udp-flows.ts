import { createSocket } from "node:dgram";

/**
 * `udp-flows ADDRESS PORT FLOWS SECONDS`: sends from as many ports a datagram every 50 ms each to a udp-name, and prints for each flow, as JSON,
 * who answered when: an entry for each change of the name, and the longest time without an answer.
 */
const [address = "", port, flows, seconds] = process.argv.slice(2);
const EVERY_MS = 50;
const startedAt = Date.now();

const all = Array.from({ length: Number(flows) }, () => {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const flow = { answers: [] as { who: string; firstAt: number; lastAt: number }[], longestGapMs: 0, socket };
  let lastAt = startedAt;
  socket.on("message", (datagram) => {
    const who = datagram.subarray(8).toString();
    const now = Date.now();
    flow.longestGapMs = Math.max(flow.longestGapMs, now - lastAt);
    lastAt = now;
    const last = flow.answers.at(-1);
    if (last?.who === who) last.lastAt = now;
    else flow.answers.push({ who, firstAt: now, lastAt: now });
  });
  // An unreachable host is a lost datagram, which is what is counted.
  socket.on("error", () => {});
  return flow;
});
const pacing = setInterval(() => {
  for (const { socket } of all) socket.send(Buffer.alloc(8), Number(port), address, () => {});
}, EVERY_MS);
setTimeout(() => {
  clearInterval(pacing);
  const report = all.map(({ answers, longestGapMs }) => ({ answers, longestGapMs }));
  process.stdout.write(JSON.stringify(report));
  process.exit(0);
}, 1_000 * Number(seconds));

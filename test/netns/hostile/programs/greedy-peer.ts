import type { Socket } from "node:dgram";
import { writeUint16 } from "../../../../src/core/base/bytes.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { PacketType, TestSubtype } from "../../../../src/core/wire/header.ts";
import { encodeLighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { checksum, ipv4, Member, openSocket, reportAtEnd, steadily, type Target, type Tunnel } from "./member.ts";

/**
 * `greedy-peer CONFIG FROM TO HOST LIGHTHOUSE`: as the member of a configuration, whose overlay address is FROM, does to the host TO, which listens
 * at HOST (address:port), and to the lighthouse at LIGHTHOUSE whatever a member can: opens flows with ever new echo identifiers, sends each packet
 * from another port, makes sessions, asks and tests. On SIGTERM it prints, as JSON, how many of each it has sent, and in how many seconds.
 */
const [config = "", from = "", to = "", host = "", lighthouse = ""] = process.argv.slice(2);

/** A second. What the limiters let through of each is by far less. */
const FLOWS = 8_000;
const MESSAGES = 2_000;
const TESTS = 1_000;
/** With bodies of 8 kB. */
const LONG_TESTS = 100;
const HANDSHAKES = 500;
/** To the lighthouse, which has one thread for everything. */
const QUERIES = 1_000;
const PORTS = 512;
const ICMP = 1;

const member = new Member(config);
const sockets = await Promise.all(Array.from({ length: PORTS }, openSocket));
const [first] = sockets as [Socket];
const target = at(host);
const asked = at(lighthouse);
let tunnel = await member.join(first, target);
const toLighthouse = await member.join(first, asked);

let flow = 0;
let next = 0;
let sessions = 0;
let message1 = member.message1();
setInterval(() => {
  message1 = member.message1();
}, 5);
const startedAt = performance.now();
const sent = {
  flows: steadily(FLOWS, () => through(tunnel, target, PacketType.message, 0, echoRequest(flow++ & 0xffff))),
  messages: steadily(MESSAGES, () => through(tunnel, target, PacketType.lighthouse, 0, query())),
  tests: steadily(TESTS, () => through(tunnel, target, PacketType.test, TestSubtype.request, new Uint8Array(16))),
  longTests: steadily(LONG_TESTS, () =>
    through(tunnel, target, PacketType.test, TestSubtype.request, new Uint8Array(8_000)),
  ),
  queries: steadily(QUERIES, () => through(toLighthouse, asked, PacketType.lighthouse, 0, query())),
  handshakes: steadily(HANDSHAKES, () => {
    // The same message 1 again: whether it is a copy is found out behind the limiter.
    send(message1, target);
  }),
};
void makeSessions();
reportAtEnd(() => ({
  ...Object.fromEntries(Object.entries(sent).map(([name, count]) => [name, count()])),
  sessions,
  seconds: (performance.now() - startedAt) / 1000,
}));

/** One after the other, each proven, and as fast as they are answered. */
async function makeSessions(): Promise<never> {
  for (;;) {
    const socket = sockets[sessions % PORTS] ?? first;
    const made = await member.join(socket, target).catch(() => undefined);
    if (!made) continue;
    sessions++;
    through(made, target, PacketType.test, TestSubtype.request, new Uint8Array(16));
    // A host keeps the newest few.
    tunnel = made;
  }
}

function through(by: Tunnel, there: Target, type: PacketType, subtype: number, body: Uint8Array): void {
  send(by.seal(type, subtype, body), there);
}

/** Each from another port than the one before. */
function send(datagram: Uint8Array, { address, port }: Target): void {
  next = (next + 1) % PORTS;
  sockets[next]?.send(datagram, port, address, () => {});
}

function echoRequest(identifier: number): Uint8Array {
  const payload = new Uint8Array(16);
  payload[0] = 8;
  writeUint16(payload, 4, identifier);
  writeUint16(payload, 2, checksum(payload));
  return ipv4({ from, to, protocol: ICMP, payload });
}

function query(): Uint8Array {
  const asked = `10.77.0.${1 + (flow & 127)}` as IpAddress;
  return encodeLighthouseMessage({ kind: "host-query", target: asked }, 2) ?? new Uint8Array();
}

function at(text: string): Target {
  const [address = "", port] = text.split(":");
  return { address, port: Number(port) };
}

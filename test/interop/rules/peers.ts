import { createInterface } from "node:readline";
import { PacketType, TestSubtype } from "../../../src/core/wire/header.ts";
import { Member, openSocket, type Target, type Tunnel } from "../../netns/hostile/programs/member.ts";
import { type Order, type Peer, readPort } from "./orders.ts";
import { packetV4, packetV6 } from "./probes.ts";

/**
 * `peers HOSTS PEERS`, both JSON: as each of these members makes a tunnel to each host, and keeps it alive. For each line of its input, an order,
 * sends its packets through them; and prints a line for each packet that comes out of them: whose, from which host, with which port.
 */
const hosts: readonly Target[] = JSON.parse(process.argv[2] ?? "[]");
const peers: readonly Peer[] = JSON.parse(process.argv[3] ?? "[]");

const tunnels = await Promise.all(
  peers.map(async (peer, at) => {
    const member = new Member(peer.config);
    return Promise.all(hosts.map((host, number) => established(member, host, { at, number })));
  }),
);
process.stdout.write("ready\n");

for await (const line of createInterface(process.stdin)) {
  const { probe, peer, host, from, to, mark }: Order = JSON.parse(line);
  const packet = from.includes(":") ? packetV6(probe, from, to, mark) : packetV4(probe, from, to, mark);
  tunnels[peer]?.[host]?.(PacketType.message, 0, packet);
}
process.exit(0);

type Send = (type: PacketType, subtype: number, body: Uint8Array) => void;

/** A tunnel that answers tests, as an honest host does, and asks now and then itself. */
async function established(member: Member, host: Target, who: { at: number; number: number }): Promise<Send> {
  const socket = await openSocket();
  const tunnel: Tunnel = await member.join(socket, host);
  const send: Send = (type, subtype, body) => socket.send(tunnel.seal(type, subtype, body), host.port, host.address);
  socket.on("message", (datagram) => {
    const opened = tunnel.open(new Uint8Array(datagram));
    if (opened?.type === PacketType.test && opened.subtype === TestSubtype.request)
      send(PacketType.test, TestSubtype.reply, opened.body);
    if (opened?.type !== PacketType.message) return;
    process.stdout.write(`${JSON.stringify({ peer: who.at, host: who.number, ...readPort(opened.body) })}\n`);
  });
  send(PacketType.test, TestSubtype.request, new Uint8Array(16));
  setInterval(() => send(PacketType.test, TestSubtype.request, new Uint8Array(16)), 2_000);
  return send;
}

import { writeUint16 } from "../../../../src/core/base/bytes.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { ipv4, Member, openSocket, reportAtEnd, steadily } from "./member.ts";

/**
 * `fragment-flood CONFIG ADDRESS PORT FROM TO TO_PORT PER_SECOND whole|unfinished|second`: as the member of a configuration, through a tunnel to the host that
 * listens there, sends so many UDP datagrams of 8 kB a second between two overlay addresses, each in parts that fit the tunnel, or all of them
 * but the last, or the second alone. On SIGTERM it prints, as JSON, how many datagrams, parts and bytes it has sent, and in how many seconds.
 */
const [config = "", address = "", port, from = "", to = "", toPort, perSecond, kind] = process.argv.slice(2);
const DATAGRAM_BYTES = 8_000;
/** Of 1,300 bytes: what an honest kernel would make, a multiple of eight. */
const PART_BYTES = 1_280;
const UDP = 17;
const MORE_FRAGMENTS = 0x2000;

const target = { address, port: Number(port) };
const socket = await openSocket();
const tunnel = await new Member(config).join(socket, target);
const whole = new Uint8Array(8 + DATAGRAM_BYTES);
writeUint16(whole, 0, 5_000);
writeUint16(whole, 2, Number(toPort));
writeUint16(whole, 4, whole.length);

let id = 0;
let parts = 0;
let bytes = 0;
const startedAt = performance.now();
const datagrams = steadily(Number(perSecond), () => {
  id = (id + 1) & 0xffff;
  for (let at = 0; at < whole.length; at += PART_BYTES) {
    const payload = whole.subarray(at, at + PART_BYTES);
    const more = at + PART_BYTES < whole.length ? MORE_FRAGMENTS : 0;
    if (more === 0 && kind === "unfinished") break;
    if (at !== PART_BYTES && kind === "second") continue;
    const part = ipv4({ from, to, protocol: UDP, id, flagsAndOffset: more | (at / 8), payload });
    socket.send(tunnel.seal(PacketType.message, 0, part), target.port, target.address, () => {});
    parts++;
    bytes += part.length;
  }
});
reportAtEnd(() => ({ datagrams: datagrams(), parts, bytes, seconds: (performance.now() - startedAt) / 1000 }));

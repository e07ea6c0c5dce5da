import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { concatBytes, writeUint16, writeUint32 } from "../../src/core/base/bytes.ts";
import { addressFromBytes } from "../../src/core/netip/address.ts";
import { must, run } from "./lab/command.ts";
import { waitFor } from "./lab/wait.ts";

/** What the rules of a kernel see of a packet. */
export interface KernelView {
  readonly protocol: number;
  /** The first four bytes behind the headers, where there are as many. */
  readonly start: number | undefined;
  /** A part behind the first. */
  readonly isRest: boolean;
}

/**
 * The kernel of this namespace as a judge of IP packets: they come to it through a VXLAN device out of datagrams of ours, and an nft ruleset
 * notes of each source what it sees, before anything is put together or refused by a route.
 */
export class KernelJudge {
  readonly #socket: Socket;
  #sent = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Undefined where there is no nft or no VXLAN. */
  static async open(): Promise<KernelJudge | undefined> {
    await run("ip", ["link", "set", "lo", "up"]);
    const wrap = `link add ${DEVICE} type vxlan id ${NETWORK} dstport ${PORT} local 127.0.0.1 remote 127.0.0.1`;
    if ((await run("ip", wrap.split(" "))).status !== 0) return undefined;
    // It has nothing to say itself: what it sent would come back and be counted.
    const silent = ["addrgenmode", "none", "multicast", "off", "arp", "off"];
    await must("ip", ["link", "set", DEVICE, "address", "02:00:00:00:00:01", ...silent, "up"]);
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new KernelJudge(socket);
  }

  /** What the kernel sees of each packet, by its source; nothing of those that it refuses before any rule. Sources are told apart. */
  async views(packets: readonly Uint8Array[]): Promise<ReadonlyMap<string, KernelView>> {
    await must("nft", ["-f", "-"], { input: RULES });
    for (const packet of packets) await this.#send(packet);
    await waitFor("the device has them all", async () => (await this.#received()) >= this.#sent, { withinMs: 10_000 });
    const of = async (set: string) => [...(await elements(`${set}4`)), ...(await elements(`${set}6`))];
    const starts = new Map((await of("start")).map(({ source, start }) => [source, start]));
    const rests = new Set((await of("rest")).map(({ source }) => source));
    const seen = await of("seen");
    return new Map(
      seen.map(({ source, protocol }) => [source, { protocol, start: starts.get(source), isRest: rests.has(source) }]),
    );
  }

  async close(): Promise<void> {
    this.#socket.close();
    await must("ip", ["link", "delete", DEVICE]);
    await run("nft", ["delete", "table", "inet", "judge"]);
  }

  #send(packet: Uint8Array): Promise<void> {
    const header = new Uint8Array(8);
    header[0] = 8;
    writeUint32(header, 4, NETWORK << 8);
    const ethernet = new Uint8Array([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0]);
    writeUint16(ethernet, 12, (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800);
    this.#sent++;
    const datagram = concatBytes(header, ethernet, packet);
    return new Promise((resolve, reject) => {
      this.#socket.send(datagram, PORT, "127.0.0.1", (error) => (error ? reject(error) : resolve()));
    });
  }

  async #received(): Promise<number> {
    const [{ stats64 }] = JSON.parse(await must("ip", ["-json", "-s", "link", "show", DEVICE]));
    return stats64.rx.packets;
  }
}

const DEVICE = "wrap0";
const NETWORK = 7;
const PORT = 4789;

const set = (name: string, key: string): string => `set ${name} { typeof ${key}; size 262144; flags dynamic; }`;
const RULES = `
table inet judge
delete table inet judge
table inet judge {
  ${set("seen4", "ip saddr . meta l4proto")}
  ${set("seen6", "ip6 saddr . meta l4proto")}
  ${set("rest4", "ip saddr . meta l4proto")}
  ${set("rest6", "ip6 saddr . meta l4proto")}
  ${set("start4", "ip saddr . meta l4proto . @th,0,32")}
  ${set("start6", "ip6 saddr . meta l4proto . @th,0,32")}
  chain judge {
    type filter hook prerouting priority -400
    iifname != "${DEVICE}" accept
    add @seen4 { ip saddr . meta l4proto }
    add @seen6 { ip6 saddr . meta l4proto }
    ip frag-off & 0x1fff != 0 add @rest4 { ip saddr . meta l4proto }
    frag frag-off != 0 add @rest6 { ip6 saddr . meta l4proto }
    add @start4 { ip saddr . meta l4proto . @th,0,32 }
    add @start6 { ip6 saddr . meta l4proto . @th,0,32 }
  }
}
`;

interface Element {
  readonly source: string;
  readonly protocol: number;
  readonly start: number;
}

async function elements(name: string): Promise<readonly Element[]> {
  const listed = await must("nft", ["-nn", "list", "set", "inet", "judge", name], { timeoutMs: 60_000 });
  const found = listed.matchAll(/([0-9a-f:.]+) \. (\d+)(?: \. 0x([0-9a-f]+))?/g);
  return [...found].map(([, source = "", protocol, start = "0"]) => ({
    source,
    protocol: Number(protocol),
    start: Number.parseInt(start, 16),
  }));
}

/** The source of a packet as the judge names it. */
export function sourceOf(packet: Uint8Array): string {
  const isIpv6 = (packet[0] ?? 0) >> 4 === 6;
  return addressFromBytes(isIpv6 ? packet.subarray(8, 24) : packet.subarray(12, 16)) ?? "";
}

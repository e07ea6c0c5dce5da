import { afterAll, expect, test } from "vitest";
import { toHex, writeUint32 } from "../../src/core/base/bytes.ts";
import { IpProtocol } from "../../src/core/netip/ip-protocol.ts";
import { type InnerPacket, parseInnerPacket } from "../../src/core/wire/inner-packet.ts";
import { craftedPacket } from "../conformance/crafted-packet.ts";
import { dataPlanes } from "../conformance/data-planes.ts";
import { facts } from "../conformance/host.ts";
import { Seeded } from "../conformance/seeded.ts";
import type { Observed, Step } from "../conformance/step.ts";
import { KernelJudge, type KernelView, sourceOf } from "./kernel-judge.ts";
import { isInstalled } from "./lab/command.ts";

/** LACIS_PACKETS=2000000 looks further, LACIS_SEED=7 elsewhere. */
const PACKETS = Number(process.env["LACIS_PACKETS"] ?? 200_000);
const SEED = Number(process.env["LACIS_SEED"] ?? 1);
const ROUND = 20_000;

const judge = (await isInstalled("nft")) ? await KernelJudge.open() : undefined;
afterAll(() => judge?.close());

const SAME = "the same: protocol, ports, type of ICMP, and whether it is a part behind the first";
const REFUSED_BY_KERNEL = "stricter there: the kernel refuses it before any rule";
const REST_IS_EXTENSION =
  "a part behind the first that would begin with an extension header: no ports here, nothing at all for the kernel";
const PORTS_NOT_READ = "a protocol whose ports are not read here, if it has any: rules about ports do not mean it";
const BEHIND_AUTHENTICATION =
  "behind an authentication header of IPv6, which is read through here and ends the kernel's walk";

/** Where this host says something else of a packet than its kernel: less, but for the authentication header. */
const OTHERWISE: readonly string[] = [
  "bad-packet, and the kernel refuses it, too",
  "bad-fragment, and the kernel refuses it, too",
  "bad-packet: more than eight extension headers, two fragment headers, or a header or ports that are cut off",
  "bad-fragment: no bytes, uneven, beyond 65,535, or TCP without its whole header",
  REFUSED_BY_KERNEL,
  REST_IS_EXTENSION,
  PORTS_NOT_READ,
  BEHIND_AUTHENTICATION,
];

test.skipIf(!judge)(
  `scenario 54: ${PACKETS} crafted packets are what the kernel takes them for, or less${judge ? "" : " (needs nft and VXLAN)"}`,
  async () => {
    const random = new Seeded(SEED);
    const rows = new Map<string, number>();
    const wrong: string[] = [];
    for (let from = 0; from < PACKETS; from += ROUND) {
      const packets = Array.from({ length: Math.min(ROUND, PACKETS - from) }, () => craft(random));
      const views = await judge!.views(packets);
      for (const packet of packets) {
        const row = compared(parseInnerPacket(packet, "inbound"), views.get(sourceOf(packet)));
        if (row.startsWith("WRONG")) wrong.push(`${row}: ${toHex(packet)}`);
        rows.set(row, (rows.get(row) ?? 0) + 1);
      }
    }
    const table = [...rows].sort(([, a], [, b]) => b - a);
    console.log(table.map(([row, count]) => `${String(count).padStart(8)}  ${row}`).join("\n"));
    expect(wrong.slice(0, 10)).toEqual([]);
    expect([...rows.keys()].filter((row) => row !== SAME && !OTHERWISE.includes(row))).toEqual([]);
    expect(rows.get(SAME)).toBeGreaterThan(PACKETS / 3);
  },
  300_000,
);

const AUTHENTICATION = 51;

let serial = 0;

function craft(random: Seeded): Uint8Array {
  const isIpv6 = random.chance(50);
  const source = new Uint8Array(isIpv6 ? 16 : 4);
  serial++;
  writeUint32(source, isIpv6 ? 12 : 0, (isIpv6 ? 0 : 0x0a00_0000) + serial);
  if (isIpv6) source.set([0xfd, 0x99]);
  const destination = isIpv6
    ? new Uint8Array([0xfd, 0x77, ...new Array<number>(13).fill(0), 1])
    : new Uint8Array([198, 18, 0, 1]);
  for (;;) {
    const packet = craftedPacket(random, { source, destination });
    // What is cut off before its source ends cannot be told from others.
    if (packet.length >= (isIpv6 ? 40 : 20)) return packet;
  }
}

function compared(ours: ReturnType<typeof parseInnerPacket>, kernel: KernelView | undefined): string {
  if (!ours.ok) {
    if (!kernel) return `${ours.reason}, and the kernel refuses it, too`;
    return OTHERWISE.find((row) => row.startsWith(`${ours.reason}: `)) ?? "WRONG";
  }
  const { protocol, isRest, icmpIn, localPort, remotePort, family } = ours.value;
  if (!kernel) return isRest && isExtension(ours.value) ? REST_IS_EXTENSION : REFUSED_BY_KERNEL;
  if (kernel.isRest !== isRest)
    return `WRONG: the kernel takes it for ${kernel.isRest ? "a later part" : "no later part"}`;
  if (kernel.protocol !== protocol) {
    return family === 6 && kernel.protocol === AUTHENTICATION
      ? BEHIND_AUTHENTICATION
      : `WRONG protocol, not ${kernel.protocol}`;
  }
  if (isRest) return SAME;
  if (protocol === IpProtocol.tcp || protocol === IpProtocol.udp) {
    return kernel.start === remotePort * 65_536 + localPort ? SAME : `WRONG ports, not ${kernel.start}`;
  }
  if (protocol === (family === 4 ? IpProtocol.icmp : IpProtocol.icmpv6)) {
    const type = kernel.start === undefined ? icmpIn : kernel.start >>> 24;
    return type === icmpIn ? SAME : `WRONG type, not ${type}`;
  }
  return PORTS_NOT_READ;
}

/** Whether what follows the fragment header would be one more header. */
function isExtension({ family, protocol }: InnerPacket): boolean {
  return family === 6 && [0, 43, 44, 51, 60].includes(protocol);
}

const native = dataPlanes.find(({ name }) => name === "native")?.open;

test.skipIf(!native)(
  `the native data plane reads crafted packets as the reference does${native ? "" : " (native: not built)"}`,
  async () => {
    const random = new Seeded(SEED);
    const plane = native!();
    try {
      await plane.apply([{ do: "command", command: facts() }]);
      for (let from = 0; from < PACKETS / 4; from += ROUND) {
        const packets = Array.from({ length: Math.min(ROUND, PACKETS / 4 - from) }, () => craft(random));
        // Each drop is told of when there are five a second.
        const steps = packets.flatMap((packet, at): Step[] => [
          { do: "advance", to: 1_000_000 + 200 * (from + at) },
          { do: "tun", packet },
        ]);
        const observed = await plane.apply(steps);
        for (const [at, packet] of packets.entries()) {
          const parsed = parseInnerPacket(packet, "outbound");
          const expected = parsed.ok ? flowOf(parsed.value) : parsed.reason;
          if (read(observed[2 * at + 1]) !== expected) expect(read(observed[2 * at + 1]), toHex(packet)).toBe(expected);
        }
      }
    } finally {
      await plane.close();
    }
  },
  300_000,
);

/** Before there is a route every packet is dropped for that, with its flow. */
function read(observed: readonly Observed[] = []): string {
  const [sample] = observed;
  if (sample?.out !== "event") return "nothing";
  const { reason, protocol, localPort, remotePort } = sample.event;
  if (reason === "bad-packet" || reason === "bad-fragment") return reason;
  return flowOf({ protocol: Number(protocol), localPort: Number(localPort), remotePort: Number(remotePort) });
}

function flowOf({
  protocol,
  localPort,
  remotePort,
}: Pick<InnerPacket, "protocol" | "localPort" | "remotePort">): string {
  return `${protocol} ${localPort} ${remotePort}`;
}

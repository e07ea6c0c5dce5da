import { keepApart } from "../test/netns/lab/apart.ts";
import { Authority } from "../test/netns/lab/certificates.ts";
import { isInstalled } from "../test/netns/lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../test/netns/lab/implementation.ts";
import { Mesh } from "../test/netns/lab/mesh.ts";
import { median, option } from "./pairing.ts";

/** What is wanted of our relay, in that of Nebula 1.11. */
const WANTED = 2;
/** And by itself: packets that arrive in a second, of so many bytes each, of as many as are offered. */
const PACKETS_WANTED = 50_000;
const PACKET_BYTES = 200;
const PACKETS_OFFERED = 80_000;

/**
 * One TCP stream between two hosts that only find each other through a relay: ours beside that of Nebula 1.11, between the same ends, on four
 * machines (namespaces).
 *
 *     scripts/lab node dist/bench/relayed.js [--seconds N] [--rounds N] [--cipher aes|chachapoly] [--ends nebula] [--packets]
 *
 * The relays take turns in every round, so that a machine that slows down slows both. Exit status 1 when our median is below twice that of
 * Nebula; 3 when something that is needed is missing. `--packets`: small UDP packets instead, and how many of them come through our relay in a second; exit
 * status 1 when that is below 50,000.
 */
async function main(): Promise<number> {
  const seconds = Number(option("--seconds") ?? "5");
  const rounds = Number(option("--rounds") ?? "3");
  const cipher = option("--cipher") === "chachapoly" ? "chachapoly" : "aes";
  const released = await findNebula("1.11");
  if (!(await isInstalled("iperf3")) || released === undefined) {
    console.error("relayed: iperf3 or Nebula 1.11 is missing - install iperf3 and run scripts/fetch-peers");
    return 3;
  }
  const ends = option("--ends") === "nebula" ? released : LACIS;
  if (process.argv.includes("--packets"))
    return reportPackets({ relay: LACIS, ends, certificates: released, seconds, cipher, label: "packets" }, rounds);
  const relays = [LACIS, released];
  const rates = new Map<Implementation, number[]>(relays.map((one) => [one, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const relay of relays) {
      const label = `r${round}-${relays.indexOf(relay)}`;
      const { sum_received } = await measure({ relay, ends, certificates: released, seconds, cipher, label });
      const rate = sum_received.bits_per_second;
      rates.get(relay)!.push(rate);
      console.error(`round ${round}/${rounds}  ${relay.name.padEnd(14)} ${gigabits(rate)} Gbit/s`);
    }
  }
  const [ours, theirs] = relays.map((relay) => median(rates.get(relay)!)) as [number, number];
  console.log(`\nOne TCP stream through a relay, ends: ${ends.name}, overlay MTU 1300, ${cipher}, cubic\n`);
  for (const [relay, measured] of rates)
    console.log(
      `${relay.name.padEnd(14)}  ${gigabits(median(measured))} Gbit/s   (${measured.map(gigabits).join("  ")})`,
    );
  const times = ours / theirs;
  console.log(`\n${times >= WANTED ? "ok" : "FAIL"}: ${times.toFixed(2)} times ${released.name} as the relay`);
  return times >= WANTED ? 0 : 1;
}

interface Setup {
  readonly relay: Implementation;
  readonly ends: Implementation;
  readonly certificates: Implementation;
  readonly seconds: number;
  readonly cipher: "aes" | "chachapoly";
  readonly label: string;
}

async function reportPackets(setup: Setup, rounds: number): Promise<number> {
  const counts: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const each = ["-u", "-l", String(PACKET_BYTES), "-b", String(PACKETS_OFFERED * PACKET_BYTES * 8)];
    const { sum } = await measure({ ...setup, label: `packets${round}` }, each);
    counts.push(Math.round((sum.packets - sum.lost_packets) / sum.seconds));
    console.error(`round ${round}/${rounds}  ${counts.at(-1)} packets/s`);
  }
  const times = median(counts) >= PACKETS_WANTED ? "ok" : "FAIL";
  console.log(
    `\nUDP packets of ${PACKET_BYTES} bytes through a relay, ${PACKETS_OFFERED} offered in a second, ends: ${setup.ends.name}`,
  );
  console.log(`${times}: ${Math.round(median(counts))} packets/s (${counts.join("  ")}), wanted ${PACKETS_WANTED}`);
  return times === "ok" ? 0 : 1;
}

/** What iperf3 tells at the end: of TCP the receiver's rate, of UDP packets too. */
interface Measured {
  readonly sum_received: { readonly bits_per_second: number };
  readonly sum: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
}

const TCP = ["-C", "cubic"];

/** Sets up a fresh mesh and returns what the receiver counted. */
async function measure(
  { relay, ends, certificates, seconds, cipher, label }: Setup,
  how: readonly string[] = TCP,
): Promise<Measured> {
  const authority = await Authority.create(certificates.certificates, `/run/lab/${label}/authority`, new Set([1]));
  const mesh = await Mesh.create(label, {
    authority,
    cipher,
    versions: [1],
    hosts: [
      { name: "lighthouse", implementation: LACIS },
      { name: "relay", implementation: relay, config: { more: { relay: { am_relay: true, use_relays: false } } } },
      {
        name: "server",
        implementation: ends,
        config: { more: { relay: { relays: ["10.77.0.2"], use_relays: true } } },
      },
      { name: "client", implementation: ends, config: { more: { relay: { use_relays: true } } } },
    ],
  });
  try {
    const [server, client] = [mesh.host("server"), mesh.host("client")];
    await keepApart(server, client);
    await mesh.startAll();
    const listening = server.machine.start("iperf3", "iperf3", ["-s", "-B", server.overlay4]);
    await listening.becomes("it listens", () => server.machine.hasTcpListener(5201));
    // Until the way through the relay stands, packets wait for it: not part of the measurement.
    await listening.becomes("they find each other", async () => {
      const ping = await client.machine.run("ping", ["-c", "1", "-W", "1", server.overlay4]);
      return ping.status === 0;
    });
    const stream = ["-c", server.overlay4, ...how, "--connect-timeout", "9000"];
    await client.machine.must("iperf3", [...stream, "-t", "1"], { timeoutMs: 20_000 });
    const args = [...stream, "-t", String(seconds), "-J"];
    const result: { end: Measured } = JSON.parse(
      await client.machine.must("iperf3", args, { timeoutMs: seconds * 1000 + 20_000 }),
    );
    return result.end;
  } finally {
    await mesh.close();
  }
}

function gigabits(bitsPerSecond: number): string {
  return (bitsPerSecond / 1e9).toFixed(2);
}

process.exitCode = await main();

import { Authority } from "../test/netns/lab/certificates.ts";
import { isInstalled } from "../test/netns/lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../test/netns/lab/implementation.ts";
import { Mesh } from "../test/netns/lab/mesh.ts";
import { median, option, pairedBuilds } from "./pairing.ts";

/**
 * One TCP stream through the mesh, ours beside the released Nebula, on two machines (namespaces) joined by a veth pair.
 *
 *     scripts/lab node dist/bench/throughput.js [--seconds N] [--rounds N] [--cipher aes|chachapoly] [--against FOLDER]
 *
 * The implementations take turns in every round, so that a machine that slows down slows all of them. Exit status 1 when our
 * median is below that of Nebula 1.11; 3 when something that is needed is missing.
 */
async function main(): Promise<number> {
  const seconds = Number(option("--seconds") ?? "5");
  const rounds = Number(option("--rounds") ?? "3");
  const cipher = option("--cipher") === "chachapoly" ? "chachapoly" : "aes";
  const released = await findNebula("1.11");
  if (!(await isInstalled("iperf3")) || released === undefined) {
    console.error("throughput: iperf3 or Nebula 1.11 is missing - install iperf3 and run scripts/fetch-peers");
    return 3;
  }
  const older = await findNebula("1.6");
  const contenders: readonly Implementation[] = [...pairedBuilds(), released, ...(older ? [older] : [])];
  const rates = new Map<Implementation, number[]>(contenders.map((one) => [one, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      const rate = await measure(contender, released, {
        seconds,
        cipher,
        label: `r${round}-${contenders.indexOf(contender)}`,
      });
      rates.get(contender)!.push(rate);
      console.error(`round ${round}/${rounds}  ${contender.name.padEnd(14)} ${gigabits(rate)} Gbit/s`);
    }
  }
  return report(rates, released, cipher);
}

/** Sets up a fresh mesh and returns what the receiver counted, in bit/s. */
async function measure(
  implementation: Implementation,
  certificates: Implementation,
  options: { readonly seconds: number; readonly cipher: "aes" | "chachapoly"; readonly label: string },
): Promise<number> {
  const authority = await Authority.create(
    certificates.certificates,
    `/run/lab/${options.label}/authority`,
    new Set([1]),
  );
  const mesh = await Mesh.create(options.label, {
    authority,
    cipher: options.cipher,
    versions: [1],
    hosts: [
      { name: "lighthouse", implementation },
      { name: "server", implementation },
      { name: "client", implementation },
    ],
  });
  try {
    await mesh.startAll();
    const server = mesh.host("server");
    const client = mesh.host("client");
    const listening = server.machine.start("iperf3", "iperf3", ["-s", "-B", server.overlay4]);
    await listening.becomes("it listens", () => server.machine.hasTcpListener(5201));
    // Until the tunnel stands, the first packets wait for the handshake: not part of the measurement.
    const warmup = ["-c", server.overlay4, "-C", "cubic", "-t", "1", "--connect-timeout", "9000"];
    await client.machine.must("iperf3", warmup, { timeoutMs: 20_000 });
    const args = ["-c", server.overlay4, "-C", "cubic", "-t", String(options.seconds), "-J"];
    const result: { end: { sum_received: { bits_per_second: number } } } = JSON.parse(
      await client.machine.must("iperf3", args, { timeoutMs: options.seconds * 1000 + 20_000 }),
    );
    return result.end.sum_received.bits_per_second;
  } finally {
    await mesh.close();
  }
}

function report(rates: ReadonlyMap<Implementation, number[]>, released: Implementation, cipher: string): number {
  const base = median(rates.get(released)!);
  console.log(`\nOne TCP stream, overlay MTU 1300, ${cipher}, cubic\n`);
  console.log(`${"".padEnd(14)}  median  rounds (Gbit/s)${" ".repeat(10)}against ${released.name}`);
  for (const [contender, measured] of rates) {
    const all = measured.map(gigabits).join("  ").padEnd(24);
    console.log(
      `${contender.name.padEnd(14)}  ${gigabits(median(measured))}    ${all} ${(median(measured) / base).toFixed(2)}x`,
    );
  }
  const reached = median(rates.get(LACIS)!) >= base;
  console.log(reached ? "\nok: not below the released Nebula" : "\nFAIL: below the released Nebula");
  return reached ? 0 : 1;
}

function gigabits(bitsPerSecond: number): string {
  return (bitsPerSecond / 1e9).toFixed(2);
}

process.exitCode = await main();

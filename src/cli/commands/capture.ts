import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { CaptureReport, PacketReport } from "../../admin/capture/capture-verb.ts";
import { followDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { parseDurationMs } from "../../core/config/parse/scalar.ts";
import { DropReason } from "../../core/drop-reason.ts";
import { verdictReason } from "../../core/firewall/verdict-reason.ts";
import { ExitCode, OperatorError, systemCode } from "../../runtime/operator-error.ts";
import { packageVersion } from "../../runtime/package-root.ts";
import { systemWords } from "../../runtime/system-words.ts";
import { complain, sayJson } from "../output.ts";
import { fileHeader, packetBlock, statisticsBlock } from "../pcapng.ts";
import { reportFailure } from "../report-failure.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const MEGABYTE = 1_000_000;
const MEGABYTES = 100;
const FIRST_MS = 10_000;
const STANDARD_OUTPUT = 1;

interface CaptureOptions extends TargetOptions {
  readonly output: string;
  readonly denied?: true;
  readonly count?: number;
  readonly for?: number;
  readonly snap: number;
  readonly megabytes: number;
  readonly json?: true;
}

/** `lacis capture`: packets of the overlay with their verdicts, for Wireshark and the like. */
export function captureCommand(): Command {
  return withTarget(new Command("capture"))
    .description("Write packets of the overlay with their verdicts to a pcapng file, which tshark and Wireshark read.")
    .argument("[filter...]", "which packets: host db1 and tcp port 5432, denied and not icmp, src net 10.77.0.0/24")
    .requiredOption("-o, --output <file>", "the file; - for standard output")
    .option("--denied", "only what is refused")
    .option("-n, --count <n>", "end after so many packets", whole(1, 1_000_000_000))
    .option("--for <time>", "end after so long, 30s or 5m", time)
    .option("--snap <bytes>", "so many bytes of each packet at most; 0: all", whole(0, 65_535), 0)
    .option("--megabytes <n>", "end when the file is so large", whole(1, 1_000_000), MEGABYTES)
    .option("--json", "print at the end what was written, as JSON")
    .addHelpText(
      "after",
      `
Packets are seen inside the tunnel, as programs sent them, whether rules let them through or not; each has its verdict and its peer as a comment.
A filter is made of: host NAME or ADDRESS, net NETWORK, port N or N-M, each after src or dst if need be; tcp, udp, icmp, proto N; in, out; denied,
allowed; and, or, not, and parentheses. Only the owner of the daemon may look, and one at a time. Captured packets cost throughput.
Exit code 0 when it ended as it was meant to, by Ctrl-C too; 1 when the disk was full: what is there is a whole file.

Example:  sudo lacis capture host db1 and tcp port 5432 -o db1.pcapng --for 30s`,
    )
    .action(async (words: readonly string[], options: CaptureOptions) => {
      const filter = words.join(" ");
      const wanted = options.denied ? (filter === "" ? "denied" : `denied and (${filter})`) : filter;
      await capture(wanted, options);
    });
}

async function capture(filter: string, options: CaptureOptions): Promise<void> {
  const file = new CaptureFile(options);
  const socket = adminSocket(options, true);
  const end = new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
    if (options.for !== undefined) setTimeout(resolve, options.for);
    file.whenFull = resolve;
  });
  const heard = (result: unknown): void => file.take(result as CaptureReport);
  const following = followDaemon(
    socket,
    { verb: "capture", filter, snapBytes: options.snap },
    { heard, lost: (count) => file.miss(count) },
    FIRST_MS,
  );
  // What it was until then is a whole file, however it ends.
  await Promise.race([end, following]).finally(() => file.close());
  const { packets, bytes, lost, failure } = file;
  if (options.json)
    sayJson({ schema: ADMIN_SCHEMA, file: options.output, packets, bytes, lost, complete: failure === undefined });
  else
    complain(
      `lacis: ${packets} packets, ${bytes} bytes in ${options.output}${lost > 0 ? `; ${lost} more came too fast` : ""}`,
    );
  // The daemon goes on telling: this program does not wait for an end of that.
  process.exit(failure ? reportFailure(failure, process.argv.slice(2)) : ExitCode.ok);
}

/** A pcapng file as it grows. */
class CaptureFile {
  readonly #options: CaptureOptions;
  #descriptor: number | undefined;
  packets = 0;
  bytes = 0;
  lost = 0;
  failure: OperatorError | undefined;
  whenFull: () => void = () => {};

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  take({ packets, lost }: CaptureReport): void {
    const { count = Number.POSITIVE_INFINITY, megabytes, output, snap } = this.#options;
    this.lost += lost;
    if (this.#descriptor === undefined && !this.failure) {
      this.#open(output);
      this.#write(fileHeader(`lacis ${packageVersion()}`, "overlay", snap));
    }
    for (const packet of packets) {
      const block = packetBlock(packet, verdictOf(packet));
      if (this.failure || this.packets >= count || this.bytes + block.length > megabytes * MEGABYTE) break;
      if (this.#write(block)) this.packets++;
    }
    if (this.failure || this.packets >= count || this.bytes > megabytes * MEGABYTE * 0.999) this.whenFull();
  }

  miss(count: number): void {
    this.lost += count;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    if (!this.failure) this.#write(statisticsBlock(this.lost, Date.now()));
    if (this.#descriptor !== STANDARD_OUTPUT) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(path: string): void {
    try {
      this.#descriptor = path === "-" ? STANDARD_OUTPUT : openSync(path, "w", 0o600);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** All of a block or nothing: what the disk took of one is given back. */
  #write(block: Buffer): boolean {
    if (this.#descriptor === undefined || this.failure) return false;
    try {
      for (let written = 0; written < block.length; ) written += writeSync(this.#descriptor, block, written);
      this.bytes += block.length;
      return true;
    } catch (error) {
      this.#fail(error);
      if (this.#descriptor !== STANDARD_OUTPUT) this.#giveBack(this.#descriptor);
      return false;
    }
  }

  #giveBack(descriptor: number): void {
    try {
      ftruncateSync(descriptor, this.bytes);
    } catch {
      // A pipe cannot be shortened: whoever reads it sees that it broke off.
    }
  }

  #fail(error: unknown): void {
    const { output } = this.#options;
    const code = systemCode(error);
    const todo =
      code === "ENOSPC" ? "make room there; what was written is a whole file" : "write it somewhere else: -o FILE";
    const why = systemWords(error);
    this.failure = new OperatorError("capture-not-written", { what: `cannot write to ${output}`, why, todo });
    this.whenFull();
  }
}

function verdictOf({ refused, peer, inbound }: PacketReport): string {
  const whose = peer === null ? "" : inbound ? ` from ${peer}` : ` to ${peer}`;
  if (refused === null) return `allowed${whose}`;
  const reason = Object.values(DropReason).find((known) => known === refused) ?? DropReason.other;
  return `denied ${verdictReason(reason)} (${refused})${whose}`;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`${least} to ${most} are possible.`);
  };
}

function time(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 100 && ms <= 86_400_000) return ms;
  throw new InvalidArgumentError("0.1s to 24h are possible.");
}

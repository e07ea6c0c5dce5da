import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

/** What a figure depends on besides the programs. */
export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** What ciphers and copies run on. */
  readonly flags: readonly string[];
  /** What the kernel does against faults of the processor. */
  readonly mitigations: Readonly<Record<string, string>>;
  readonly congestionControl: string;
  readonly node: string;
  /** How many programs wanted to run in the minute before. */
  readonly loadAverage: number;
}

const TELLING = ["aes", "pclmulqdq", "avx2", "vaes", "vpclmulqdq", "avx512f", "avx512bw", "asimd", "pmull", "sve2"];
const MITIGATIONS = "/sys/devices/system/cpu/vulnerabilities";

export function readMachineFacts(): MachineFacts {
  const { family, model, flags } = parseCpuInfo(readFileSync("/proc/cpuinfo", "utf8"));
  const name = cpus()[0]?.model.trim() ?? "unknown";
  return {
    processor: family === "" ? name : `${name} (family ${family}, model ${model})`,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    flags: TELLING.filter((flag) => flags.has(flag)),
    mitigations: readMitigations(),
    congestionControl: "cubic",
    node: process.version,
    loadAverage: loadavg()[0]!,
  };
}

export function parseCpuInfo(text: string): {
  readonly family: string;
  readonly model: string;
  readonly flags: ReadonlySet<string>;
} {
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(text)?.[1] ?? "";
  return { family: field("cpu family"), model: field("model"), flags: new Set(field("(?:flags|Features)").split(" ")) };
}

function readMitigations(): Record<string, string> {
  if (!existsSync(MITIGATIONS)) return {};
  const all = readdirSync(MITIGATIONS).map((name) => [name, readFileSync(`${MITIGATIONS}/${name}`, "utf8").trim()]);
  return Object.fromEntries(all.filter(([, state]) => state !== "Not affected"));
}

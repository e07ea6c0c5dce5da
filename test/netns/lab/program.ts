import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import { PROJECT } from "./implementation.ts";
import type { Machine } from "./network.ts";

/** The small programs in `programs/`: ordinary network programs that know nothing of a mesh. */
export type Program =
  | "probe"
  | "tcp-echo"
  | "tcp-talk"
  | "tcp-transfer"
  | "tcp-pauses"
  | "tcp-pour"
  | "udp-name"
  | "udp-echo"
  | "udp-answer"
  | "udp-ask"
  | "udp-flows"
  | "udp-stream"
  | "udp-beat"
  | "udp-throw"
  | "udp-relay"
  | "udp-cone"
  | "udp-open"
  | "nat-observer"
  | "nat-classify"
  | "dns-ask"
  | "dns-answer"
  | "garbage"
  | "admin-liar";

/** The command that runs a program; they are built like everything else. */
export function program(name: Program, ...args: readonly (string | number)[]): [string, string[]] {
  return [process.execPath, [join(PROJECT, "dist/test/netns/lab/programs", `${name}.js`), ...args.map(String)]];
}

/** Starts a program that listens on a port and waits until it does. */
export async function serve(
  machine: Machine,
  name: "dns-answer" | "tcp-echo" | "tcp-pauses" | "udp-echo" | "udp-answer" | "udp-name" | "udp-relay",
  port: number,
  ...args: readonly (string | number)[]
): Promise<Daemon> {
  const daemon = machine.start(`${name}-${port}`, ...program(name, port, ...args));
  await daemon.becomes("it listens", () =>
    name.startsWith("tcp-") ? machine.hasTcpListener(port) : machine.hasUdpPort(port),
  );
  return daemon;
}

/** What `udp-flows` prints of one flow: who answered, in order, and when first and last (Unix milliseconds). */
export interface FlowReport {
  readonly answers: readonly { readonly who: string; readonly firstAt: number; readonly lastAt: number }[];
  readonly longestGapMs: number;
}

/** Runs `udp-flows` to its end. */
export async function runFlows(
  machine: Machine,
  to: { readonly address: string; readonly port: number; readonly flows: number; readonly seconds: number },
): Promise<readonly FlowReport[]> {
  const command = program("udp-flows", to.address, to.port, to.flows, to.seconds);
  return JSON.parse(await machine.must(...command, { timeoutMs: to.seconds * 1000 + 15_000 }));
}

/** What `udp-stream` prints. */
export interface StreamReport {
  readonly sent: number;
  readonly lost: readonly number[];
  /** Answered after a later one. */
  readonly late: readonly number[];
  readonly longestGapMs: number;
}

/** Runs `udp-stream` to its end. */
export async function stream(
  machine: Machine,
  to: { readonly address: string; readonly port: number; readonly perSecond: number; readonly seconds: number },
): Promise<StreamReport> {
  const command = program("udp-stream", to.address, to.port, to.perSecond, to.seconds);
  return JSON.parse(await machine.must(...command, { timeoutMs: to.seconds * 1000 + 15_000 }));
}

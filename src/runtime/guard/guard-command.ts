import { type ExecFileException, execFile } from "node:child_process";
import { brokerSocket, throughBroker } from "../broker.ts";
import { findDataPlaneBinary } from "../dataplane/native/native-process.ts";
import { EXIT_USAGE } from "../native-watch.ts";
import { OperatorError } from "../operator-error.ts";

/** What `lacis-dataplane guard` says about one half of a guard. Missing what it does not say. */
export interface GuardedPart {
  /** Routes or rules that stood before. */
  readonly before: number;
  /** Those that stand now. */
  readonly standing: number;
  /** Those that had to be added or removed. */
  readonly changed: number;
  readonly droppedPackets: number;
  /** Why it is not as it should be. */
  readonly failure: string | undefined;
}

export interface GuardReport {
  /** Against packets that leave. */
  readonly routes: GuardedPart;
  /** Against packets that come. */
  readonly filter: GuardedPart;
  /** Routes of others that take addresses of the overlay elsewhere, as far as they are named. */
  readonly shadows: readonly Shadow[];
}

export interface Shadow {
  readonly prefix: string;
  readonly device: string;
}

/** It takes a few milliseconds; one that hangs must not hold up the start. */
const COMMAND_MS = 3_000;

/** Runs `lacis-dataplane guard` with these arguments. What goes wrong stands in the report. */
export async function runGuard(args: readonly string[]): Promise<GuardReport> {
  let binary: string;
  try {
    binary = findDataPlaneBinary();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return failed(error.complaint.why);
  }
  return new Promise((resolve) => {
    const options = { cwd: "/", env: {}, timeout: COMMAND_MS, killSignal: "SIGKILL" } as const;
    execFile(binary, throughBroker(["guard", ...args]), options, (error, stdout, stderr) => {
      // A guard of which a part failed ends with an error, and says in its report which.
      resolve(readReport(stdout) ?? failed(reasonIn(stderr, error) ?? `${binary} ${silence(error)}`));
    });
  });
}

/** What the broker says that did not do it: everything else is said in a report. */
function reasonIn(stderr: string, error: ExecFileException | null): string | undefined {
  const [line = ""] = stderr.trim().split("\n");
  return brokerSocket() === undefined || error?.killed || line === ""
    ? undefined
    : line.replace("lacis-dataplane: ", "");
}

function silence(error: ExecFileException | null): string {
  if (error?.killed) return `did not set it within ${COMMAND_MS / 1000} s`;
  if (error?.code === EXIT_USAGE) return "knows no guard: it is of an earlier release";
  return error ? `ended with ${error.signal ?? error.code}` : "did not say what it did";
}

function failed(why: string): GuardReport {
  const nothing = { before: 0, standing: 0, changed: 0, droppedPackets: 0, failure: why };
  return { routes: nothing, filter: nothing, shadows: [] };
}

/** Undefined when this is none. */
export function readReport(text: string): GuardReport | undefined {
  try {
    const report: unknown = JSON.parse(text);
    const routes = readPart(memberOf(report, "routes"));
    const filter = readPart(memberOf(report, "filter"));
    return routes && filter && { routes, filter, shadows: readShadows(memberOf(report, "shadows")) };
  } catch {
    return undefined;
  }
}

function readPart(part: unknown): GuardedPart | undefined {
  if (typeof part !== "object" || part === null) return undefined;
  const number = (name: string): number => {
    const value = memberOf(part, name);
    return typeof value === "number" ? value : 0;
  };
  const why = memberOf(memberOf(part, "failure"), "text");
  return {
    before: number("before"),
    standing: number("standing"),
    changed: number("changed"),
    droppedPackets: number("droppedPackets"),
    failure: typeof why === "string" ? why : undefined,
  };
}

function readShadows(shadows: unknown): readonly Shadow[] {
  if (!Array.isArray(shadows)) return [];
  return shadows.map((shadow: unknown) => ({
    prefix: String(memberOf(shadow, "prefix")),
    device: String(memberOf(shadow, "device")),
  }));
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

import { spawnSync } from "node:child_process";
import { formatPrefix } from "../../core/netip/prefix.ts";
import type { SystemRoutes } from "../../core/route/system-routes.ts";
import { throughBroker } from "../broker.ts";
import { findDataPlaneBinary } from "../dataplane/native/native-process.ts";
import { EXIT_USAGE } from "../native-watch.ts";
import { OperatorError } from "../operator-error.ts";

/** What `lacis-dataplane routes` says. */
export interface RoutesReport {
  readonly standing: number;
  /** Those that had to be added, removed or changed. */
  readonly changed: number;
  /** What others had done to the device and was put right: "down", "mtu", or an address that was missing. */
  readonly repairs: readonly string[];
  readonly failures: readonly RouteFailure[];
}

export interface RouteFailure {
  /** Undefined when it is about all of them. */
  readonly prefix: string | undefined;
  /** "taken": somebody else's route is in the way; "no-such-device"; "address-missing": the device cannot have it. */
  readonly code: string;
  readonly why: string;
}

/** An order to the system. `allOrNothing`: what is refused leaves everything as it was. */
export type RoutesOrder =
  | { readonly kind: "set"; readonly device: string; readonly wanted: SystemRoutes; readonly allOrNothing: boolean }
  | { readonly kind: "clear"; readonly device: string };

/** It takes a few milliseconds; one that hangs must not hold up the host. */
const COMMAND_MS = 3_000;

/** Carries an order out. It is waited for: a reload is over, or refused, when it returns. */
export function runRoutes(order: RoutesOrder): RoutesReport {
  let binary: string;
  try {
    binary = findDataPlaneBinary();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return failed("no-program", error.complaint.why);
  }
  const options = { cwd: "/", env: {}, timeout: COMMAND_MS, killSignal: "SIGKILL", input: linesOf(order) } as const;
  const run = (args: readonly string[]) =>
    spawnSync(binary, throughBroker(["routes", ...args]), { ...options, encoding: "utf8" });
  const wish = [...argumentsOf(order), ...addressesOf(order)];
  const first = run(wish);
  // An earlier release looks after routes alone.
  const { stdout, error, status, signal } = first.status === EXIT_USAGE ? run(argumentsOf(order)) : first;
  const why = error?.message ?? `ended with ${signal ?? status}`;
  return readReport(stdout ?? "") ?? failed("system", `${binary} routes: ${why}`);
}

function argumentsOf(order: RoutesOrder): readonly string[] {
  if (order.kind === "clear") return ["clear", "--device", order.device];
  const { device, wanted, allOrNothing } = order;
  return ["set", "--device", device, "--mtu", `${wanted.mtu}`, ...(allOrNothing ? ["--all-or-nothing"] : [])];
}

function addressesOf(order: RoutesOrder): readonly string[] {
  return order.kind === "clear" ? [] : order.wanted.addresses.flatMap((each) => ["--address", formatPrefix(each)]);
}

function linesOf(order: RoutesOrder): string {
  if (order.kind === "clear") return "";
  const { connected, routes } = order.wanted;
  return [
    ...connected.map(({ prefix, mtu }) => `${formatPrefix(prefix)} connected ${mtu}\n`),
    ...routes.map(({ prefix, metric, mtu }) => `${formatPrefix(prefix)} ${metric} ${mtu}\n`),
  ].join("");
}

function failed(code: string, why: string): RoutesReport {
  return { standing: 0, changed: 0, repairs: [], failures: [{ prefix: undefined, code, why }] };
}

/** Undefined when this is none. */
export function readReport(text: string): RoutesReport | undefined {
  try {
    const report: unknown = JSON.parse(text);
    const failures = memberOf(report, "failures");
    if (!Array.isArray(failures)) return undefined;
    const repairs = memberOf(report, "repairs");
    const number = (name: string): number => Number(memberOf(report, name));
    return {
      standing: number("standing"),
      changed: number("changed"),
      repairs: Array.isArray(repairs) ? repairs.map(String) : [],
      failures: failures.map(readFailure),
    };
  } catch {
    return undefined;
  }
}

function readFailure(entry: unknown): RouteFailure {
  const prefix = memberOf(entry, "prefix");
  const failure = memberOf(entry, "failure");
  return {
    prefix: typeof prefix === "string" ? prefix : undefined,
    code: String(memberOf(failure, "code")),
    why: String(memberOf(failure, "text")),
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

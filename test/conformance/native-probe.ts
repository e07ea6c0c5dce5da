import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toHex } from "../../src/core/base/bytes.ts";
import { CONTRACT_VERSIONS } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Route } from "../../src/core/route/route.ts";
import {
  type DataPlaneReport,
  type DataPlaneRequest,
  decodeFromDataPlane,
  encodeToDataPlane,
  FrameReader,
} from "../../src/runtime/dataplane/contract/codec.ts";
import { joinedFlows, observedEvent, observedFlows, observedSample, observedSnapshot } from "./observed.ts";
import type { DataPlaneProbe, Observed, Step } from "./step.ts";

/** The native data plane's binary, or undefined when none has been built. */
export function nativeBinary(): string | undefined {
  const built = ["release", "debug"].map((profile) =>
    fileURLToPath(new URL(`../../native/target/${profile}/lacis-dataplane`, import.meta.url)),
  );
  return [process.env["LACIS_DATAPLANE"], ...built].find((path) => path !== undefined && existsSync(path));
}

/** `lacis-dataplane --memory`: the native data plane, with packets instead of devices. */
export class NativeProbe implements DataPlaneProbe {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<bigint, (reports: readonly DataPlaneReport[] | Error) => void>();
  #reports: DataPlaneReport[] = [];
  #lastId = 0n;
  #complaint = "";

  constructor(binary: string) {
    this.#child = spawn(binary, ["--memory"]);
    this.#child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#complaint += chunk.toString();
    });
    this.#child.stdin.on("error", () => {});
    this.#child.on("close", (code) => this.#fail(`it ended with ${code}: ${this.#complaint}`));
    void this.#ask({ kind: "hello", ...CONTRACT_VERSIONS }).catch(() => {});
  }

  /** All steps are sent at once: they are answered in order. */
  async apply(steps: readonly Step[]): Promise<readonly (readonly Observed[])[]> {
    return Promise.all(steps.map(async (step) => observe(await this.#ask(requestOf(step)))));
  }

  /** For each address the route that decides. */
  async lookUpRoutes(addresses: readonly IpAddress[]): Promise<readonly (Route | undefined)[]> {
    const [report] = await this.#ask({ kind: "look-up-routes", addresses });
    if (report?.kind !== "result" || report.value?.kind !== "routes-looked-up") throw new Error("no routes");
    return report.value.routes;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "close");
    this.#child.stdin.end();
    await ended;
  }

  #ask(request: DataPlaneRequest): Promise<readonly DataPlaneReport[]> {
    const id = ++this.#lastId;
    const frames = encodeToDataPlane(id, request);
    if (!frames.ok) throw new Error(frames.reason);
    for (const frame of frames.value) this.#child.stdin.write(frame);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reports) => (reports instanceof Error ? reject(reports) : resolve(reports)));
    });
  }

  #read(chunk: Buffer): void {
    const messages = this.#frames.push(new Uint8Array(chunk));
    if (!messages.ok) this.#fail(messages.reason);
    else for (const message of messages.value) this.#take(message);
  }

  #take(message: Uint8Array): void {
    const report = decodeFromDataPlane(message);
    if (!report.ok) this.#fail(report.reason);
    else if (!report.value) this.#fail("an event that nobody knows");
    else if (report.value.kind === "quiet") this.#settle(report.value.requestId, this.#takeReports());
    else this.#reports.push(report.value);
  }

  #takeReports(): readonly DataPlaneReport[] {
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  #settle(id: bigint, reports: readonly DataPlaneReport[] | Error): void {
    this.#waiting.get(id)?.(reports);
    this.#waiting.delete(id);
  }

  #fail(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, new Error(`lacis-dataplane --memory: ${reason}`));
  }
}

function requestOf(step: Step): DataPlaneRequest {
  switch (step.do) {
    case "command":
      return step.command;
    case "tun":
      return { kind: "inject-tun", packet: step.packet };
    case "udp":
      return { kind: "inject-udp", source: step.source, datagram: step.datagram };
    case "advance":
      return { kind: "advance", nowMs: BigInt(step.to) };
    case "snapshot":
      return { kind: "hello", ...CONTRACT_VERSIONS };
  }
}

/** Every request but hello has one result, and it comes last. */
function observe(reports: readonly DataPlaneReport[]): readonly Observed[] {
  if (reports.length > 0 && reports.every((report) => report.kind === "ready"))
    return [
      observedSnapshot(
        reports.flatMap(({ snapshot }) => snapshot.sessions),
        reports.flatMap(({ snapshot }) => snapshot.relays),
      ),
    ];
  if (reports.findIndex(({ kind }) => kind === "result") !== reports.length - 1)
    throw new Error(`not one result at the end: ${reports.map(({ kind }) => kind).join(" ")}`);
  return joinedFlows(reports.flatMap(observeReport));
}

function observeReport(report: DataPlaneReport): readonly Observed[] {
  switch (report.kind) {
    case "ready":
    case "quiet":
    case "socket-error":
    case "device-error":
      throw new Error(`unexpected ${report.kind}`);
    case "udp-out":
      return [{ out: "udp", to: report.to, datagram: toHex(report.datagram) }];
    case "tun-out":
      return [{ out: "tun", packet: toHex(report.packet) }];
    case "result":
      if (report.code !== "") return [{ out: "refused", code: report.code }];
      return report.value?.kind === "sampled" ? [observedSample(report.value)] : [];
    case "flows":
      return [observedFlows(report.flows)];
    default:
      return [observedEvent(report)];
  }
}

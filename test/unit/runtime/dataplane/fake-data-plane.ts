import { createServer, type Server, type Socket } from "node:net";
import { CONTRACT_VERSIONS } from "../../../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import {
  type DataPlaneReport,
  type DataPlaneRequest,
  type DataPlaneSnapshot,
  FrameReader,
} from "../../../../src/runtime/dataplane/contract/codec.ts";
import { encodeFromDataPlane } from "../../../contract/data-plane-reports.ts";
import { decodeToDataPlane } from "../../../contract/data-plane-requests.ts";

/** What a request is answered with; undefined leaves it to `FakeDataPlane`. */
export type Script = (request: DataPlaneRequest, requestId: bigint) => readonly DataPlaneReport[] | undefined;

export const nothingOpen: DataPlaneSnapshot = { tun: undefined, udp: undefined, sessions: [], relays: [] };

/** A data plane that only talks: it listens on a socket, remembers what it was told, and answers as scripted or as if all went well. */
export class FakeDataPlane {
  readonly requests: DataPlaneRequest[] = [];
  snapshot: DataPlaneSnapshot = nothingOpen;
  contractVersion: number = CONTRACT_VERSIONS.newest;
  oldestVersion: number = CONTRACT_VERSIONS.oldest;
  capabilities: readonly string[] = [];
  program = "";
  script: Script = () => undefined;
  readonly #path: string;
  #server: Server | undefined;
  #client: Socket | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get kinds(): readonly string[] {
    return this.requests.map(({ kind }) => kind);
  }

  async listen(): Promise<void> {
    const server = createServer((client) => this.#serve(client));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#path, resolve));
  }

  say(report: DataPlaneReport): void {
    const frame = encodeFromDataPlane(report);
    if (frame.ok) this.#client?.write(frame.value);
  }

  sayBytes(bytes: Uint8Array): void {
    this.#client?.write(bytes);
  }

  /** As a death: the connection ends and nobody listens any more. */
  async die(): Promise<void> {
    this.#client?.destroy();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
    this.#server = undefined;
  }

  #serve(client: Socket): void {
    this.#client = client;
    const frames = new FrameReader();
    client.on("error", () => {});
    client.on("data", (chunk) => {
      const messages = frames.push(chunk);
      for (const message of messages.ok ? messages.value : []) {
        const decoded = decodeToDataPlane(message);
        if (decoded.ok) this.#answer(decoded.value.request, decoded.value.requestId);
      }
    });
  }

  #answer(request: DataPlaneRequest, requestId: bigint): void {
    this.requests.push(request);
    const reports = this.script(request, requestId) ?? this.#usual(request, requestId);
    for (const report of reports) this.say(report);
    if (request.kind === "shutdown") void this.die();
  }

  #usual(request: DataPlaneRequest, requestId: bigint): readonly DataPlaneReport[] {
    const done = { kind: "result", requestId, code: "", error: "", value: undefined } as const;
    switch (request.kind) {
      case "hello": {
        const { oldestVersion, capabilities, snapshot } = this;
        const common = Math.min(this.contractVersion, request.newest);
        const isSpoken = common >= oldestVersion && common >= request.oldest;
        const contractVersion = isSpoken ? common : this.contractVersion;
        const build = "fake";
        const ready = {
          contractVersion,
          oldestVersion,
          build,
          capabilities,
          ciphers: [],
          program: this.program,
          ageMs: 0,
          snapshot,
        };
        return [{ kind: "ready", ...ready, more: false }];
      }
      case "open-udp":
        return [{ ...done, value: { kind: "udp-opened", bound: request.bind.replace(/:0$/, ":5555") as Endpoint } }];
      case "open-tun":
        return [{ ...done, value: { kind: "tun-opened", name: request.name || "tun0" } }];
      default:
        return [done];
    }
  }
}

import { createConnection, type Socket } from "node:net";
import {
  CONTRACT_VERSIONS,
  type DataPlaneCommand,
  type DataPlaneEvent,
  refusedCommand,
} from "../../../core/dataplane/contract.ts";
import type { OperatorEvent } from "../../../core/operator/event.ts";
import { PacketType } from "../../../core/wire/header.ts";
import { afterRunning } from "../../running-time.ts";
import { refuseForeignSocket } from "../../state/trust.ts";
import {
  type DataPlaneReport,
  type DataPlaneRequest,
  type DataPlaneSnapshot,
  decodeFromDataPlane,
  FrameReader,
  type ReadyReport,
  type ResultReport,
  type ResultValue,
} from "../contract/codec.ts";
import { isDispensable, lackingCapability, reduced } from "./capabilities.ts";
import { InOrder } from "./in-order.ts";
import { Lateness } from "./lateness.ts";
import { RequestWriter, type Unsendable } from "./request-writer.ts";
import { SHED_FROM, Shedding } from "./shedding.ts";

/** A data plane that leaves so much unread is not well. The connection is given up and opened anew, which repeats what was lost. */
const UNREAD_BYTES_MAX = 16 << 20;
/** The same for commands without an answer. */
const UNANSWERED_MAX = 65_536;
/** Events that may wait until somebody listens. Most are repeated by whoever caused them; the others say how sessions stand. */
const EARLY_REPEATED_MAX = 256;
const EARLY_CERTAIN_MAX = 131_072;
/** A data plane that says nothing for so long after a request is frozen: it answers each, within milliseconds. */
const SILENT_MS = 10_000;
/** Why a connection is lost that this process closes. */
const CLOSED = "closed";
/** What is done of what has come in one turn of the event loop. */
const TURN_MS = 8;
/** For opening devices and introductions: they take milliseconds. */
const ANSWER_MS = 5_000;

/** The data plane understood a request and refused it. `code`: dataplane.proto, Result. */
export class DataPlaneRefusal extends Error {
  readonly code: string;

  constructor({ code, error }: { readonly code: string; readonly error: string }) {
    super(error || code);
    this.name = "DataPlaneRefusal";
    this.code = code;
  }
}

/** The connection is of no use any more: closed by the other side, or because of what it said or did not say. */
export class ConnectionLost extends Error {}

export interface ConnectionListener {
  event(event: DataPlaneEvent): void;
  /** What it tells is heard so many milliseconds after it happened; 0: at once. */
  behind?(ms: number): void;
  tell(event: OperatorEvent): void;
  /** The last call. */
  lost(reason: string): void;
}

type Waiting =
  | {
      readonly for: "answer";
      readonly resolve: (value: ResultValue | undefined) => void;
      readonly reject: (error: Error) => void;
    }
  | { readonly for: "failure"; readonly refused: ReturnType<typeof refusedCommand> };

interface Introduction {
  readonly resolve: (ready: ReadyReport) => void;
  readonly reject: (error: Error) => void;
  /** Of the frames that have come so far. */
  before: Pick<DataPlaneSnapshot, "sessions" | "relays">;
}

/** One connection to a native data plane: requests with their answers, and events in the order in which they come. */
export class NativeConnection {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #waiting = new InOrder<Waiting>();
  /** What has come and waits for the next turn. */
  #unread: readonly Uint8Array[] = [];
  readonly #writer: RequestWriter;
  #introduction: Introduction | undefined;
  /** Beyond the contract: known once it has introduced itself. */
  #capabilities: readonly string[] = [];
  readonly #toldLacking = new Set<string>();
  readonly #shedding = new Shedding();
  readonly #lateness = new Lateness();
  #listener: ConnectionListener | undefined;
  #early: DataPlaneEvent[] = [];
  #earlyRepeated = 0;
  #lastRequest = 0;
  /** Calls off the end of patience; undefined while nothing is owed. */
  #patience: (() => void) | undefined;
  #lost: string | undefined;
  #frozen = false;

  /** Rejects with Node's error when nobody listens there, with an OperatorError when somebody else could. */
  static async open(path: string): Promise<NativeConnection> {
    refuseForeignSocket(path);
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new NativeConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#writer = new RequestWriter({
      write: (bytes, answered) => this.#wrote(bytes, answered),
      unsendable: (request) => this.#unsendable(request),
    });
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => this.#lose(error.message));
    socket.on("close", () => this.#lose("it closed the connection"));
  }

  /** Introduces this control plane and hears what runs there already: all of its sessions, however many frames they take. */
  async hello(): Promise<ReadyReport> {
    return this.#within(
      new Promise((resolve, reject) => {
        this.#introduction = { resolve, reject, before: { sessions: [], relays: [] } };
        this.#send({ kind: "hello", ...CONTRACT_VERSIONS }, undefined);
        if (this.#lost !== undefined) reject(new ConnectionLost(this.#lost));
      }),
    );
  }

  /** Whether it was given up because the other side took requests and answered none. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Rejects with a DataPlaneRefusal, or with ConnectionLost. */
  async ask(request: DataPlaneRequest): Promise<ResultValue | undefined> {
    return this.#within(new Promise((resolve, reject) => this.#send(request, { for: "answer", resolve, reject })));
  }

  /** A command of the core. When it fails, that comes back as an event. */
  command(command: DataPlaneCommand): void {
    const decided = this.#shedding.decide(command.kind, this.#waiting.size);
    if (decided === "send") this.#send(command, { for: "failure", refused: refusedCommand(command) });
    else if (decided === "begins") {
      const error = `${SHED_FROM} commands are not answered yet; what can be lost is left out until half of them are`;
      this.#listener?.tell({ code: "data-plane-refused", command: command.kind, reason: "overloaded", error });
    }
  }

  /** From now on events go there, those that came before first. */
  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const event of early) listener.event(event);
    if (this.#lost !== undefined) listener.lost(this.#lost);
  }

  close(): void {
    this.#listener = undefined;
    this.#lose(CLOSED);
  }

  #send(asked: DataPlaneRequest, waiting: Waiting | undefined): void {
    const id = ++this.#lastRequest;
    const less = reduced(asked, this.#capabilities);
    const request = less?.request ?? asked;
    if (less && asked.kind === "apply-policies") {
      this.#tellLacking(asked.kind, less.lacking, "rules apply without what needs");
    } else if (less && asked.kind === "set-path") {
      this.#tellLacking(asked.kind, less.lacking, "paths are chosen without");
    } else if (less && waiting?.for === "failure" && this.#lost === undefined)
      this.#refuse(waiting, { code: "unsupported", error: `the data plane has no capability "${less.lacking}"` });
    const lacking = lackingCapability(request, this.#capabilities);
    if (this.#lost !== undefined) {
      if (waiting) abandon(waiting, this.#lost);
    } else if (lacking !== undefined && isDispensable(request)) {
      if (waiting?.for === "failure")
        this.#tellLacking(waiting.refused.command, lacking, "measuring and watching paths goes on without");
    } else if (lacking !== undefined) {
      const error = `the data plane has no capability "${lacking}"`;
      if (waiting) this.#refuse(waiting, { code: "unsupported", error });
    } else {
      if (waiting) this.#waiting.add(id, waiting);
      this.#writer.add(BigInt(id), request);
      this.#patience ??= afterRunning(SILENT_MS, () => this.#giveUp());
      if (this.#waiting.size > UNANSWERED_MAX) this.#lose("it does not keep up");
    }
  }

  /** Once: what is left stands, and is in force. `without`: what goes on. */
  #tellLacking(command: DataPlaneCommand["kind"], lacking: string, without: string): void {
    if (!this.#listener || this.#toldLacking.has(lacking)) return;
    this.#toldLacking.add(lacking);
    const error = `${without} "${lacking}", which the data plane gets when it is next started`;
    this.#listener.tell({ code: "data-plane-refused", command, reason: "unsupported", error });
  }

  #wrote(bytes: Uint8Array, answered: bigint): void {
    if (this.#waiting.get(Number(answered))) this.#lateness.asked(answered, performance.now());
    if (!this.#socket.destroyed) this.#socket.write(bytes);
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.#lose("it does not keep up");
  }

  #unsendable({ id, begun, error }: Unsendable): void {
    const waiting = this.#waiting.take(Number(id));
    if (waiting) this.#refuse(waiting, { code: "bad-request", error });
    // What was staged for it would be committed with the next one.
    if (begun) this.#lose(error);
  }

  #read(chunk: Uint8Array): void {
    this.#patience?.();
    this.#patience = undefined;
    const messages = this.#frames.push(chunk);
    if (!messages.ok) this.#lose(messages.reason);
    else {
      this.#unread = this.#unread.length === 0 ? messages.value : [...this.#unread, ...messages.value];
      this.#readOn();
    }
  }

  /** In portions, and nothing new is read before all of it is done: however much comes, everything else gets its turn. */
  #readOn(): void {
    const messages = this.#unread;
    this.#unread = [];
    const until = performance.now() + TURN_MS;
    for (const [at, message] of messages.entries()) {
      if (performance.now() >= until) {
        this.#tellLateness();
        this.#unread = messages.slice(at);
        this.#socket.pause();
        setImmediate(() => this.#readOn());
        return;
      }
      const report = decodeFromDataPlane(message);
      if (report.ok && report.value) this.#take(report.value);
      else if (!report.ok) this.#lose(`it sent something that is not in the contract: ${report.reason}`);
      if (this.#lost !== undefined) return;
    }
    this.#socket.resume();
  }

  /** What is due is judged by what has been heard. */
  #tellLateness(): void {
    const ms = this.#lateness.news(performance.now());
    if (ms !== undefined) this.#listener?.behind?.(ms);
  }

  #take(report: DataPlaneReport): void {
    switch (report.kind) {
      case "ready":
        this.#greeted(report);
        break;
      case "result":
        this.#answer(report);
        break;
      case "socket-error":
      case "device-error":
        this.#listener?.tell({ code: report.kind, error: report.error });
        break;
      case "tun-out":
      case "udp-out":
      case "quiet":
        this.#lose("it is a data plane without devices (--memory)");
        break;
      default:
        this.#event(report);
    }
  }

  #greeted(ready: ReadyReport): void {
    const introduction = this.#introduction;
    if (!introduction) return;
    this.#capabilities = ready.capabilities;
    const { before } = introduction;
    const sessions = [...before.sessions, ...ready.snapshot.sessions];
    const relays = [...before.relays, ...ready.snapshot.relays];
    if (ready.more) introduction.before = { sessions, relays };
    else introduction.resolve({ ...ready, snapshot: { ...ready.snapshot, sessions, relays } });
  }

  #answer(result: ResultReport): void {
    this.#lateness.answered(result.requestId, performance.now());
    this.#tellLateness();
    // Answers come in the order of requests: whatever was said before, and not answered, was carried out.
    const id = Number(result.requestId);
    this.#waiting.passed(id, ({ for: what }) => what === "answer");
    const waiting = this.#waiting.take(id);
    if (!waiting) return;
    if (result.code !== "" || result.error !== "") {
      this.#refuse(waiting, result);
    } else if (waiting.for === "answer") {
      waiting.resolve(result.value);
    } else if (result.value?.kind === "sampled") {
      const { more, ...sample } = result.value;
      this.#event(more ? { ...sample, more } : sample);
    } else if (waiting.refused.command === "list-flows") this.#event({ kind: "flows", flows: [], isLast: true });
  }

  #refuse(waiting: Waiting, { code, error }: { readonly code: string; readonly error: string }): void {
    if (waiting.for === "answer") {
      waiting.reject(new DataPlaneRefusal({ code, error }));
    } else {
      this.#event({ kind: "command-failed", ...waiting.refused, code, error });
    }
  }

  #event(event: DataPlaneEvent): void {
    if (this.#listener) this.#listener.event(event);
    else if (isRepeated(event)) this.#keepRepeated(event);
    else if (this.#early.length - this.#earlyRepeated < EARLY_CERTAIN_MAX) this.#early.push(event);
    else this.#lose("it told more than can wait");
  }

  #keepRepeated(event: DataPlaneEvent): void {
    if (this.#earlyRepeated === EARLY_REPEATED_MAX) return;
    this.#earlyRepeated++;
    this.#early.push(event);
  }

  /** A data plane that does not answer is as good as none. */
  async #within<Value>(answer: Promise<Value>): Promise<Value> {
    const answered = afterRunning(ANSWER_MS, () => this.#lose(`it did not answer within ${ANSWER_MS / 1000} s`));
    try {
      return await answer;
    } finally {
      answered();
    }
  }

  #giveUp(): void {
    // What it says is there, and waits for this process to read it.
    if (this.#unread.length > 0) {
      this.#patience = afterRunning(SILENT_MS, () => this.#giveUp());
      return;
    }
    this.#frozen = true;
    this.#lose(`it has not answered for ${SILENT_MS / 1000} s`);
  }

  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    // What was said before is still heard.
    if (reason === CLOSED) this.#writer.flush();
    this.#writer.stop();
    this.#lost ??= reason;
    this.#patience?.();
    this.#socket.destroy();
    this.#introduction?.reject(new ConnectionLost(reason));
    for (const waiting of this.#waiting.takeAll()) abandon(waiting, reason);
    this.#unread = [];
    this.#listener?.lost(reason);
  }
}

/** Whether somebody says it again, or counters say it too. A closed tunnel is told once. */
function isRepeated(event: DataPlaneEvent): boolean {
  if (event.kind === "message") return event.type !== PacketType.closeTunnel;
  return ["datagram", "need-session", "drop-sample", "flow-records", "captured"].includes(event.kind);
}

function abandon(waiting: Waiting, reason: string): void {
  if (waiting.for === "answer") waiting.reject(new ConnectionLost(reason));
}

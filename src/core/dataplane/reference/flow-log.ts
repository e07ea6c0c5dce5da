import { earliest, type Instant, instant, later } from "../../base/time.ts";
import { type DropReason, ENDS_FLOW } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { Direction, Flow, FlowEnd, FlowRecord, LocalIndex, PolicyId, RefusalAction } from "../contract.ts";
import type { DropContext } from "./drop-ledger.ts";

/** What is noted of flows as they begin, end and are refused (SEMANTICS 4.8), until it is told. */
export class FlowLog {
  isOn = false;
  readonly #peerOf: (session: LocalIndex) => IpAddress | undefined;
  #notes: Note[] = [];
  /** Of packets that are refused alike there is one note. */
  readonly #refusals = new Map<string, Note>();
  /** How many notes are about whom, refusals apart. */
  readonly #held = new Map<string, number>();
  #untold = 0;
  #due: Instant | undefined;
  /** When the first of the notes was made. */
  #firstAt: Instant = instant(0);

  /** `peerOf`: the first address of whoever a session is with. */
  constructor(peerOf: (session: LocalIndex) => IpAddress | undefined) {
    this.#peerOf = peerOf;
  }

  /** When what waits is to be told. */
  get deadline(): Instant | undefined {
    return this.#due;
  }

  /** `flow` has carried nothing yet. Asked for only while the log is on, as `ended` is. */
  begun(flow: FlowFacts, peer: IpAddress, now: Instant): void {
    this.#note({ record: { happening: "begun", flow, peer }, flow, beganAt: now, lastAt: now }, now);
  }

  ended(
    flow: FlowFacts,
    { peer, end, openedAt, lastUse }: { peer: IpAddress; end: FlowEnd; openedAt: Instant; lastUse: Instant },
    now: Instant,
  ): void {
    this.#note({ record: { happening: "ended", end, flow, peer }, flow, beganAt: openedAt, lastAt: lastUse }, now);
  }

  /** A packet ended here; what says nothing of a flow is not noted. */
  dropped(reason: DropReason, { inbound, localIndex, packet, action = "drop" }: DropContext, now: Instant): void {
    if (!this.isOn || !packet || !ENDS_FLOW.has(reason)) return;
    const key = `${flowKey(packet)} ${inbound} ${reason} ${localIndex ?? 0}`;
    const known = this.#refusals.get(key);
    const note = known ?? this.#noteRefusal(reason, { inbound, localIndex, packet, action }, now);
    if (!note) return;
    this.#refusals.set(key, note);
    note.lastAt = now;
    if (inbound) note.flow.receivedPackets++;
    else note.flow.sentPackets++;
  }

  #noteRefusal(
    reason: DropReason,
    { inbound, localIndex, packet, action }: Pick<DropContext, "inbound" | "localIndex"> & Refused,
    now: Instant,
  ): Note | undefined {
    const { localAddress, remoteAddress, localPort, remotePort, protocol } = packet;
    const addresses = { localAddress, remoteAddress, localPort, remotePort, protocol };
    const direction: Direction = inbound ? "inbound" : "outbound";
    const flow = { ...addresses, direction, policyId: 0 as PolicyId, ruleId: 0, ...NOTHING_YET, ageMs: 0, idleMs: 0 };
    const peer = localIndex === undefined ? undefined : this.#peerOf(localIndex);
    const record: FlowRecord = { happening: "refused", reason, action, flow, peer };
    return this.#note({ record, flow, beganAt: now, lastAt: now }, now);
  }

  /** Of whoever may have one more note: nobody holds more than is left for others, and no traffic hides what was refused. */
  #note(note: Note, now: Instant): Note | undefined {
    const isRefused = note.record.happening === "refused";
    this.#bringForward(isRefused, now);
    const whose = `${note.record.peer} ${isRefused}`;
    const held = this.#held.get(whose) ?? 0;
    if (held >= NOTES_MAX - this.#notes.length) {
      this.#untold++;
      return undefined;
    }
    this.#held.set(whose, held + 1);
    this.#notes.push(note);
    return note;
  }

  /** One more note is about to wait. */
  #bringForward(isRefused: boolean, now: Instant): void {
    if (this.#due === undefined) this.#firstAt = now;
    const own = later(now, isRefused ? REFUSED_FOR_MS : GATHERED_FOR_MS);
    const isMany = this.#notes.length + 1 >= MANY;
    const many = isMany ? instant(Math.max(this.#firstAt + MANY_FOR_MS, now + 1)) : undefined;
    this.#due = earliest(this.#due, own, many);
  }

  /** What is due. */
  takeDue(now: Instant): ToldOfFlows | undefined {
    return this.#due === undefined || now < this.#due ? undefined : this.takeAll(now);
  }

  /** Everything that waits, due or not, if anything does. */
  takeAll(now: Instant): ToldOfFlows | undefined {
    if (this.#due === undefined) return undefined;
    const records = this.#notes.map(({ record, flow, beganAt, lastAt }) => {
      flow.ageMs = now - beganAt;
      flow.idleMs = now - lastAt;
      return record;
    });
    const told = { records, untold: this.#untold };
    this.#notes = [];
    this.#refusals.clear();
    this.#held.clear();
    this.#untold = 0;
    this.#due = undefined;
    return told;
  }
}

/** Some of what was noted, and how much was not. */
export interface ToldOfFlows {
  readonly records: readonly FlowRecord[];
  readonly untold: number;
}

/** A flow whose times are set when it is told of. */
export type FlowFacts = { -readonly [Name in keyof Flow]: Flow[Name] };

type Refused = { readonly packet: InnerPacket; readonly action: RefusalAction };

interface Note {
  readonly record: FlowRecord;
  /** That of the record. */
  readonly flow: FlowFacts;
  readonly beganAt: Instant;
  lastAt: Instant;
}

/** How flows begin and end is told so long after the first of it, together: each time costs both processes a wake-up and the disk a write. */
const GATHERED_FOR_MS = 1_000;
/** What is refused, and all that waits with it: somebody may be looking for it. */
const REFUSED_FOR_MS = 100;
/** From so many notes on they wait no longer than this: a little at a time keeps whoever shares a core with the control plane waiting for less. */
const MANY = 64;
const MANY_FOR_MS = 25;
/** Notes that may wait: names, a rule and a line on disk take some ten microseconds of each, and a host with thousands of connections a second has better use for its processor. */
const NOTES_MAX = 256;

/** What a flow has carried before its first packet. */
export const NOTHING_YET = { sentPackets: 0n, sentBytes: 0n, receivedPackets: 0n, receivedBytes: 0n };

function flowKey({
  localAddress,
  remoteAddress,
  localPort,
  remotePort,
  protocol,
  icmpIn,
  isRest,
}: InnerPacket): string {
  return `${localAddress} ${remoteAddress} ${localPort} ${remotePort} ${protocol} ${icmpIn} ${isRest}`;
}

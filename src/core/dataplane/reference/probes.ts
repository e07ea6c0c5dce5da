import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { Origin } from "../../path/path.ts";
import { BINDING_BYTES, encodeBinding } from "../../wire/binding.ts";
import { type Header, PATH_TOKEN_BYTES, PacketType, TestSubtype } from "../../wire/header.ts";
import type { Outbound } from "./outbound.ts";
import type { Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** What asks about ways, or answers: it says nothing about the way that the peer wants to use. */
export function isProbe({ type, subtype }: Header): boolean {
  return type === PacketType.test && subtype >= TestSubtype.pathRequest;
}

/** Of a test packet: whether it wants an answer. */
export function isTestRequest(subtype: number): boolean {
  return REQUESTS.has(subtype);
}

const REQUESTS: ReadonlySet<number> = new Set([
  TestSubtype.request,
  TestSubtype.pathRequest,
  TestSubtype.bindingRequest,
]);

/** An authentic probe. */
interface Probe {
  readonly header: Header;
  readonly origin: Origin;
  readonly body: Uint8Array;
}

/** Questions about ways, and the answers (SEMANTICS 5.1 and 5.4). */
export class Probes {
  readonly #tables: Tables;
  readonly #outbound: Outbound;

  constructor(tables: Tables, outbound: Outbound) {
    this.#tables = tables;
    this.#outbound = outbound;
  }

  received(session: Session, probe: Probe, now: Instant): void {
    const refusal = this.#handle(session, probe, now);
    if (refusal) this.#tables.out.drop(refusal, { inbound: true, localIndex: session.localIndex }, now);
  }

  #handle(session: Session, { header, origin, body }: Probe, now: Instant): DropReason | undefined {
    const { type, subtype } = header;
    const { localIndex } = session;
    switch (subtype) {
      case TestSubtype.pathRequest:
        return this.#answerPath(session, origin, body, now);
      case TestSubtype.bindingRequest:
        return this.#answerBinding(session, origin, body, now);
      case TestSubtype.pathReply:
        if (body.length !== PATH_TOKEN_BYTES) return DropReason.badPathProbe;
        this.#tables.out.tell({ kind: "path-replied", localIndex, origin, token: body });
        return undefined;
      default:
        if (body.length !== BINDING_BYTES) return DropReason.badPathProbe;
        this.#tables.out.tell({ kind: "message", localIndex, type, subtype, body, heard: 0 });
        return undefined;
    }
  }

  /** The reply goes where the request came from, wherever this session sends. */
  #answerPath(session: Session, origin: Origin, body: Uint8Array, now: Instant): DropReason | undefined {
    if (body.length < PATH_TOKEN_BYTES) return DropReason.badPathProbe;
    if (!this.#tables.mayBeAt(session, origin)) return DropReason.pathNotAllowed;
    const token = body.subarray(0, PATH_TOKEN_BYTES);
    this.#reply(session, TestSubtype.pathReply, token, now, origin);
    return undefined;
  }

  /** The reply goes where this session sends: what was asked from elsewhere may be let in from here only. */
  #answerBinding(session: Session, origin: Origin, body: Uint8Array, now: Instant): DropReason | undefined {
    if (body.length !== BINDING_BYTES || origin.kind !== "direct") return DropReason.badPathProbe;
    if (!this.#tables.mayBeAt(session, origin)) return DropReason.pathNotAllowed;
    const token = body.subarray(0, PATH_TOKEN_BYTES);
    this.#reply(session, TestSubtype.bindingReply, encodeBinding({ token, seenAt: origin.endpoint }), now);
    return undefined;
  }

  #reply(session: Session, subtype: number, body: Uint8Array, now: Instant, to?: Origin): void {
    this.#tables.out.tally.testRequestsAnswered++;
    this.#outbound.transmit(session, { type: PacketType.test, subtype, body }, now, to);
  }
}

import { type Instant, instant } from "../../base/time.ts";
import type { DropReason } from "../../drop-reason.ts";
import { contains } from "../../netip/prefix.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { CapturedPacket, CaptureStep, Direction, LocalIndex } from "../contract.ts";

/** What is captured is told so long after the first of it, together. */
const GATHERED_FOR_MS = 100;
/** What may wait, each packet with so much beside its bytes. */
const WAITING_BYTES_MAX = 512 * 1024;
const PACKET_BYTES = 64;
/** Steps of a filter. */
const STEPS_MAX = 64;

type Waiting = Omit<CapturedPacket, "agoMs"> & { readonly at: Instant };

/** Inner packets that an operator wants to see (SEMANTICS 4.9), until they are told. */
export class Capture {
  #wanted: { readonly filter: readonly CaptureStep[]; readonly snapBytes: number } | undefined;
  #packets: Waiting[] = [];
  #bytes = 0;
  #lost = 0;
  #due: Instant | undefined;

  /** When what waits is to be told. */
  get deadline(): Instant | undefined {
    return this.#due;
  }

  start(filter: readonly CaptureStep[], snapBytes: number): void {
    this.#wanted = { filter, snapBytes: snapBytes === 0 ? Number.POSITIVE_INFINITY : snapBytes };
    this.#packets = [];
    this.#bytes = 0;
    this.#lost = 0;
  }

  /** What waits is told all the same. */
  stop(): void {
    this.#wanted = undefined;
  }

  /** A packet has come to its verdict. */
  offer(seen: Seen, now: Instant): void {
    const { bytes, direction, refused, localIndex } = seen;
    if (!this.#wanted || !means(this.#wanted.filter, seen)) return;
    this.#due ??= instant(now + GATHERED_FOR_MS);
    const packet = bytes.slice(0, Math.min(bytes.length, this.#wanted.snapBytes));
    if (this.#bytes + packet.length + PACKET_BYTES > WAITING_BYTES_MAX) {
      this.#lost++;
      return;
    }
    this.#bytes += packet.length + PACKET_BYTES;
    this.#packets.push({
      packet,
      length: bytes.length,
      inbound: direction === "inbound",
      refused,
      localIndex,
      at: now,
    });
  }

  /** What is due. */
  takeDue(now: Instant): { readonly packets: readonly CapturedPacket[]; readonly lost: number } | undefined {
    if (this.#due === undefined || now < this.#due) return undefined;
    const packets = this.#packets.map(({ at, ...packet }) => ({ ...packet, agoMs: now - at }));
    const told = { packets, lost: this.#lost };
    this.#packets = [];
    this.#bytes = 0;
    this.#lost = 0;
    this.#due = undefined;
    return told;
  }
}

/** What is known of a packet when its verdict is. */
export interface Seen {
  readonly inner: InnerPacket;
  /** All of it, and nothing behind it. */
  readonly bytes: Uint8Array;
  readonly direction: Direction;
  /** Why it goes no further. */
  readonly refused: DropReason | undefined;
  readonly localIndex?: LocalIndex | undefined;
}

/** Why a filter is none. */
export function refusalOfFilter(filter: readonly CaptureStep[]): string | undefined {
  let depth = 0;
  for (const { op } of filter) {
    const joined = op === "and" || op === "or" ? 2 : op === "not" ? 1 : 0;
    if (depth < joined) return "a step of the filter has nothing to join";
    depth += 1 - joined;
  }
  if (filter.length > STEPS_MAX) return `the filter has more than ${STEPS_MAX} steps`;
  return depth === 1 || filter.length === 0 ? undefined : "the filter leaves more than one verdict";
}

function means(filter: readonly CaptureStep[], seen: Seen): boolean {
  const stack: boolean[] = [];
  for (const step of filter) {
    if (step.op === "not") stack.push(!stack.pop());
    else if (step.op === "and" || step.op === "or") {
      const [b, a] = [stack.pop() ?? false, stack.pop() ?? false];
      stack.push(step.op === "and" ? a && b : a || b);
    } else stack.push(holds(step, seen));
  }
  return stack.pop() ?? true;
}

function holds(step: Exclude<CaptureStep, { op: "and" | "or" | "not" }>, { inner, direction, refused }: Seen): boolean {
  const isOutbound = direction === "outbound";
  switch (step.op) {
    case "inbound":
      return !isOutbound;
    case "refused":
      return refused !== undefined;
    case "protocol":
      return inner.protocol === step.protocol;
    case "source":
      return contains(step.prefix, isOutbound ? inner.localAddress : inner.remoteAddress);
    case "destination":
      return contains(step.prefix, isOutbound ? inner.remoteAddress : inner.localAddress);
    case "source-port":
      return isWithin(step, isOutbound ? inner.localPort : inner.remotePort);
    case "destination-port":
      return isWithin(step, isOutbound ? inner.remotePort : inner.localPort);
    default:
      return false;
  }
}

function isWithin({ first, last }: { readonly first: number; readonly last: number }, port: number): boolean {
  return port >= first && port <= last;
}

import { fail, ok, type Result } from "../../base/result.ts";
import { type Instant, later } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { InnerPacket, Part } from "../../wire/inner-packet.ts";

/**
 * The divided packets of one direction that are not whole yet (SEMANTICS 4.4). Whoever receives them cannot take back what he has written to a
 * device, where it takes memory that all networks of the host share: so nothing makes room here, but nobody may hold more than is left.
 * "Owner" is who answers for a packet: inbound the peer, outbound the destination.
 */
export class Fragments {
  readonly #packets = new Map<string, Divided>();
  readonly #held = new Map<IpAddress, number>();
  #used = 0;

  /**
   * The packet as the rules are to see it: a part behind the first has the flow that the first one said, if that came before. From now on
   * parts follow this one, when it is the first.
   */
  followed(owner: IpAddress, packet: InnerPacket, now: Instant): Result<InnerPacket, DropReason> {
    if (!packet.part) return ok(packet);
    this.#expire(now);
    if (packet.isRest) {
      const known = this.#packets.get(keyOf(owner, packet, packet.part));
      return ok(known?.flow && now - known.since < FOLLOWED_MS ? { ...packet, ...known.flow } : packet);
    }
    const divided = this.#findOrOpen(owner, packet, packet.part, now);
    if (!divided) return fail(DropReason.fragmentLimited);
    // What went on stays what the others are judged by.
    if (!divided.hasBegun) divided.flow = flowOf(packet);
    return ok(packet);
  }

  /** Lets a part that is allowed go on, unless its packet would become something that nobody has judged; then says why. */
  admit(owner: IpAddress, packet: InnerPacket, now: Instant): DropReason | undefined {
    const { part } = packet;
    if (!part) return undefined;
    this.#expire(now);
    const divided = this.#findOrOpen(owner, packet, part, now);
    if (!divided) return DropReason.fragmentLimited;
    if (divided.isDead || !divided.hasRoomFor(part)) {
      // RFC 5722: of an IPv6 packet with overlaps no part is to be believed.
      divided.isDead ||= packet.family === 6;
      return DropReason.fragmentOverlap;
    }
    const cost = PART_BYTES + part.to - part.from;
    if (divided.isFull || !this.#charge(owner, cost)) {
      if (divided.isUntouched) this.#forget(divided);
      return DropReason.fragmentLimited;
    }
    divided.bytes += cost;
    divided.add(part);
    if (divided.isWhole) this.#forget(divided);
    return undefined;
  }

  /** A first part did not go on: its packet is none, unless something of it did. */
  withdraw(owner: IpAddress, packet: InnerPacket): void {
    if (packet.part?.from !== 0) return;
    const divided = this.#packets.get(keyOf(owner, packet, packet.part));
    if (divided?.isUntouched) this.#forget(divided);
  }

  #findOrOpen(owner: IpAddress, packet: InnerPacket, part: Part, now: Instant): Divided | undefined {
    const key = keyOf(owner, packet, part);
    const known = this.#packets.get(key);
    if (known) return known;
    if (!this.#charge(owner, PACKET_BYTES)) return undefined;
    const divided = new Divided(key, owner, { since: now, until: later(now, WAITED_MS[packet.family]) });
    this.#packets.set(key, divided);
    return divided;
  }

  /** False when the owner would hold more than is left for others. */
  #charge(owner: IpAddress, bytes: number): boolean {
    const held = (this.#held.get(owner) ?? 0) + bytes;
    if (held > BYTES_MAX - this.#used) return false;
    this.#held.set(owner, held);
    this.#used += bytes;
    return true;
  }

  #forget({ key, owner, bytes }: Divided): void {
    this.#packets.delete(key);
    this.#used -= bytes;
    const held = (this.#held.get(owner) ?? 0) - bytes;
    if (held > 0) this.#held.set(owner, held);
    else this.#held.delete(owner);
  }

  #expire(now: Instant): void {
    for (const divided of this.#packets.values()) if (divided.until <= now) this.#forget(divided);
  }
}

/** How long the first part is remembered for those that follow it. */
const FOLLOWED_MS = 30_000;
/** How long a kernel waits for the parts that are missing: RFC 791 as Linux does it, RFC 8200 section 4.5. */
const WAITED_MS = { 4: 30_000, 6: 60_000 } as const;
/** Half of the memory that Linux gives to parts of packets, for all networks of a host. */
const BYTES_MAX = 2 * 1024 * 1024;
/** What a packet costs for itself: so there are never more than 1,024. */
const PACKET_BYTES = 2048;
/** What a kernel spends on a part beside its bytes, rounded up. */
const PART_BYTES = 1024;
/** Runs of bytes with holes between them: twice those of the largest packet in parts that fit a tunnel, in the worst order. */
const RUNS_MAX = 64;

/** What the parts behind the first take from it. */
type Flow = Pick<InnerPacket, "protocol" | "localPort" | "remotePort" | "icmpIn" | "isRest">;

class Divided {
  readonly key: string;
  readonly owner: IpAddress;
  readonly since: Instant;
  readonly until: Instant;
  /** Once the first part is known. */
  flow: Flow | undefined;
  /** Parts of it overlapped, and none goes on any more. */
  isDead = false;
  bytes = PACKET_BYTES;
  /** What went on, in order; runs that touch are one. */
  #runs: Run[] = [];
  /** Where the packet ends, once the last part went on. */
  #end: number | undefined;

  constructor(key: string, owner: IpAddress, { since, until }: { since: Instant; until: Instant }) {
    this.key = key;
    this.owner = owner;
    this.since = since;
    this.until = until;
  }

  get hasBegun(): boolean {
    return this.#runs[0]?.from === 0;
  }

  get isUntouched(): boolean {
    return this.#runs.length === 0;
  }

  get isFull(): boolean {
    return this.#runs.length >= RUNS_MAX;
  }

  get isWhole(): boolean {
    return this.#runs.length === 1 && this.hasBegun && this.#runs[0]?.to === this.#end;
  }

  hasRoomFor({ from, to, isLast }: Part): boolean {
    if (this.#runs.some((run) => from < run.to && run.from < to)) return false;
    if (isLast && (this.#runs.at(-1)?.to ?? 0) > to) return false;
    return this.#end === undefined || (!isLast && to <= this.#end);
  }

  add({ from, to, isLast }: Part): void {
    const runs: Run[] = [];
    for (const run of [...this.#runs, { from, to }].sort((a, b) => a.from - b.from)) {
      const before = runs.at(-1);
      if (before?.to === run.from) before.to = run.to;
      else runs.push({ ...run });
    }
    this.#runs = runs;
    if (isLast) this.#end = to;
  }
}

interface Run {
  readonly from: number;
  to: number;
}

function flowOf({ protocol, localPort, remotePort, icmpIn, isRest }: InnerPacket): Flow {
  return { protocol, localPort, remotePort, icmpIn, isRest };
}

function keyOf(owner: IpAddress, { localAddress, remoteAddress }: InnerPacket, { protocol, id }: Part): string {
  return `${owner} ${localAddress} ${remoteAddress} ${protocol} ${id}`;
}

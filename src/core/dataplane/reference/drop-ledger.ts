import type { Instant } from "../../base/time.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import { DropReason } from "../../drop-reason.ts";
import type { Origin } from "../../path/path.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import type { DropSample, LocalIndex, RefusalAction } from "../contract.ts";

/** What is known about a dropped packet. */
export interface DropContext {
  readonly inbound: boolean;
  /** The session it met. */
  readonly localIndex?: LocalIndex | undefined;
  /** Where it came from, when it met no session. */
  readonly origin?: Origin;
  readonly packet?: InnerPacket | undefined;
  /** What its program does with packets that no rule allows. */
  readonly action?: RefusalAction;
}

/** Counts every drop under its name, and picks a few of them to be told about. */
export class DropLedger {
  readonly #counts = new Map<DropReason, number>();
  readonly #samples = new TokenBucket({ perSecond: 5, burst: 20 });

  /** Counts one drop. Returns the sample to send, when this one is picked. */
  record(reason: DropReason, context: DropContext, now: Instant): DropSample | undefined {
    this.count(reason, 1);
    if (reason === DropReason.punch || !this.#samples.take(now)) return undefined;
    const { inbound, localIndex, origin, packet, action = "drop" } = context;
    return {
      reason,
      inbound,
      localAddress: packet?.localAddress,
      remoteAddress: packet?.remoteAddress,
      protocol: packet?.protocol ?? 0,
      localPort: packet?.localPort ?? 0,
      remotePort: packet?.remotePort ?? 0,
      localIndex,
      origin,
      action,
    };
  }

  /** Counts what is never sampled: what went by itself, or for somebody else. */
  count(reason: DropReason, packets: number): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + packets);
  }

  /** In the order of the closed list, without zeros. */
  totals(): ReadonlyMap<DropReason, bigint> {
    const totals = new Map<DropReason, bigint>();
    if (this.#counts.size === 0) return totals;
    for (const reason of REASONS) {
      const count = this.#counts.get(reason) ?? 0;
      if (count > 0) totals.set(reason, BigInt(count));
    }
    return totals;
  }
}

const REASONS: readonly DropReason[] = Object.values(DropReason);

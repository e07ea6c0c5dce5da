import type { SessionActivity } from "../../dataplane/contract.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { added, combined, NO_TRAFFIC, type TrafficCounts } from "../../peer/traffic-counts.ts";

/** What went through sessions, in all and with each peer: a sum over sessions that come and go. */
export class TrafficLedger {
  /** What has been counted of a session. */
  readonly #counted = new Map<LocalIndex, { readonly peer: IpAddress; readonly traffic: TrafficCounts }>();
  /** Peers that have a session of which anything was counted, and how many of those. */
  readonly #peers = new Map<IpAddress, { traffic: TrafficCounts; sessions: number }>();
  #total: TrafficCounts = NO_TRAFFIC;

  get total(): TrafficCounts {
    return this.#total;
  }

  /** Since there is a session with this peer; it begins anew with the first session after the last one has gone. */
  of(session: Session): TrafficCounts {
    return this.#peers.get(nameAddress(session))?.traffic ?? NO_TRAFFIC;
  }

  note(session: Session, activity: SessionActivity): void {
    const peer = nameAddress(session);
    const now: TrafficCounts = {
      sentPackets: Number(activity.sentPackets),
      sentBytes: Number(activity.sentBytes),
      receivedPackets: Number(activity.receivedPackets),
      receivedBytes: Number(activity.receivedBytes),
    };
    const before = this.#counted.get(session.localIndex);
    const more = combined(now, before?.traffic ?? NO_TRAFFIC, (a, b) => Math.max(a - b, 0));
    const sums = this.#peers.get(peer) ?? { traffic: NO_TRAFFIC, sessions: 0 };
    sums.traffic = added(sums.traffic, more);
    if (!before) sums.sessions++;
    this.#peers.set(peer, sums);
    this.#counted.set(session.localIndex, { peer, traffic: now });
    this.#total = added(this.#total, more);
  }

  forget({ localIndex }: Session): void {
    const counted = this.#counted.get(localIndex);
    const sums = counted && this.#peers.get(counted.peer);
    if (!counted || !sums) return;
    this.#counted.delete(localIndex);
    sums.sessions--;
    if (sums.sessions === 0) this.#peers.delete(counted.peer);
  }
}

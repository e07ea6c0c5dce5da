import type { SessionActivity } from "../../dataplane/contract.ts";
import type { IpAddress } from "../../netip/address.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { NO_TRAFFIC, type TrafficCounts } from "../../peer/traffic-counts.ts";

/** What went through sessions, in all and with each peer: a sum over sessions that come and go. */
export class TrafficLedger {
  /** Peers that have a session of which anything was counted, and how many of those. */
  readonly #peers = new Map<IpAddress, Sums & { sessions: number }>();
  readonly #total: Sums = { ...NO_TRAFFIC };

  get total(): TrafficCounts {
    return countsOf(this.#total);
  }

  /** Since there is a session with this peer; it begins anew with the first session after the last one has gone. */
  of(session: Session): TrafficCounts {
    const sums = this.#peers.get(nameAddress(session));
    return sums ? countsOf(sums) : NO_TRAFFIC;
  }

  /** A sample of a session. `before`: what it said the last time; undefined the first time. */
  note(session: Session, activity: SessionActivity, before: TrafficCounts | undefined): void {
    const peer = nameAddress(session);
    const sums = this.#peers.get(peer) ?? this.#begin(peer);
    if (!before) sums.sessions++;
    const { sentPackets, sentBytes, receivedPackets, receivedBytes } = before ?? NO_TRAFFIC;
    const more = {
      sentPackets: Math.max(Number(activity.sentPackets) - sentPackets, 0),
      sentBytes: Math.max(Number(activity.sentBytes) - sentBytes, 0),
      receivedPackets: Math.max(Number(activity.receivedPackets) - receivedPackets, 0),
      receivedBytes: Math.max(Number(activity.receivedBytes) - receivedBytes, 0),
    };
    add(sums, more);
    add(this.#total, more);
  }

  /** A session is gone of which there was a sample. */
  forget(session: Session): void {
    const peer = nameAddress(session);
    const sums = this.#peers.get(peer);
    if (!sums) return;
    sums.sessions--;
    if (sums.sessions === 0) this.#peers.delete(peer);
  }

  #begin(peer: IpAddress): Sums & { sessions: number } {
    // Written out: an object that is spread into another gets a layout of its own.
    const sums = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0, sessions: 0 };
    this.#peers.set(peer, sums);
    return sums;
  }
}

type Sums = { -readonly [Count in keyof TrafficCounts]: TrafficCounts[Count] };

function add(sums: Sums, more: TrafficCounts): void {
  sums.sentPackets += more.sentPackets;
  sums.sentBytes += more.sentBytes;
  sums.receivedPackets += more.receivedPackets;
  sums.receivedBytes += more.receivedBytes;
}

/** As they are now: the sums go on. */
function countsOf({ sentPackets, sentBytes, receivedPackets, receivedBytes }: TrafficCounts): TrafficCounts {
  return { sentPackets, sentBytes, receivedPackets, receivedBytes };
}

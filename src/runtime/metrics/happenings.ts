import { LruMap } from "../../core/base/lru.ts";
import type { Notice } from "../../core/notice.ts";
import { Distribution } from "./distribution.ts";

/** Peers of which it is known how often something happened: four times those that metrics name. */
const PEERS_MAX = 2_000;

/** How often something happened with one peer. */
export interface PeerHappenings {
  handshakes: number;
  handshakesFailed: number;
  pathChanges: number;
}

/** What is counted of what a host tells its operator. */
export class Happenings {
  /** Nanoseconds that handshakes of ours took. */
  readonly handshakes: Distribution = new Distribution();
  handshakesFailed = 0;
  /** By the reasons of operator/failure.ts. */
  readonly failures: Map<string, number> = new Map();
  /** What others showed us and we did not accept, by the reasons of handshake/refusal.ts. */
  readonly refusals: Map<string, number> = new Map();
  readonly #peers = new LruMap<string, PeerHappenings>(PEERS_MAX);
  readonly reloads: { applied: number; refused: number } = { applied: 0, refused: 0 };
  /** Of the last one that was applied, Unix milliseconds; before there is one, of the start. */
  reloadedAt: number;
  lastReloadGood = true;

  constructor(startedAt: number) {
    this.reloadedAt = startedAt;
  }

  heard({ code, fields }: Notice, now: number): void {
    const handshakeMs = fields["handshakeMs"];
    if (typeof handshakeMs === "number") this.handshakes.add(Math.round(handshakeMs * 1e6));
    if (code === "handshake-failed") this.handshakesFailed++;
    if (code === "handshake-failed" || code === "renewal-failed") countUp(this.failures, fields["reason"]);
    if (code === "handshake-refused") countUp(this.refusals, fields["reason"]);
    if (typeof fields["address"] === "string") this.#ofPeer(fields["address"], code);
    if (code === "reload-refused") {
      this.reloads.refused++;
      this.lastReloadGood = false;
    }
    if (code === "reload-applied") {
      this.reloads.applied++;
      this.lastReloadGood = true;
      this.reloadedAt = now;
    }
  }

  /** What happened with the peer of this overlay address. */
  of(address: string): PeerHappenings {
    return this.#peers.peek(address) ?? { handshakes: 0, handshakesFailed: 0, pathChanges: 0 };
  }

  #ofPeer(address: string, code: Notice["code"]): void {
    const what = PEER_COUNTS[code];
    if (what === undefined) return;
    this.#peers.getOrMake(address, () => ({ handshakes: 0, handshakesFailed: 0, pathChanges: 0 }))[what]++;
  }
}

const PEER_COUNTS: Readonly<Record<string, keyof PeerHappenings>> = {
  "tunnel-up": "handshakes",
  "session-renewed": "handshakes",
  "handshake-failed": "handshakesFailed",
  "renewal-failed": "handshakesFailed",
  "path-changed": "pathChanges",
};

/** The reasons are closed lists of ours, which bounds the table. */
function countUp(counts: Map<string, number>, reason: Notice["fields"][string] | undefined): void {
  if (typeof reason === "string") counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

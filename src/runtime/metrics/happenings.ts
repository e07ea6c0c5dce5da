import type { Notice } from "../../core/notice.ts";
import { Distribution } from "./distribution.ts";

/** What is counted of what a host tells its operator. */
export class Happenings {
  /** Nanoseconds that handshakes of ours took. */
  readonly handshakes: Distribution = new Distribution();
  handshakesFailed = 0;
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
}

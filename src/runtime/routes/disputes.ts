import { thisPlatform } from "../platform/this-platform.ts";
import type { Health } from "../service.ts";

/** Somebody who undoes so many repairs within the time does it again and again. */
const DISPUTE = { repairs: 5, withinMs: 60_000 } as const;

/** Repairs of what others change: whoever has to make them again and again has somebody against him. */
export class Disputes {
  #repairs: readonly number[] = [];

  /** What others had changed was put right. */
  settled(nowMs: number = Date.now()): void {
    this.#repairs = [...this.#repairs.slice(1 - DISPUTE.repairs), nowMs];
  }

  health(device: string, nowMs: number = Date.now()): readonly Health[] {
    const recent = this.#repairs.filter((at) => nowMs - at < DISPUTE.withinMs);
    if (recent.length < DISPUTE.repairs) return [];
    return [
      {
        code: "device-disputed",
        severity: "warning",
        text: `something on this machine changes ${device} or its routes again and again, and it is put right each time`,
        todo: thisPlatform().advice.leaveAlone(device),
      },
    ];
  }
}

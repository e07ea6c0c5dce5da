import { type WallTime, wallTime } from "../../src/core/base/time.ts";

/** The machine's clock: the only place of the tool that reads it. */
export function now(): { readonly wall: WallTime; readonly seconds: bigint } {
  const ms = BigInt(Date.now());
  return { wall: wallTime(ms * 1_000_000n), seconds: ms / 1000n };
}

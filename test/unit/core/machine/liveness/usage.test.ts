import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import type { LocalIndex, SessionActivity } from "../../../../../src/core/dataplane/contract.ts";
import { Usage } from "../../../../../src/core/machine/liveness/usage.ts";

const INDEX = 7 as LocalIndex;

describe("a session is used", () => {
  test("when an inner packet went through it, be it the shortest there is", () => {
    const usage = new Usage();
    expect(usage.sampled(sent(1, 52), instant(1000))).toMatchObject({ isUsed: true, wantsAnswer: true });
  });

  test("not when its data plane answered tests and path requests", () => {
    const usage = new Usage();
    expect(usage.sampled(sent(4, 2 * 32 + 2 * 48), instant(1000))).toMatchObject({ isUsed: false });
  });

  test("not by what this host says itself, and between that it still is", () => {
    const usage = new Usage();
    usage.posted(INDEX, 300, false);
    expect(usage.sampled(sent(1, 332), instant(1000))).toMatchObject({ isUsed: false, wantsAnswer: true });
    usage.posted(INDEX, 300, false);
    expect(usage.sampled(sent(3, 332 * 2 + 84), instant(2000))).toMatchObject({ isUsed: true });
  });

  test("so many times a second", () => {
    const usage = new Usage();
    usage.sampled(sent(10, 1_000), instant(1000));
    expect(usage.sampled(sent(30, 3_000), instant(3000)).sentPerSecond).toBe(10);
  });
});

describe("an answer", () => {
  test("wants none itself: nobody has been spoken to in vain who was only sent acknowledgements", () => {
    const usage = new Usage();
    usage.posted(INDEX, 20, true);
    expect(usage.sampled(sent(1, 52), instant(1000))).toMatchObject({ wantsAnswer: false, isUsed: false });
    usage.posted(INDEX, 20, true);
    usage.posted(INDEX, 20, false);
    expect(usage.sampled(sent(3, 156), instant(2000))).toMatchObject({ wantsAnswer: true });
  });
});

function sent(packets: number, bytes: number): SessionActivity {
  return {
    localIndex: INDEX,
    received: false,
    sent: true,
    receivedPackets: 0n,
    receivedBytes: 0n,
    sentPackets: BigInt(packets),
    sentBytes: BigInt(bytes),
  };
}

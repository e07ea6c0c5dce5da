import { describe, expect, test } from "vitest";
import { packed } from "../../../../../src/core/base/packed.ts";
import { wallTime } from "../../../../../src/core/base/time.ts";
import { admit } from "../../../../../src/core/machine/answers/admission.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");
const wall = wallTime(1_795_132_800_000_000_000n);
const DAY = 86_400_000_000_000n;
const message1Hash = packed(new Uint8Array(32));

describe("a message 1", () => {
  test("of any time is let in while no session stands that certainly works", () => {
    expect(admit(undefined, 0n, wall)).toBe("accept");
  });

  test("must be later than the one whose session we answered; equal is too old", () => {
    const primary = aSession(peer, { message1Hash, peerTime: wall });
    expect(admit(primary, wall - 1n, wall)).toBe("too-old");
    expect(admit(primary, wall, wall)).toBe("too-old");
    expect(admit(primary, wall + 1n, wall)).toBe("accept");
  });

  test("is not compared with a session that we started", () => {
    expect(admit(aSession(peer, { peerTime: wall }), wall - 1n, wall)).toBe("accept");
  });

  test("a day off is not believed while a session stands", () => {
    const primary = aSession(peer, { message1Hash, peerTime: 0n });
    expect(admit(primary, wall + DAY, wall)).toBe("accept");
    expect(admit(primary, wall + DAY + 1n, wall)).toBe("implausible-time");
    expect(admit(primary, wall - DAY - 1n, wall)).toBe("implausible-time");
  });
});

import { expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { successorAmong } from "../../../../../src/core/machine/sessions/successor.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

test("the live session heard from last takes over, never one that has not proven itself", () => {
  const peer = trusted("peer", "10.77.0.2/16");
  const [first, second, unproven] = [aSession(peer), aSession(peer), aSession(peer, { confirmed: false })];
  const heard = new Map([
    [first, instant(500)],
    [second, instant(400)],
    [unproven, instant(600)],
  ]);
  expect(successorAmong([second, first, unproven], (session) => heard.get(session as typeof first))).toBe(first);
  expect(successorAmong([unproven], () => undefined)).toBeUndefined();
});

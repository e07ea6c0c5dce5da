import { expect, test } from "vitest";
import { CUT_MS, revokeAmong } from "./revocation-play.ts";

test("a host that is revoked while everybody talks with it is heard by nobody three seconds later, the one that slept included; nobody else loses a packet (npm run sim:revocation)", () => {
  const revoked = revokeAmong(8);
  // Two lighthouses, and eight hosts.
  expect(revoked).toMatchObject({ online: 10, talked: 10, heardBySleeper: 0, others: { lost: 0 } });
  expect(Math.max(...revoked.cutAfterMs)).toBeLessThanOrEqual(CUT_MS);
  expect(revoked.others.sent).toBeGreaterThan(500);
  expect(revoked.counted).toEqual(["applied on 9 of 10; pending: nas", "applied on 10 of 10; pending: nobody"]);
});

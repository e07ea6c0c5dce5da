import { describe, expect, test } from "vitest";
import { knownTrouble } from "../../../../src/admin/doctor/by-health.ts";
import { healthOf, worst } from "../../../../src/admin/health/health.ts";
import type { SendTrouble } from "../../../../src/core/machine/losses/losses.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { Health } from "../../../../src/runtime/service.ts";
import { daemonFacts, NOW_MS, nodeStatus } from "../fixture.ts";

const trouble: SendTrouble = {
  error: "EPERM",
  places: ["192.0.2.2:4242" as Endpoint, "192.0.2.3:4242" as Endpoint],
  sinceMs: 12_000,
  lastMs: 100,
  isTotal: false,
};

describe("health of what the system does not send", () => {
  test("says why, where and for how long, and what to do", () => {
    const [one] = healthWith(trouble);
    expect(one).toEqual({
      code: "send-refused",
      about: "EPERM",
      severity: "warning",
      text: "datagrams do not leave this machine: not permitted: a packet filter of this machine refuses them (EPERM), last to 192.0.2.3:4242, 192.0.2.2:4242, for 12 s",
      todo: "look at the packet filter of this machine (nft list ruleset) and let lacis' UDP port out",
    });
  });

  test.each<[string, boolean, Health["severity"], RegExp]>([
    ["EPERM", true, "warning", /packet filter/],
    ["EACCES", true, "warning", /prohibits it/],
    ["ENETUNREACH", true, "warning", /no route there/],
    // Not every address of a host can be reached from everywhere.
    ["ENETUNREACH", false, "note", /no route there/],
    ["EHOSTUNREACH", false, "note", /nobody answers there/],
    ["ENETDOWN", true, "warning", /interface that leads there is down/],
    ["EADDRNOTAVAIL", true, "warning", /no address to send from/],
    ["EAFNOSUPPORT", false, "note", /other address family/],
    ["ECONNREFUSED", false, "note", /nobody listens/],
    ["EMSGSIZE", false, "note", /too long/],
    ["EINVAL", true, "warning", /throws them away/],
    ["EAGAIN", true, "note", /buffer is full/],
    ["ENOBUFS", true, "note", /no buffer left/],
    ["ESOMETHING", true, "warning", /the system refuses it \(ESOMETHING\)/],
    ["constructor", true, "warning", /the system refuses it \(constructor\)/],
  ])("%s, everywhere: %s, is a %s", (error, isTotal, severity, why) => {
    const [one] = healthWith({ ...trouble, error, isTotal });
    expect(one).toMatchObject({ severity, text: expect.stringMatching(why) });
    expect(one?.text.startsWith("nothing leaves")).toBe(isTotal);
    expect(one?.text).toContain(`(${error})`);
  });

  test("is never 'all well' while something is refused", () => {
    expect(worst(healthWith(trouble))).toBe("warning");
    expect(worst(healthOf(nodeStatus(), daemonFacts(), NOW_MS))).toBe("ok");
  });
});

describe("doctor", () => {
  test("doubts what is below the overlay while the system does not send, and says why", () => {
    expect(knownTrouble(healthWith(trouble), "underlay")).toMatchObject({
      outcome: "doubtful",
      text: expect.stringContaining("(EPERM)"),
    });
    expect(knownTrouble(healthWith({ ...trouble, error: "ENETUNREACH" }), "underlay")).toBeUndefined();
  });
});

function healthWith(one: SendTrouble): readonly Health[] {
  return healthOf(nodeStatus({ sendTroubles: [one] }), daemonFacts(), NOW_MS);
}

import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { disownedSession } from "../../../../../src/core/machine/liveness/recv-error.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");
const path = "192.0.2.9:4242" as Endpoint;
const now = instant(10_000);
const never = () => undefined;

describe("a recv_error disowns a session", () => {
  test("only from exactly the session's path", () => {
    const session = aSession(peer, { path });
    expect(disownedSession([session], path, "always", never, now)).toBe(session);
    expect(disownedSession([session], "192.0.2.9:4243" as Endpoint, "always", never, now)).toBeUndefined();
    expect(disownedSession([], path, "always", never, now)).toBeUndefined();
  });

  test("only when that session has proven itself", () => {
    expect(disownedSession([aSession(peer, { path, confirmed: false })], path, "always", never, now)).toBeUndefined();
  });

  test("only once in five seconds", () => {
    const session = aSession(peer, { path });
    expect(disownedSession([session], path, "always", () => instant(5001), now)).toBeUndefined();
    expect(disownedSession([session], path, "always", () => instant(5000), now)).toBe(session);
  });

  test.each([
    ["192.0.2.9:1", "never", false],
    ["192.0.2.9:1", "private", false],
    ["10.1.2.3:1", "private", true],
    ["172.31.0.1:1", "private", true],
    ["172.32.0.1:1", "private", false],
    ["192.168.1.1:1", "private", true],
    ["[fd00::1]:1", "private", true],
    ["[2001:db8::1]:1", "private", false],
    ["[2001:db8::1]:1", "always", true],
  ] as const)("from %s with accept_recv_error %s: %s", (source, policy, expected) => {
    const session = aSession(peer, { path: source });
    expect(disownedSession([session], source as Endpoint, policy, never, now) !== undefined).toBe(expected);
  });
});

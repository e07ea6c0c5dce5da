import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { disownedSession } from "../../../../src/core/tunnel/recv-error.ts";
import { session, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");
const path = "192.0.2.9:4242" as Endpoint;
const now = instant(10_000);

describe("a recv_error disowns a session", () => {
  test("only from exactly the session's path", () => {
    const tunnel = session(peer, { path });
    expect(disownedSession([tunnel], path, "always", now)).toBe(tunnel);
    expect(disownedSession([tunnel], "192.0.2.9:4243" as Endpoint, "always", now)).toBeUndefined();
    expect(disownedSession([], path, "always", now)).toBeUndefined();
  });

  test("only when that session has proven itself", () => {
    expect(disownedSession([session(peer, { path, confirmed: false })], path, "always", now)).toBeUndefined();
  });

  test("only once in five seconds", () => {
    const tunnel = session(peer, { path });
    tunnel.lastRecvErrorAt = instant(5001);
    expect(disownedSession([tunnel], path, "always", now)).toBeUndefined();
    tunnel.lastRecvErrorAt = instant(5000);
    expect(disownedSession([tunnel], path, "always", now)).toBe(tunnel);
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
    const tunnel = session(peer, { path: source });
    expect(disownedSession([tunnel], source as Endpoint, policy, now) !== undefined).toBe(expected);
  });
});

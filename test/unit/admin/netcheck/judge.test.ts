import { describe, expect, test } from "vitest";
import { judge, type Measured } from "../../../../src/admin/netcheck/judge.ts";
import { netcheckText } from "../../../../src/cli/render-netcheck.ts";
import type { PingResult } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { PingFailure } from "../../../../src/core/operator/failure.ts";
import { UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";
import { nodeStatus, peerStatus } from "../fixture.ts";

const lighthouse = "10.77.0.1" as IpAddress;
const at = "192.0.2.1:4242" as Endpoint;
const relays = { hasRelays: true, portMapping: { is: "off" } as const };
const pong: PingResult = {
  outcome: "pong",
  name: "lh",
  address: lighthouse,
  path: at,
  relay: undefined,
  roundTripMs: 12.34,
  handshakeMs: undefined,
};

const nat = (mapping: "sequential" | "unknown", seenAt: readonly string[]) => ({
  ...UNKNOWN_NAT,
  mapping,
  delta: mapping === "sequential" ? 256 : 0,
  seenAt: seenAt as readonly Endpoint[],
  keepsPort: false,
});

describe("the report about the network", () => {
  test("says what is known, and that the rest is not", () => {
    const status = nodeStatus({ nat: nat("sequential", ["203.0.113.1:20000", "203.0.113.1:20256"]) });
    const report = judge(status, measured(pong, { tcp443: "refused", hairpin: true }), relays);
    expect(netcheckText(report).split("\n")).toEqual([
      "Report:",
      "    UDP:           yes",
      "    IPv4:          seen at 203.0.113.1:20000, 203.0.113.1:20256",
      "    IPv6:          unknown",
      "    Mapping:       another for each peer, counted, another port, 256 further on each time",
      "    Filtering:     unknown",
      "    Hairpin:       yes",
      "    Port mapping:  unknown, listen.map_port is off",
      "    MTU:           unknown",
      "    TCP 443:       nobody listens there",
      "Lighthouses:",
      "    lh (10.77.0.1): 12.3 ms over udp at 192.0.2.1:4242",
      expect.stringMatching(/^An address translator that gives each peer another port, 256 further on/),
    ]);
  });

  test("has the MTU of the way to the lighthouse, where that was asked for", () => {
    const peers = [peerStatus({ addresses: [lighthouse], mtu: 1_392 }), peerStatus({ mtu: 1_000 })];
    expect(judge(nodeStatus({ peers }), measured(pong), relays).mtu).toBe(1_392);
  });

  test.each<[string, PingFailure, string]>([
    ["dns", { reason: "no-endpoint-known", why: "names-do-not-resolve", ...whom() }, "DNS"],
    ["udp", { reason: "handshake-timeout", why: "no-answer", tried: [at], waitedMs: 5_500, attempts: 10 }, "UDP"],
    [
      "udp",
      { reason: "handshake-timeout", why: "no-tunnel-in-time", target: lighthouse, waitedMs: 9, tried: [at] },
      "UDP",
    ],
    [
      "dns",
      { reason: "handshake-timeout", why: "no-tunnel-in-time", target: lighthouse, waitedMs: 9, tried: [] },
      "DNS",
    ],
    ["certificate", { reason: "handshake-timeout", why: "unreadable", from: at, cipher: "aes" }, "certificate"],
    [
      "certificate",
      { reason: "handshake-refused", why: "refused", from: at, refusal: { code: "place-not-allowed" } },
      "certificate",
    ],
    ["configuration", { reason: "no-endpoint-known", why: "nobody-to-ask", ...whom() }, "configuration"],
    ["this-host", { reason: "data-plane-down" }, "cannot send"],
  ])("names %s as what keeps a lighthouse from being reached", (obstacle, failure, words) => {
    const report = judge(nodeStatus(), measured(failed(failure)), relays);
    expect(report.lighthouses[0]?.failed).toMatchObject({ obstacle, todo: expect.stringMatching(/./) });
    expect(report.udp).toBe(obstacle === "udp" ? "no" : "unknown");
    expect(report.verdict).toContain(words);
  });

  test("does not take one lighthouse that is down for blocked UDP while another answers", () => {
    const silent = failed({ reason: "handshake-timeout", why: "no-answer", tried: [at], waitedMs: 1, attempts: 1 });
    const pings = [pong, silent].map((result, i) => ({ address: `10.77.0.${i + 1}` as IpAddress, result }));
    expect(judge(nodeStatus(), { pings, others: [], tcp443: undefined, hairpin: false }, relays).udp).toBe("yes");
  });

  test("says that UDP is blocked when the lighthouse answers over TCP", () => {
    const carrier = { name: "lh", address: lighthouse, remote: "192.0.2.1:443" as Endpoint };
    const status = nodeStatus({ peers: [peerStatus({ addresses: [lighthouse], carrier })] });
    const report = judge(status, measured(pong, { tcp443: "open" }), relays);
    expect(report).toMatchObject({ udp: "no", lighthouses: [{ over: "tcp", path: "192.0.2.1:443" }] });
    expect(report.verdict).toMatch(/^UDP is blocked/);
  });

  test("does not call UDP blocked while another host answers straight", () => {
    const silent = failed({ reason: "handshake-timeout", why: "no-answer", tried: [at], waitedMs: 1, attempts: 1 });
    const report = judge(nodeStatus(), measured(silent, { others: ["server"] }), relays);
    expect(report.udp).toBe("yes");
    expect(report.verdict).toBe(
      "No lighthouse answers over UDP, which works all the same (server answers): they are down, or something is on the way to them.",
    );
    const carrier = { name: "lh", address: lighthouse, remote: "192.0.2.1:443" as Endpoint };
    const status = nodeStatus({ peers: [peerStatus({ addresses: [lighthouse], carrier })] });
    expect(judge(status, measured(pong, { others: ["server"] }), relays).verdict).toContain("server answers");
  });

  test("says why nobody can tell, on a lighthouse and without one", () => {
    const nobody = { pings: [], others: [], tcp443: undefined, hairpin: false };
    expect(judge(nodeStatus({ amLighthouse: true }), nobody, relays).verdict).toContain("is a lighthouse");
    expect(judge(nodeStatus({ lighthouses: [] }), nobody, relays).verdict).toContain("No lighthouse is configured");
  });
});

function measured(result: PingResult, more: Partial<Measured> = {}): Measured {
  return { pings: [{ address: lighthouse, result }], others: [], tcp443: undefined, hairpin: false, ...more };
}

function failed(failure: PingFailure): PingResult {
  return { outcome: "failed", name: undefined, address: lighthouse, failure };
}

function whom() {
  return { target: lighthouse, lighthouses: [], places: [] };
}

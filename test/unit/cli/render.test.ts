import { describe, expect, test } from "vitest";
import { duration } from "../../../src/admin/duration.ts";
import { statusReport } from "../../../src/admin/status-report.ts";
import { pingLine } from "../../../src/cli/render-ping.ts";
import { statusText } from "../../../src/cli/render-status.ts";
import { styleFor } from "../../../src/cli/style.ts";
import { table } from "../../../src/cli/table.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { UNKNOWN_NAT } from "../../../src/core/wire/nat-report.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../admin/fixture.ts";

const plain = styleFor({ isTTY: false }, {});

describe("the status of a host", () => {
  test("says through whom a peer is reached, and on a relay whom it carries", () => {
    const hub = { name: "hub", address: "10.77.0.9" as IpAddress };
    const hosts = ["laptop", "phone"].map((name, i) => ({ name, address: `10.77.0.${i + 3}` as IpAddress }));
    const [laptop, phone] = hosts as [(typeof hosts)[0], (typeof hosts)[0]];
    const node = nodeStatus({
      peers: [peerStatus({ path: undefined, relay: hub })],
      relayed: [
        { hosts: [laptop, phone], isUp: true, bytes: 1_234_567 },
        { hosts: [laptop, hub], isUp: false, bytes: 0 },
      ],
    });
    const lines = statusText(statusReport(node, daemonFacts(), NOW_MS), plain).split("\n");
    expect(lines[1]).toContain("  via hub  ");
    expect(lines.slice(2, 6)).toEqual([
      "",
      "Relayed by this host",
      "  laptop and phone  up                   1235 kB",
      "  laptop and hub    one side is missing  0 kB",
    ]);
  });

  test("is a table of peers, then this host, then its health", () => {
    const target = "10.77.0.9" as IpAddress;
    const peers = [
      peerStatus(),
      peerStatus({
        name: undefined,
        addresses: [target],
        state: "failed",
        trouble: {
          of: "failed-call",
          failure: { reason: "no-endpoint-known", why: "names-do-not-resolve", target, lighthouses: [], places: [] },
        },
        path: undefined,
        roundTripMs: undefined,
        loss: undefined,
        lastReceivedMs: undefined,
        certificateNotAfter: undefined,
        certificateVersion: undefined,
      }),
    ];
    const report = statusReport(nodeStatus({ peers }), daemonFacts(), NOW_MS);
    expect(statusText(report, plain).split("\n")).toEqual([
      "NAME    ADDRESS    STATE   PATH                   RTT     LOSS  LAST RX  CERT",
      "server  10.77.0.2  up      direct 192.0.2.2:4242  0.8 ms  0 %   2 s ago  364 d",
      "?       10.77.0.9  failed  -                      -       -     never    -",
      "",
      "This host      laptop 10.77.0.3",
      "  groups       dev",
      "  certificate  v1, valid for 200 d",
      "  lighthouses  1/1 up",
      "  data plane   lacis-dataplane 0.1.0 (0123456789ab, up 60 min), up, device nebula1, UDP port 4242, aes by ring",
      "  guard        routes standing, underlay closed, 0 packets refused",
      "  daemon       lacis 0.1.0, pid 4711, up 60 min, handshakes by lacis-crypto, /etc/lacis/config.yml",
      "",
      "Health:",
      "  ! no tunnel to 10.77.0.9: the names in static_host_map for 10.77.0.9 do not resolve - lacis ping 10.77.0.9",
    ]);
  });

  test("says nothing of whose code encrypts where the data plane does not tell", () => {
    const { dataPlane } = daemonFacts();
    const text = (ciphers: typeof dataPlane.ciphers): string =>
      statusText(statusReport(nodeStatus(), daemonFacts({ dataPlane: { ...dataPlane, ciphers } }), NOW_MS), plain);
    expect(text([])).toContain("UDP port 4242\n");
    expect(text([{ cipher: "chachapoly", library: "ring" }])).toContain("UDP port 4242\n");
    expect(text([{ cipher: "aes", library: "a\u001bb" }])).toContain("UDP port 4242, aes by a\\u{1b}b\n");
  });

  test("says whose code computes handshakes where the daemon tells", () => {
    const report = statusReport(nodeStatus(), daemonFacts({ handshakeLibrary: "openssl" }), NOW_MS);
    expect(report.daemon.handshakeLibrary).toBe("openssl");
    expect(statusText(report, plain)).toContain(", up 60 min, handshakes by openssl, /etc/");
    const { handshakeLibrary: _untold, ...daemon } = report.daemon;
    const older = { ...report, daemon: daemon as typeof report.daemon };
    expect(statusText(older, plain)).toContain(", up 60 min, /etc/");
  });

  test("says what lighthouses see of the translator, once two of them do", () => {
    const seenAt = ["203.0.113.8:20000", "203.0.113.8:20001"] as Endpoint[];
    const nat = { ...UNKNOWN_NAT, mapping: "sequential", delta: 1, seenAt, keepsPort: false } as const;
    const report = statusReport(nodeStatus({ nat }), daemonFacts(), NOW_MS);
    expect(statusText(report, plain)).toContain(
      "  translator   another port for each peer, counted, seen at 203.0.113.8:20000, 203.0.113.8:20001",
    );
    expect(report.host.nat).toMatchObject({ mapping: "sequential", portStep: 1, keepsPort: false });
  });

  test("says how long packets to a peer may be only where that is less than the device lets through", () => {
    const pathsOf = (mtu: number | undefined) =>
      statusText(statusReport(nodeStatus({ peers: [peerStatus({ mtu })] }), daemonFacts(), NOW_MS), plain).split(
        "\n",
      )[1];
    expect(pathsOf(1_220)).toContain("direct 192.0.2.2:4242, mtu 1220  ");
    for (const mtu of [undefined, 1_300, 9_001]) expect(pathsOf(mtu)).not.toContain("mtu");
  });

  test("says of a peer behind a relay why it is", () => {
    const relay = { name: "hub", address: "10.77.0.9" as IpAddress };
    const peers = [peerStatus({ path: undefined, relay, whyRelayed: "no-answer", loss: 0.125 })];
    const report = statusReport(nodeStatus({ peers }), daemonFacts(), NOW_MS);
    expect(statusText(report, plain)).toContain("via hub: nothing answered straight  0.8 ms  13 %");
    expect(report.peers[0]).toMatchObject({ whyRelayed: "no-answer", loss: 0.125 });
  });

  test("of a host without tunnels says how one comes about", () => {
    const report = statusReport(nodeStatus({ peers: [] }), daemonFacts(), NOW_MS);
    expect(statusText(report, plain)).toMatch(/^No tunnels\. .*lacis ping/);
    expect(statusText(report, plain)).toMatch(/Health: all well$/);
  });

  test("has colours on a terminal only, and not where NO_COLOR is set", () => {
    const report = statusReport(nodeStatus(), daemonFacts(), NOW_MS);
    expect(statusText(report, styleFor({ isTTY: true }, {}))).toContain("\u001b[32mup\u001b[0m");
    expect(statusText(report, styleFor({ isTTY: true }, { NO_COLOR: "1" }))).not.toContain("\u001b");
    expect(statusText(report, plain)).not.toContain("\u001b");
  });

  test("shows no control character that a certificate might carry", () => {
    const report = statusReport(
      nodeStatus({ peers: [peerStatus({ name: "a\u001b]0;owned\u0007" })] }),
      daemonFacts(),
      NOW_MS,
    );
    expect(statusText(report, plain)).toContain("a\\u{1b}]0;owned\\u{7}");
  });

  test("has nothing in a command to type but what is ours: addresses, never names", () => {
    const address = "10.77.0.1" as IpAddress;
    const lighthouses = [{ address, name: "x; reboot", up: false, serves: undefined }];
    const peers = [peerStatus({ name: "$(reboot)", state: "failed" })];
    const report = statusReport(nodeStatus({ lighthouses, peers }), daemonFacts(), NOW_MS);
    expect(report.health.map(({ todo }) => todo).filter((todo) => todo.includes("reboot"))).toEqual([]);
    expect(report.health.map(({ todo }) => todo)).toContain("lacis ping 10.77.0.1");
  });
});

describe("a ping", () => {
  const pong = {
    outcome: "pong",
    name: "server",
    address: "10.77.0.2",
    path: "192.0.2.2:4242",
    relay: null,
    roundTripMs: 0.82,
    handshakeMs: null,
  } as const;

  test("that was answered names peer, path and time", () => {
    expect(pingLine(pong, "server")).toBe("pong from server (10.77.0.2) direct 192.0.2.2:4242 in 0.8 ms");
  });

  test("that came through a relay says through whom", () => {
    const relayed = { ...pong, path: null, relay: { name: "hub", address: "10.77.0.9" } };
    expect(pingLine(relayed, "server")).toBe("pong from server (10.77.0.2) via hub in 0.8 ms");
  });

  test("that had to build the tunnel says so", () => {
    expect(pingLine({ ...pong, handshakeMs: 3.04 }, "server")).toMatch(/ in 0\.8 ms \(tunnel built in 3\.0 ms\)$/);
  });

  test("that failed gives reason and hint", () => {
    const failed = {
      outcome: "failed",
      name: null,
      address: null,
      reason: "unknown-name",
      text: "No host of that name is connected.",
      hint: "Ping its address.",
    } as const;
    expect(pingLine(failed, "srv")).toBe("no answer from srv - no host of that name is connected - ping its address");
  });
});

describe("a duration", () => {
  test.each([
    [0.04, "0.0 ms"],
    [9.96, "10.0 ms"],
    [42.4, "42 ms"],
    [1_500, "1 s"],
    [99_000, "99 s"],
    [180_000, "3 min"],
    [7_200_000, "2 h"],
    [31_500_000_000, "364 d"],
  ])("of %d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe("a table", () => {
  test("counts no colour as width and ends no line with spaces", () => {
    expect(
      table([
        ["\u001b[1ma\u001b[0m", "b"],
        ["longer", ""],
      ]),
    ).toEqual(["\u001b[1ma\u001b[0m       b", "longer  "]);
  });
});

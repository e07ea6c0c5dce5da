import { describe, expect, test } from "vitest";
import type { DaemonFacts } from "../../../../src/admin/daemon-facts.ts";
import { dropText } from "../../../../src/admin/drop-text.ts";
import { healthOf } from "../../../../src/admin/health/health.ts";
import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import { DropReason } from "../../../../src/core/drop-reason.ts";
import type { NodeStatus, PeerStatus } from "../../../../src/core/io.ts";
import type { BulletinStatus } from "../../../../src/core/machine/bulletins/status.ts";
import type { RecentDrops } from "../../../../src/core/machine/losses/drop-ledger.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { render } from "../../../../src/core/operator/render.ts";
import type { DataPlaneDescription } from "../../../../src/runtime/dataplane/data-plane.ts";
import { dataPlaneHealth } from "../../../../src/runtime/dataplane/data-plane-service.ts";
import { noCounters } from "../../fixtures/counters.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../fixture.ts";

const NOW_S = NOW_MS / 1000;
const DAY_S = 86_400;

describe("health", () => {
  test("of a healthy host is nothing", () => {
    expect(healthOf(nodeStatus(), daemonFacts(), NOW_MS)).toEqual([]);
  });

  test("says that nothing but TCP comes through, on the side that has dialled", () => {
    const address = "10.77.0.1" as IpAddress;
    const carrier = { name: "lh", address, remote: "192.0.2.1:443" as Endpoint };
    const peers = ["lh", "server"].map((name) => peerStatus({ name, carrier }));
    const dialling = daemonFacts({ carriers: { ...daemonFacts().carriers, dialled: 1 } });
    expect(healthOf(nodeStatus({ peers }), dialling, NOW_MS)).toEqual([
      expect.objectContaining({ code: "over-tcp", text: expect.stringMatching(/^no UDP comes through to lh: /) }),
    ]);
    expect(healthOf(nodeStatus({ peers }), daemonFacts(), NOW_MS)).toEqual([]);
  });

  test("says at once that lighthouses are down when one was called in vain", () => {
    const lighthouses = [{ address: "10.77.0.1" as IpAddress, name: undefined, up: false, serves: undefined }];
    const down = (peers: readonly PeerStatus[]) =>
      healthOf(nodeStatus({ lighthouses, peers }), daemonFacts(), NOW_MS).find(
        ({ code }) => code === "lighthouse-down",
      );
    expect(down([])?.afterMs).toBe(3_000);
    expect(down([peerStatus({ state: "failed", addresses: ["10.77.0.1" as IpAddress] })])?.afterMs).toBeUndefined();
  });

  test("of a certificate that ends advises what the event about it does", () => {
    const event = {
      code: "certificate-expires",
      name: "laptop",
      version: 1,
      isGuest: false,
      notAfter: NOW_S + 60,
      secondsLeft: 60,
      renewsItself: false,
    } as const;
    const advice = /renew it with lacis-cert resign\b.*, then: lacis reload/;
    expect(render(event).text).toMatch(advice);
    for (const certificateNotAfter of [NOW_S + 60, NOW_S - 60])
      expect(healthOf(nodeStatus({ certificateNotAfter }), daemonFacts(), NOW_MS)[0]?.todo).toMatch(advice);
  });

  test.each<[string, Partial<NodeStatus>, string, RegExp]>([
    ["its certificate ends in 6 days", { certificateNotAfter: NOW_S + 6 * DAY_S }, "error", /expires in 6 d/],
    ["its certificate ends in 20 days", { certificateNotAfter: NOW_S + 20 * DAY_S }, "warning", /expires in 20 d/],
    ["its certificate was revoked", { isRevoked: true }, "error", /was revoked: no host lets it in/],
    [
      "a list cannot be applied here",
      { bulletins: [bulletin({ state: "refused" })] },
      "error",
      /list 7 of home cannot be/,
    ],
    [
      "a list cannot be applied there",
      { bulletins: [bulletin({ refused: ["nas"] })] },
      "warning",
      /cannot be applied on nas/,
    ],
    [
      "hosts of a lighthouse have not applied a list",
      { amLighthouse: true, bulletins: [bulletin({ pending: ["nas"] })] },
      "note",
      /is not applied yet on nas/,
    ],
    ["its certificate has ended", { certificateNotAfter: NOW_S - 7_200 }, "error", /expired 2 h|expired 120 min/],
    [
      "its certificate of a day ends in three hours",
      { certificateNotBefore: NOW_S - 21 * 3_600, certificateNotAfter: NOW_S + 3 * 3_600 },
      "error",
      /expires in 3 h|expires in 180 min/,
    ],
    [
      "the authority that has signed it ends in 20 days",
      { authorities: [authority(20, true)] },
      "warning",
      /the authority mesh, which has signed this host's certificate, expires in 20 d/,
    ],
    [
      "its authority has ended",
      { authorities: [authority(-3, true)] },
      "error",
      /the authority mesh.* expired 3 d ago/,
    ],
    ["an authority that others may need has ended", { authorities: [authority(-3, false)] }, "note", /expired 3 d ago/],
    ["no lighthouse answers", { lighthouses: [lighthouse("lh", false)] }, "error", /no lighthouse answers \(lh\)/],
    [
      "one lighthouse of two answers",
      { lighthouses: [lighthouse("lh1", true), lighthouse("lh2", false)] },
      "warning",
      /not every lighthouse answers \(lh2\)/,
    ],
    [
      "a peer cannot be reached",
      { peers: [failedPeer()] },
      "warning",
      /no tunnel to server: no answer from 192\.0\.2\.2:4242 in 5\.5 s/,
    ],
    [
      "the certificate of a peer ends soon",
      { peers: [peerStatus({ certificateNotAfter: NOW_S + 3 * DAY_S })] },
      "warning",
      /certificate of server expires in 3 d/,
    ],
  ])("says in a sentence that %s", (_, changes, severity, sentence) => {
    const [first] = healthOf(nodeStatus(changes), daemonFacts(), NOW_MS);
    expect(first).toMatchObject({ severity, text: expect.stringMatching(sentence) });
  });

  test("says why the data plane is down, and counts its restarts afterwards", () => {
    const { dataPlane } = daemonFacts();
    const down = withDataPlane({ ...dataPlane, state: "starting", lastError: "it was ended by SIGKILL" });
    expect(healthOf(nodeStatus(), down, NOW_MS)[0]?.text).toBe(
      "the data plane is not running: it was ended by SIGKILL",
    );
    const back = withDataPlane({ ...dataPlane, restarts: 2 });
    expect(healthOf(nodeStatus(), back, NOW_MS)[0]?.text).toContain("restarted 2 times");
  });

  test("keeps a refused reload and a restart that is owed in mind", () => {
    const daemon = daemonFacts({
      refusedReload: "config.yml:3:1: firewal: unknown key",
      needsRestart: ["listen.port"],
    });
    expect(healthOf(nodeStatus(), daemon, NOW_MS).map(({ code }) => code)).toEqual([
      "reload-refused",
      "restart-needed",
    ]);
  });

  test("names packets that were dropped lately by their reason, most first, and leaves out what is expected", () => {
    const recentDrops = new Map<DropReason, RecentDrops>([
      [DropReason.punch, { packets: 900, lastMs: 1_000 }],
      [DropReason.noMatchingRule, { packets: 12, lastMs: 1_000 }],
      [DropReason.fragment, { packets: 1, lastMs: 200_000 }],
    ]);
    const texts = healthOf(nodeStatus({ recentDrops }), daemonFacts(), NOW_MS).map(({ text }) => text);
    expect(texts).toEqual([
      "12 packets dropped in the last 5 min (no-matching-rule): no firewall rule allows them",
      "1 packet dropped in the last 5 min (fragment): fragments whose first part came later or never, or was refused",
    ]);
  });

  test("is not touched by what was dropped before", () => {
    const counters = noCounters({ drops: new Map([[DropReason.noMatchingRule, 12n]]) });
    expect(healthOf(nodeStatus({ counters }), daemonFacts(), NOW_MS)).toEqual([]);
  });

  test("says nothing of certificates that live for days and have their third of life before them", () => {
    const week = { certificateNotBefore: NOW_S - 3 * DAY_S, certificateNotAfter: NOW_S + 4 * DAY_S };
    const node = nodeStatus({ ...week, peers: [peerStatus(week)] });
    expect(healthOf(node, daemonFacts(), NOW_MS)).toEqual([]);
  });

  test("names whoever has to see to a certificate: the host itself, or whoever holds the authority's key", () => {
    const ends = { certificateNotAfter: NOW_S + DAY_S };
    const [byItself] = healthOf(nodeStatus({ ...ends, renewsItself: true }), daemonFacts(), NOW_MS);
    const [byHand] = healthOf(nodeStatus({ ...ends, renewsItself: false }), daemonFacts(), NOW_MS);
    expect(byItself?.todo).toMatch(/^it was to renew itself and has not/);
    expect(byItself?.because).toContain("renewal-failing");
    expect(byHand?.todo).toMatch(/where the authority's key is/);
    expect(byHand?.because).toEqual([]);
  });

  test("names five peers that cannot be reached and counts the rest", () => {
    const peers = Array.from({ length: 40 }, (_, i) => failedPeer({ name: `host${i}` }));
    expect(healthOf(nodeStatus({ peers }), daemonFacts(), NOW_MS)).toHaveLength(6);
  });

  test("comes worst first", () => {
    const peers = [failedPeer()];
    const found = healthOf(nodeStatus({ peers, certificateNotAfter: NOW_S - 1 }), daemonFacts(), NOW_MS);
    expect(found.map(({ severity }) => severity)).toEqual(["error", "warning"]);
  });
});

describe("each drop reason", () => {
  test.each(Object.values(DropReason))("%s has a sentence and an advice", (reason) => {
    expect(dropText[reason].why).not.toBe("");
    expect(dropText[reason].todo).not.toBe("");
  });
});

function authority(days: number, isOurs: boolean): NodeStatus["authorities"][number] {
  const [notBefore, notAfter] = [NOW_S - 300 * DAY_S, NOW_S + days * DAY_S];
  return { name: "mesh", fingerprint: "ab" as Fingerprint, notBefore, notAfter, isOurs };
}

function lighthouse(name: string, up: boolean): NodeStatus["lighthouses"][number] {
  return { name, up, serves: undefined, address: "10.77.0.1" as IpAddress };
}

function withDataPlane(dataPlane: DataPlaneDescription): DaemonFacts {
  return daemonFacts({ dataPlane, services: [{ name: "data-plane", health: dataPlaneHealth(dataPlane) }] });
}

function failedPeer(changes: Partial<PeerStatus> = {}): PeerStatus {
  const tried = ["192.0.2.2:4242" as Endpoint];
  const failure = { reason: "handshake-timeout", why: "no-answer", tried, waitedMs: 5_500, attempts: 10 } as const;
  return peerStatus({ state: "failed", trouble: { of: "failed-call", failure }, ...changes });
}

function bulletin(changes: Partial<BulletinStatus>): BulletinStatus {
  const counts = { hosts: 3, applied: 2, pending: [], refused: [], silent: [] };
  const what = { kind: "revocations", number: 7, issuedAt: NOW_S, authority: "home", id: "c0ffee", bytes: 100 };
  return { ...what, state: "applied", ...counts, ...changes };
}

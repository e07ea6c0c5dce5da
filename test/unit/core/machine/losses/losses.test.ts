import { describe, expect, test } from "vitest";
import { DropReason } from "../../../../../src/core/drop-reason.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { noCounters } from "../../../fixtures/counters.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242" as Endpoint;
const ELSEWHERE = "198.51.100.1:4242" as Endpoint;

describe("what the system does not send", () => {
  test("is told when it begins and when it has ended, however much is refused meanwhile", () => {
    const { mesh, a } = pair();
    for (let second = 0; second < 30; second++) {
      for (const endpoint of [B, ELSEWHERE]) a.event({ kind: "send-error", endpoint, error: "EPERM" });
      mesh.run(1_000);
    }
    expect(told(a)).toEqual([
      `Datagrams to ${B} do not leave this machine: not permitted: a packet filter of this machine refuses them (EPERM).`,
    ]);
    mesh.run(10_000);
    expect(told(a).slice(1)).toEqual([
      "No datagram was refused any more (EPERM) for some time; it had gone on for 29 s.",
    ]);
    expect(a.status().sendTroubles).toEqual([]);
  });

  test("is told apart by the system's error, and each names where it happened last", () => {
    const { mesh, a } = pair();
    a.event({ kind: "send-error", endpoint: B, error: "ENETUNREACH" });
    mesh.run(2_000);
    a.event({ kind: "send-error", endpoint: ELSEWHERE, error: "EMSGSIZE" });
    expect(a.status().sendTroubles).toMatchObject([
      { error: "ENETUNREACH", places: [B], sinceMs: 2_000, lastMs: 2_000 },
      { error: "EMSGSIZE", places: [ELSEWHERE], sinceMs: 0 },
    ]);
  });

  test("is of everything only where nothing else leaves", () => {
    const { mesh, a } = pair();
    let left = 100n;
    const second = (leaves: bigint): void => {
      a.event({ kind: "send-error", endpoint: B, error: "ENETUNREACH" });
      left += leaves;
      // What was refused was handed to the system, too.
      const counters = noCounters({ udpSentDatagrams: left + 50n, drops: new Map([[DropReason.sendFailed, 50n]]) });
      a.event({ kind: "sampled", activity: [], counters, rules: [], relays: [] });
      mesh.run(1_000);
    };
    // The data plane of the mesh counts, too, and its samples would be mixed with these.
    a.refuses = ({ kind }) => kind === "sample";
    for (let at = 0; at < 8; at++) second(1n);
    expect(a.status().sendTroubles[0]?.isTotal).toBe(false);
    for (let at = 0; at < 8; at++) second(0n);
    expect(a.status().sendTroubles[0]?.isTotal).toBe(true);
  });

  test("is no trouble any more as soon as something has left after it, though the log waits whether it comes again", () => {
    const { mesh, a } = pair();
    a.refuses = ({ kind }) => kind === "sample";
    const sampled = (left: bigint): void => {
      const counters = noCounters({ udpSentDatagrams: left });
      a.event({ kind: "sampled", activity: [], counters, rules: [], relays: [] });
    };
    sampled(10n);
    a.event({ kind: "send-error", endpoint: B, error: "EPERM" });
    mesh.run(500);
    // What left in the second before may have left before it was refused.
    sampled(11n);
    expect(a.status().sendTroubles).toHaveLength(1);
    mesh.run(1_000);
    sampled(12n);
    expect(a.status().sendTroubles).toEqual([]);
    expect(a.noticed("send-refusals-ended")).toEqual([]);
    a.event({ kind: "send-error", endpoint: B, error: "EPERM" });
    expect(a.status().sendTroubles).toHaveLength(1);
    expect(a.noticed("send-refused")).toHaveLength(1);
  });

  test("keeps no more errors than there are, whatever the data plane calls them", () => {
    const { a } = pair();
    for (let at = 0; at < 100; at++) a.event({ kind: "send-error", endpoint: B, error: `E${at}` });
    expect(a.status().sendTroubles).toHaveLength(16);
  });

  test("ends with the data plane whose socket it was", () => {
    const { a } = pair();
    a.event({ kind: "send-error", endpoint: B, error: "ENETDOWN" });
    a.stopDataPlane();
    expect(a.status().sendTroubles).toEqual([]);
    expect(a.noticed("send-refusals-ended")).toHaveLength(1);
  });

  test("is the reason of a ping that failed for it, and what to do follows from it", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = () => false;
    mesh.leaves = (flight) => {
      if (flight.from === A) mesh.later(() => a.event({ kind: "send-error", endpoint: flight.to, error: "EPERM" }));
      return flight;
    };
    const why = `Datagrams to ${B} do not leave this machine: not permitted: a packet filter of this machine refuses them (EPERM).`;
    expect(a.ping(b)).toMatchObject({
      outcome: "failed",
      text: expect.stringContaining(why),
      hint: expect.stringMatching(/^Look at the packet filter/),
    });
    mesh.run(10_000);
    expect(a.status().peers[0]?.trouble).toMatchObject({ failure: { refused: [{ place: B, error: "EPERM" }] } });
  });

  test("is the reason of silence in a tunnel that stands", () => {
    const { mesh, a, b } = pair();
    expect(a.ping(b).outcome).toBe("pong");
    mesh.delivers = ({ from }) => from !== A;
    mesh.leaves = (flight) => {
      if (flight.from === A) mesh.later(() => a.event({ kind: "send-error", endpoint: flight.to, error: "EPERM" }));
      return flight;
    };
    expect(a.ping(b, 300)).toMatchObject({ reason: "no-reply", text: expect.stringContaining("(EPERM)") });
  });

  test("is no reason of a ping to somebody who was sent to and does not answer", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "send-error", endpoint: ELSEWHERE, error: "ENETUNREACH" });
    mesh.delivers = () => false;
    expect(a.ping(b)).toMatchObject({ outcome: "failed", text: expect.not.stringContaining("ENETUNREACH") });
  });
});

describe("what was dropped", () => {
  const sampled = (a: Host, count: bigint): void => {
    const counters = noCounters({ drops: new Map([[DropReason.noMatchingRule, count]]) });
    a.event({ kind: "sampled", activity: [], counters, rules: [], relays: [] });
  };

  test("is news for five minutes, and counted from the start of the data plane", () => {
    const { mesh, a } = pair();
    a.refuses = ({ kind }) => kind === "sample";
    const recent = () => a.status().recentDrops.get(DropReason.noMatchingRule);
    sampled(a, 3n);
    mesh.run(60_000);
    sampled(a, 5n);
    expect(recent()).toEqual({ packets: 5, lastMs: 0 });
    mesh.run(250_000);
    expect(recent()).toEqual({ packets: 5, lastMs: 250_000 });
    mesh.run(30_000);
    expect(recent()).toEqual({ packets: 2, lastMs: 280_000 });
    mesh.run(60_000);
    expect(recent()).toBeUndefined();
  });

  test("before this host's control plane came is no news", () => {
    const { a } = pair();
    a.refuses = ({ kind }) => kind === "sample";
    a.restartControlPlane();
    sampled(a, 1_000n);
    expect(a.status().recentDrops.size).toBe(0);
    sampled(a, 1_003n);
    expect(a.status().recentDrops.get(DropReason.noMatchingRule)?.packets).toBe(3);
  });

  test("by another data plane is counted from nothing, also where that drops more", () => {
    const { a } = pair();
    a.refuses = ({ kind }) => kind === "sample";
    sampled(a, 10n);
    a.stopDataPlane();
    a.startDataPlane();
    sampled(a, 30n);
    expect(a.status().recentDrops.get(DropReason.noMatchingRule)?.packets).toBe(40);
  });

  test("by one that goes on under another program is counted from nothing", () => {
    const { a } = pair();
    a.refuses = ({ kind }) => kind === "sample";
    sampled(a, 1_000n);
    sampled(a, 7n);
    expect(a.status().recentDrops.get(DropReason.noMatchingRule)?.packets).toBe(1_007);
  });
});

function told(host: Host): readonly string[] {
  return host.notices.filter(({ code }) => code.startsWith("send-")).map(({ text }) => text);
}

function pair(): { readonly mesh: Mesh; readonly a: Host; readonly b: Host } {
  const mesh = new Mesh();
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/24"] });
  const statics = { "10.77.0.2": [B] };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], statics });
  return { mesh, a, b };
}

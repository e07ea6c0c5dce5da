import { describe, expect, test } from "vitest";
import { healthOf } from "../../../../src/admin/health/health.ts";
import { atOnce, HealthHistory, type HealthReport } from "../../../../src/admin/health/history.ts";
import { folded } from "../../../../src/cli/fold-health.ts";
import { DropReason } from "../../../../src/core/drop-reason.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { dataPlaneHealth } from "../../../../src/runtime/dataplane/data-plane-service.ts";
import type { Health } from "../../../../src/runtime/service.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../fixture.ts";

describe("a trouble", () => {
  test("is shown once it has lasted for its time, with when it began", () => {
    const history = new HealthHistory();
    const found = [trouble("lighthouse-down", { afterMs: 3_000 }), trouble("restart-needed")];
    expect(codes(history.look(found, NOW_MS))).toEqual(["restart-needed"]);
    expect(codes(history.look(found, NOW_MS + 2_999))).toEqual(["restart-needed"]);
    expect(history.look(found, NOW_MS + 3_000)[0]).toMatchObject({
      code: "lighthouse-down",
      since: new Date(NOW_MS).toISOString(),
    });
  });

  test("that went away in between has to last anew", () => {
    const history = new HealthHistory();
    const found = [trouble("lighthouse-down", { afterMs: 3_000 })];
    history.look(found, NOW_MS);
    history.look([], NOW_MS + 1_000);
    expect(history.look(found, NOW_MS + 3_500)).toEqual([]);
  });

  test("is told apart from another of its code by what it is about", () => {
    const history = new HealthHistory();
    history.look([trouble("peer-failed", { about: "10.77.0.2", afterMs: 1_000 })], NOW_MS);
    const found = ["10.77.0.2", "10.77.0.3"].map((about) => trouble("peer-failed", { about, afterMs: 1_000 }));
    expect(history.look(found, NOW_MS + 1_000).map(({ about }) => about)).toEqual(["10.77.0.2"]);
  });

  test("names of its causes those that are shown", () => {
    const found = [
      trouble("data-plane-down"),
      trouble("lighthouse-down", { because: ["data-plane-down", "send-refused"] }),
    ];
    expect(atOnce(found, NOW_MS).map(({ because }) => because)).toEqual([[], ["data-plane-down"]]);
  });

  test("of notes may follow from a note", () => {
    const found = ["send-refused", "drop-send-failed"].map((code) => trouble(code, { severity: "note" }));
    expect(atOnce(found, NOW_MS).map(({ because }) => because)).toEqual([[], ["send-refused"]]);
  });

  test("does not follow from what is no more than worth a note, or not shown yet", () => {
    const note = trouble("send-refused", { severity: "note" });
    const late = trouble("send-refused", { afterMs: 1_000 });
    for (const cause of [note, late]) {
      const found = [cause, trouble("lighthouse-down", { because: ["send-refused"] })];
      expect(new HealthHistory().look(found, NOW_MS).at(-1)).toMatchObject({ code: "lighthouse-down", because: [] });
    }
  });
});

describe("one cause makes one line", () => {
  test("that counts what follows from it, and from that", () => {
    const found = atOnce(
      [
        trouble("data-plane-down"),
        trouble("lighthouse-down", { because: ["data-plane-down"] }),
        trouble("peer-failed", { about: "10.77.0.2", because: ["lighthouse-down"] }),
        trouble("x", { about: "a", because: ["peer-failed 10.77.0.2"] }),
        trouble("x", { about: "b", because: ["peer-failed 10.77.0.9"] }),
        trouble("restart-needed"),
      ],
      NOW_MS,
    );
    expect(lines(found)).toEqual(["data-plane-down +3", "x +0", "restart-needed +0"]);
  });

  test("on a host whose data plane has died, however much follows from it", () => {
    const { dataPlane } = daemonFacts();
    const dead = { ...dataPlane, state: "starting", lastError: "it was ended by SIGKILL" } as const;
    const services = [{ name: "data-plane", health: dataPlaneHealth(dead) }];
    const peers = Array.from({ length: 20 }, (_, i) =>
      peerStatus({
        name: `host${i}`,
        state: "failed",
        trouble: { of: "failed-call", failure: { reason: "handshake-timeout", why: "data-plane-gone" } },
      }),
    );
    const node = nodeStatus({
      peers,
      lighthouses: [{ address: "10.77.0.1" as IpAddress, name: "lh", up: false, serves: undefined }],
      recentDrops: new Map([[DropReason.parkedExpired, { packets: 9, lastMs: 100 }]]),
    });
    const found = healthOf(node, daemonFacts({ dataPlane: dead, services }), NOW_MS);
    expect(found.length).toBeGreaterThan(7);
    expect(lines(atOnce(found, NOW_MS))).toEqual([`data-plane-down +${found.length - 1}`]);
  });

  test("even where troubles say of each other that they follow", () => {
    const found = atOnce([trouble("a", { because: ["b"] }), trouble("b", { because: ["a"] })], NOW_MS);
    expect(lines(found)).toEqual(["a +1"]);
  });

  test("of a daemon of an older version, which knows no causes, each", () => {
    const old = [{ code: "x", severity: "note", text: "x", todo: "x" }] as unknown as readonly HealthReport[];
    expect(lines(old)).toEqual(["x +0"]);
  });
});

function trouble(code: string, more: Partial<Health> = {}): Health {
  return { code, severity: "warning", text: code, todo: "nothing", ...more };
}

function codes(health: readonly HealthReport[]): readonly string[] {
  return health.map(({ code }) => code);
}

function lines(health: readonly HealthReport[]): readonly string[] {
  return folded(health).map((one) => `${one.trouble.code} +${one.followers}`);
}

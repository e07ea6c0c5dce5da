import { beforeEach, describe, expect, test, vi } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import type { WatchListener } from "../../../../src/runtime/native-watch.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { type LearnedRoute, RouteWatch, readLearned } from "../../../../src/runtime/routes/route-watch.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { type HostPlan, identityOf, settingsOf } from "../../fixtures/settings.ts";

const NETWORKS = [prefix("10.77.0.2/24"), prefix("fd77::2/64")];
const OWN = ["10.77.0.2" as IpAddress];

describe("of what the system's table says", () => {
  test("routes to hosts of the overlay count, with their weights", () => {
    const line = lineOf(["10.5.0.0/16", "10.77.0.9", 3], ["fd05::/64", "fd77::9", 1]);
    expect(readLearned(line, NETWORKS, OWN)).toEqual([
      { prefix: prefix("10.5.0.0/16"), gateways: [{ address: "10.77.0.9", weight: 3 }] },
      { prefix: prefix("fd05::/64"), gateways: [{ address: "fd77::9", weight: 1 }] },
    ]);
  });

  test("routes inside the overlay, to hosts outside it and to ourselves do not", () => {
    const line = lineOf(
      ["10.77.0.128/25", "10.77.0.9", 1],
      ["10.5.0.0/16", "192.0.2.1", 1],
      ["10.6.0.0/16", "10.77.0.2", 1],
    );
    expect(readLearned(line, NETWORKS, OWN)).toEqual([]);
  });

  test("what is no list of routes says nothing", () => {
    for (const line of ["", "{}", "[1]", "[{}]", `[{"prefix":1,"hops":[]}]`])
      expect(readLearned(line, NETWORKS, OWN)).toBeUndefined();
  });
});

describe("the watch", () => {
  let learned: (readonly LearnedRoute[])[];
  let events: OperatorEvent[];
  let watches: { args: string; told: WatchListener; ended: boolean }[];
  beforeEach(() => {
    [learned, events, watches] = [[], [], []];
  });

  test("tells what it hears, and begins again with another device", async () => {
    const watch = watchOf(true);
    watch.start();
    watches[0]?.told.line(lineOf(["10.5.0.0/16", "10.77.0.9", 1]));
    watch.deviceIsUp();
    expect(watches.map(({ args, ended }) => [args, ended])).toEqual([
      ["routes watch --device mesh0 --buffer 65536", true],
      ["routes watch --device mesh0 --buffer 65536", false],
    ]);
    expect(learned).toHaveLength(1);
    await watch.stop();
    expect(watches[1]?.ended).toBe(true);
  });

  test("that ends by itself has forgotten what it heard, says so and is started again", () => {
    vi.useFakeTimers();
    const watch = watchOf(true);
    watch.start();
    watches[0]?.told.ended("it ended with SIGKILL");
    expect(learned).toEqual([[]]);
    expect(events).toEqual([{ code: "route-watch-ended", why: "it ended with SIGKILL" }]);
    expect(watch.health()).toMatchObject([{ code: "routes-not-learned" }]);
    vi.advanceTimersByTime(2_000);
    watches[1]?.told.line("[]");
    expect(watch.health()).toEqual([]);
    vi.useRealTimers();
  });

  test("is not there for a host that does not want it", () => {
    watchOf(false).start();
    expect(watches).toEqual([]);
  });

  function watchOf(wanted: boolean): RouteWatch {
    const plan: HostPlan = { name: "laptop", networks: ["10.77.0.2/24"] };
    const { boot, live } = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
    const tun = { ...boot.tun, systemRoutes: { learned: wanted, bufferBytes: 65_536 } };
    return new RouteWatch(
      { boot: { ...boot, tun }, live },
      {
        device: () => "mesh0",
        learned: (routes) => learned.push(routes),
        tell: (event) => events.push(event),
        spawn: (args, told) => {
          const watch = { args: args.join(" "), told, ended: false };
          watches.push(watch);
          return {
            end: () => {
              watch.ended = true;
            },
          };
        },
      },
    );
  }
});

function lineOf(...routes: readonly (readonly [string, string, number])[]): string {
  return JSON.stringify(
    routes.map(([prefix, address, weight]) => ({ prefix, metric: 0, hops: [{ address, weight }] })),
  );
}

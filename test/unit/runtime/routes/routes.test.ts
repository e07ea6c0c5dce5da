import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LiveSettings, Settings } from "../../../../src/core/config/settings.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";
import { Routes } from "../../../../src/runtime/routes/routes.ts";
import {
  type RouteFailure,
  type RoutesOrder,
  type RoutesReport,
  readReport,
} from "../../../../src/runtime/routes/routes-command.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { type HostPlan, identityOf, settingsOf } from "../../fixtures/settings.ts";

const TAKEN: RouteFailure = {
  prefix: "192.168.7.0/24",
  code: "taken",
  why: "the route 192.168.7.0/24: one with metric 0 leads to eth1",
};

let device: string | undefined;
let events: OperatorEvent[];
let gone: string[];
let orders: RoutesOrder[];
/** What the next runs report, the last one for good. */
let reports: RoutesReport[];

beforeEach(() => {
  vi.useFakeTimers();
  device = "mesh0";
  [events, gone, orders, reports] = [[], [], [], [report()]];
});
afterEach(() => void vi.useRealTimers());

describe("the system's routes", () => {
  test("are given at the start and taken back at the stop, and nothing is left to be done in between", () => {
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    routes.start();
    expect(orders).toHaveLength(1);
    expect(orders[0]).toMatchObject({ kind: "set", device: "mesh0", allOrNothing: false });
    routes.change(host({ unsafe: ["192.168.7.0/24"] }));
    expect(orders).toHaveLength(1);
    routes.stop();
    expect(orders[1]).toEqual({ kind: "clear", device: "mesh0" });
    expect([events, routes.health()]).toEqual([[], []]);
  });

  test("that somebody removed stand again within half a minute, which is told", () => {
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    routes.start();
    vi.advanceTimersByTime(30_000);
    expect(events).toEqual([]);
    reports = [report({ changed: 1 }), report()];
    vi.advanceTimersByTime(60_000);
    expect(events).toEqual([{ code: "routes-restored", routes: 1 }]);
  });

  test("come back with a device that does", () => {
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    device = undefined;
    routes.start();
    expect(orders).toEqual([]);
    device = "tun0";
    routes.deviceIsUp();
    expect(orders).toMatchObject([{ kind: "set", device: "tun0" }]);
  });

  test("do not keep a host from starting when somebody else's is in the way: it says so, once, and waits", () => {
    reports = [report({ failures: [TAKEN] })];
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    routes.start();
    vi.advanceTimersByTime(90_000);
    expect(events).toEqual([{ code: "route-missing", prefix: TAKEN.prefix, why: TAKEN.why }]);
    expect(routes.health()).toEqual([
      {
        code: "route-missing",
        about: "192.168.7.0/24",
        severity: "error",
        text: `192.168.7.0/24 does not lead into the overlay: ${TAKEN.why}`,
        todo: "remove that route, give ours another metric, or write install: false",
      },
    ]);
    reports = [report({ changed: 1 })];
    vi.advanceTimersByTime(30_000);
    expect(routes.health()).toEqual([]);
  });
});

describe("the device", () => {
  test("that others have changed is put right when it is looked at, which is told", () => {
    const routes = routesOf(host({}));
    routes.start();
    expect(orders[0]).toMatchObject({ wanted: { addresses: [{ address: "10.77.0.2", bits: 24 }] } });
    reports = [report({ repairs: ["down", "fd77::2/64"] }), report()];
    routes.lookAgain();
    routes.lookAgain();
    expect(events).toEqual([{ code: "device-restored", device: "mesh0", repairs: ["down", "fd77::2/64"] }]);
    expect(routes.health()).toEqual([]);
  });

  test("that is not there any more is told to whoever can make another, and is no route that is missing", () => {
    const routes = routesOf(host({}));
    routes.start();
    reports = [report({ failures: [{ prefix: undefined, code: "no-such-device", why: "the device mesh0: none" }] })];
    routes.lookAgain();
    expect([gone, events, routes.health()]).toEqual([["mesh0"], [], []]);
  });

  test("that cannot have an address is named with it, once, until it has", () => {
    const why = "the address fd77::2/64: Permission denied";
    const routes = routesOf(host({}));
    routes.start();
    reports = [report({ failures: [{ prefix: undefined, code: "address-missing", why }] })];
    routes.lookAgain();
    routes.lookAgain();
    expect(events).toEqual([{ code: "overlay-address-missing", device: "mesh0", why }]);
    expect(routes.health()).toMatchObject([{ code: "overlay-address-missing", severity: "error" }]);
    reports = [report({ repairs: ["fd77::2/64"] })];
    routes.lookAgain();
    expect(routes.health()).toEqual([]);
  });

  test("that somebody changes again and again is fought over, which is told for a minute", () => {
    const routes = routesOf(host({}));
    routes.start();
    reports = [report({ repairs: ["down"] })];
    for (let time = 0; time < 4; time++) routes.lookAgain();
    expect(routes.health()).toEqual([]);
    routes.lookAgain();
    expect(routes.health()).toMatchObject([{ code: "device-disputed", severity: "warning" }]);
    reports = [report()];
    vi.advanceTimersByTime(60_000);
    expect(routes.health()).toEqual([]);
  });

  test("is not looked at before the start, nor after the stop", () => {
    const routes = routesOf(host({}));
    routes.lookAgain();
    routes.start();
    routes.stop();
    routes.lookAgain();
    expect(orders.map(({ kind }) => kind)).toEqual(["set", "clear"]);
  });
});

describe("a reload", () => {
  test("changes all of the routes or is refused, and then it has changed nothing", () => {
    const routes = routesOf(host({ unsafe: ["192.168.8.0/24"] }));
    routes.start();
    reports = [report({ failures: [TAKEN] })];
    expect(() => routes.change(host({ unsafe: ["192.168.7.0/24"] }))).toThrow(OperatorError);
    expect(orders[1]).toMatchObject({ allOrNothing: true });
    reports = [report()];
    vi.advanceTimersByTime(30_000);
    const last = orders.at(-1);
    expect(last?.kind === "set" && last.wanted.routes).toMatchObject([{ prefix: prefix("192.168.8.0/24") }]);
  });

  test("is not refused for a route that could not be had before", () => {
    reports = [report({ failures: [TAKEN] })];
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    routes.start();
    reports = [report()];
    routes.change(host({ unsafe: ["192.168.7.0/24", "192.168.8.0/24"] }));
    const last = orders.at(-1);
    expect(last?.kind === "set" && last.wanted.routes).toMatchObject([{ prefix: prefix("192.168.8.0/24") }]);
    expect(routes.health()).toMatchObject([{ code: "route-missing" }]);
  });

  test("while there is no device changes what the next one gets", () => {
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"] }));
    routes.start();
    device = undefined;
    routes.change(host({ unsafe: ["192.168.8.0/24"] }));
    expect(orders).toHaveLength(1);
    device = "mesh0";
    routes.deviceIsUp();
    expect(orders[1]).toMatchObject({ wanted: { routes: [{ prefix: prefix("192.168.8.0/24") }] } });
  });
});

describe("what the device and its routes get", () => {
  test("is the largest MTU for the device, and for each network its own", () => {
    const routes = routesOf(host({ unsafe: ["192.168.7.0/24"], overlay: [["10.77.0.128/25", 8_800]] }));
    routes.start();
    expect(orders[0]).toMatchObject({
      wanted: {
        mtu: 8_800,
        connected: [{ prefix: prefix("10.77.0.0/24"), mtu: 1_300 }],
        routes: [
          { prefix: prefix("10.77.0.128/25"), metric: 0, mtu: 0 },
          { prefix: prefix("192.168.7.0/24"), metric: 0, mtu: 1_300 },
        ],
      },
    });
  });

  test("may be another MTU for the whole overlay network, which has a route already", () => {
    const routes = routesOf(host({ overlay: [["10.77.0.0/24", 1_400]] }));
    routes.start();
    expect(orders[0]).toMatchObject({ wanted: { mtu: 1_400, connected: [{ mtu: 0 }], routes: [] } });
  });
});

test("a report is read, and what is none is none", () => {
  const text = `{"before":1,"standing":2,"changed":3,"failures":[{"prefix":"10.0.0.0/8","failure":{"code":"taken","text":"x"}}]}`;
  expect(readReport(text)).toEqual({
    standing: 2,
    changed: 3,
    repairs: [],
    failures: [{ prefix: "10.0.0.0/8", code: "taken", why: "x" }],
  });
  const repaired = `{"before":0,"standing":0,"changed":0,"repairs":["down"],"failures":[]}`;
  expect(readReport(repaired)).toMatchObject({ repairs: ["down"] });
  for (const none of ["", "{}", "null", "[1]"]) expect(readReport(none)).toBeUndefined();
});

function host({ unsafe = [], overlay = [] }: { unsafe?: string[]; overlay?: [string, number][] }): Settings {
  const plan: HostPlan = { name: "laptop", networks: ["10.77.0.2/24"] };
  const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
  const tun: LiveSettings["tun"] = {
    ...settings.live.tun,
    routes: overlay.map(([text, mtu]) => ({ prefix: prefix(text), mtu })),
    unsafeRoutes: unsafe.map((text) => {
      return { prefix: prefix(text), gateways: [], mtu: undefined, metric: 0, install: true };
    }),
  };
  return { ...settings, live: { ...settings.live, tun } };
}

function routesOf(settings: Settings): Routes {
  return new Routes(settings, {
    device: () => device,
    gone: (name) => gone.push(name),
    tell: (event) => events.push(event),
    run: (order) => {
      orders.push(order);
      return (reports.length > 1 ? reports.shift() : reports[0]) ?? report();
    },
  });
}

function report(changes: Partial<RoutesReport> = {}): RoutesReport {
  return { standing: 0, changed: 0, repairs: [], failures: [], ...changes };
}

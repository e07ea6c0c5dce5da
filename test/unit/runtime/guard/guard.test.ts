import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BootSettings, LiveSettings, Settings } from "../../../../src/core/config/settings.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { Guard } from "../../../../src/runtime/guard/guard.ts";
import type { GuardedPart, GuardReport } from "../../../../src/runtime/guard/guard-command.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { type StateDirectory, stateDirectoryAt } from "../../../../src/runtime/state/state-directory.ts";
import { prefix, TestAuthority } from "../../fixtures/authority.ts";
import { type HostPlan, identityOf, settingsOf } from "../../fixtures/settings.ts";

const WHY = "nf_tables: Operation not permitted (os error 1)";
const SET = "set --owner config-1f0c93ab --device mesh0 --network 10.77.0.2/24";
const CLEAR = "clear --owner config-1f0c93ab";

let state: StateDirectory;
let events: OperatorEvent[];
/** What was run. */
let orders: string[];
/** What the next runs report, the last one for good. */
let reports: GuardReport[];

beforeEach(() => {
  vi.useFakeTimers();
  state = stateDirectoryAt(mkdtempSync(join(tmpdir(), "lacis-guard-")));
  [events, orders, reports] = [[], [], [report()]];
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(state.path, { recursive: true });
});

describe("the guard of a host with a device", () => {
  test("is set at the start, for its networks with its own addresses in them, and removed when somebody stops the host", async () => {
    const guard = guardOf();
    await guard.start();
    expect(orders).toEqual([SET]);
    expect(guard.describe()).toEqual({ routes: "standing", underlay: "closed", droppedPackets: 0 });
    expect(guard.health()).toEqual([]);
    await guard.stop("asked");
    expect(orders).toEqual([SET, CLEAR]);
    expect(events).toEqual([]);
  });

  test("names no device when the system chooses it", async () => {
    await guardOf({ tun: { ...TUN, device: "" } }).start();
    expect(orders).toEqual(["set --owner config-1f0c93ab --network 10.77.0.2/24"]);
  });

  test("goes again with a start that failed, unless it stood before: then something was killed, and its packets are to stay", async () => {
    const first = guardOf();
    await first.start();
    await first.stop("start-failed");
    expect(orders).toEqual([SET, CLEAR]);

    reports = [report({ before: 1 })];
    const afterKill = guardOf();
    await afterKill.start();
    await afterKill.stop("start-failed");
    expect(orders).toEqual([SET, CLEAR, SET]);
  });

  test("is looked after every half minute: what somebody had removed stands again, and is told", async () => {
    const guard = guardOf();
    await guard.start();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([]);
    reports = [report({}, { before: 0, changed: 4 }), report({}, { droppedPackets: 7 })];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(events).toEqual([{ code: "guard-restored", part: "underlay" }]);
    guard.reload({ settings: settingsFor() });
    await vi.advanceTimersByTimeAsync(0);
    expect(guard.describe()?.droppedPackets).toBe(7);
    await guard.stop("asked");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(orders).toEqual([SET, SET, SET, SET, CLEAR]);
  });

  test("holds packets for networks behind other hosts, too, as far as the system has routes to them; a default route is none to hold", async () => {
    const guard = guardOf();
    await guard.start();
    const route = (text: string, install = true) => {
      return { prefix: prefix(text), gateways: [], mtu: undefined, metric: 0, install };
    };
    const unsafeRoutes = [route("192.168.7.0/24"), route("0.0.0.0/0"), route("192.168.8.0/24", false)];
    const { tun } = settingsFor().live;
    guard.reload({ settings: settingsFor({}, { tun: { ...tun, unsafeRoutes } }) });
    await vi.advanceTimersByTimeAsync(0);
    expect(orders).toEqual([SET, `${SET} --beyond 192.168.7.0/24`]);
  });

  test("cannot hold against more specific routes of others, but tells of each when it comes, and of none that is gone", async () => {
    const shadow = { prefix: "10.77.0.2/32", device: "eth0" };
    const guard = guardOf();
    await guard.start();
    reports = [{ ...report(), shadows: [shadow] }];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toEqual([{ code: "overlay-shadowed", ...shadow }]);
    expect(guard.health()).toMatchObject([{ code: "overlay-shadowed", severity: "warning" }]);
    expect(guard.health()[0]?.text).toContain("packets to 10.77.0.2/32 go to eth0 in clear");
    reports = [report()];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(guard.health()).toEqual([]);
  });

  test("that cannot be set keeps nobody from starting: it is told once, and health says what to do", async () => {
    reports = [report({ failure: "routes: x" }, { failure: WHY })];
    const guard = guardOf();
    await guard.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toEqual([
      { code: "guard-failed", part: "routes", why: "routes: x" },
      { code: "guard-failed", part: "underlay", why: WHY },
    ]);
    expect(guard.describe()).toEqual({ routes: "missing", underlay: "open", droppedPackets: 0 });
    expect(guard.health()).toEqual([
      {
        code: "guard-routes-missing",
        severity: "error",
        text: "packets for the overlay may leave in clear whenever the data plane is down: routes: x",
        todo: "give lacis CAP_NET_ADMIN; what stands: ip route show proto 142; ip -6 route show proto 142",
      },
      {
        code: "underlay-open",
        severity: "error",
        text: `who is on another network of this host may reach its overlay addresses past firewall and identity: ${WHY}`,
        todo:
          "give lacis CAP_NET_ADMIN and the kernel nf_tables (modprobe nf_tables nft_fib_inet), or once, as root: " +
          "nft 'add table inet lacis_config-1f0c93ab; " +
          "add chain inet lacis_config-1f0c93ab underlay { type filter hook prerouting priority -300; }; " +
          'add rule inet lacis_config-1f0c93ab underlay iifname != "mesh0" iifname != "lo" ip daddr 10.77.0.2 counter drop; ' +
          'add rule inet lacis_config-1f0c93ab underlay iifname != "mesh0" iifname != "lo" ip saddr 10.77.0.2/24 fib saddr . iif oif missing counter drop\'',
      },
    ]);
    reports = [report({ changed: 1 }, { changed: 4 })];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(guard.health()).toEqual([]);
    expect(events, "nobody had removed it").toHaveLength(2);
  });
});

describe("a host without a device", () => {
  test("needs none", async () => {
    const guard = guardOf({ tun: { ...TUN, disabled: true } });
    await guard.start();
    guard.reload({ settings: settingsFor() });
    await guard.stop("asked");
    expect(orders).toEqual([]);
    expect(guard.describe()).toBeUndefined();
  });

  test("removes the one of a data plane that was killed here", async () => {
    writeFileSync(state.dataPlanePid, "4711");
    await guardOf({ tun: { ...TUN, disabled: true } }).start();
    expect(orders).toEqual([CLEAR]);
  });
});

const TUN: BootSettings["tun"] = {
  disabled: false,
  inUserSpace: false,
  device: "mesh0",
  txQueue: 500,
  systemRoutes: { learned: false, bufferBytes: 0 },
};

function settingsFor(boot: Partial<BootSettings> = {}, live: Partial<LiveSettings> = {}): Settings {
  const plan: HostPlan = { name: "laptop", networks: ["10.77.0.2/24"], boot: { tun: TUN, ...boot }, live };
  return settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
}

function guardOf(boot: Partial<BootSettings> = {}): Guard {
  return new Guard(settingsFor(boot), {
    state,
    owner: "config-1f0c93ab",
    tell: (event) => events.push(event),
    run: async (args) => {
      orders.push(args.join(" "));
      return (reports.length > 1 ? reports.shift() : reports[0]) ?? report();
    },
  });
}

function report(routes: Partial<GuardedPart> = {}, filter: Partial<GuardedPart> = {}): GuardReport {
  const well = { before: 0, standing: 1, changed: 0, droppedPackets: 0, failure: undefined };
  return { routes: { ...well, ...routes }, filter: { ...well, ...filter }, shadows: [] };
}

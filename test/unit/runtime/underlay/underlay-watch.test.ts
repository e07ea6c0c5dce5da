import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LocalPlace } from "../../../../src/core/discovery/own-places.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import type { StartWatch, WatchListener } from "../../../../src/runtime/native-watch.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";
import { readSurroundings, surroundingsByNode } from "../../../../src/runtime/underlay/interfaces.ts";
import { UnderlayWatch } from "../../../../src/runtime/underlay/underlay-watch.ts";

let told: LocalPlace[];
let events: OperatorEvent[];
let watches: { args: string; told: WatchListener; ended: boolean }[];
let nodeSees: string;
beforeEach(() => {
  vi.useFakeTimers();
  [told, events, watches, nodeSees] = [[], [], [], "192.0.2.7/24"];
});
afterEach(() => void vi.useRealTimers());

describe("the watch over the underlay", () => {
  test("tells what the kernel tells, each change once, and asks nobody else", async () => {
    const watch = watchBy(program);
    const started = watch.start();
    watches[0]?.told.line(line("192.0.2.7/24"));
    await started;
    watches[0]?.told.line(line("192.0.2.7/24"));
    watches[0]?.told.line("no place");
    watches[0]?.told.line(line("192.0.2.77/24"));
    vi.advanceTimersByTime(60_000);
    expect(told.map(({ addresses }) => addresses)).toEqual([["192.0.2.7"], ["192.0.2.77"]]);
    expect(watches.map(({ args }) => args)).toEqual(["underlay watch"]);
    await watch.stop();
    expect(watches[0]?.ended).toBe(true);
  });

  test("that ends by itself says so, is started again, and loses nothing that it knew of the interfaces", async () => {
    const watch = watchBy(program);
    const started = watch.start();
    watches[0]?.told.line(line("192.0.2.7/24", "bridge"));
    await started;
    watches[0]?.told.ended("it ended with SIGKILL");
    expect(told).toHaveLength(1);
    expect(events).toEqual([{ code: "underlay-watch-ended", why: "it ended with SIGKILL" }]);
    expect(watch.health()).toMatchObject([{ code: "underlay-not-watched" }]);
    vi.advanceTimersByTime(2_000);
    watches[1]?.told.ended("it ended with SIGKILL");
    expect(events).toHaveLength(1);
    vi.advanceTimersByTime(2_000);
    watches[2]?.told.line(line("192.0.2.7/24", "bridge"));
    expect(watch.health()).toEqual([]);
  });

  test("names the address of listen.host while no interface has it, and says when one comes to have it", async () => {
    const watch = watchBy(program, "192.0.2.77");
    const started = watch.start();
    watches[0]?.told.line(line("192.0.2.7/24"));
    await started;
    expect(watch.health()).toMatchObject([{ code: "listen-address-missing", severity: "error" }]);
    watches[0]?.told.line(line("192.0.2.7/25"));
    watches[0]?.told.line(line("192.0.2.77/24"));
    expect(watch.health()).toEqual([]);
    const address = "192.0.2.77";
    expect(events).toEqual([
      { code: "listen-address-missing", address },
      { code: "listen-address-there", address },
    ]);
  });

  test.each(["0.0.0.0", "::", "127.0.0.1", "192.0.2.7"])("finds nothing missing when it is %s", async (listen) => {
    const watch = watchBy(program, listen);
    const started = watch.start();
    watches[0]?.told.line(line("192.0.2.7/24"));
    await started;
    expect([watch.health(), events]).toEqual([[], []]);
  });

  test("names a network of this machine that is the overlay's, once in the log and in Health as long as it lasts", async () => {
    const watch = watchBy(program);
    const started = watch.start();
    watches[0]?.told.line(line("10.77.0.9/24"));
    await started;
    watches[0]?.told.line(line("10.77.0.10/24"));
    expect(events).toEqual([
      {
        code: "overlay-over-lan",
        device: "eth0",
        lan: "10.77.0.0/24",
        overlay: "10.77.0.0/24",
        wins: true,
        tunnel: false,
      },
    ]);
    expect(watch.health()).toMatchObject([
      {
        code: "overlay-over-lan",
        severity: "error",
        text: expect.stringMatching(/^eth0 is in 10\.77\.0\.0\/24, which is the overlay network, too/),
      },
    ]);
    watches[0]?.told.line(line("192.0.2.7/24"));
    expect(watch.health()).toEqual([]);
  });

  test("says that a socket of IPv4 sends nothing where there is only IPv6", async () => {
    const watch = watchBy(program);
    const started = watch.start();
    watches[0]?.told.line(line("2001:db8::7/64"));
    await started;
    expect(watch.health()).toMatchObject([{ code: "family-mismatch", severity: "error" }]);
  });

  test("that says nothing does not hold up a start", async () => {
    const started = watchBy(program).start();
    await vi.advanceTimersByTimeAsync(500);
    await started;
    expect(told.map(({ addresses }) => addresses)).toEqual([["192.0.2.7"]]);
  });

  test("looks every 5 s where its program is missing, until it is stopped", async () => {
    const watch = watchBy(() => {
      throw new OperatorError("data-plane-missing", { what: "", why: "", todo: "" });
    });
    await watch.start();
    nodeSees = "192.0.2.8/24";
    vi.advanceTimersByTime(5_000);
    expect(told.map(({ addresses }) => addresses)).toEqual([["192.0.2.7"], ["192.0.2.8"]]);
    expect(events).toEqual([]);
    await watch.stop();
    nodeSees = "192.0.2.9/24";
    vi.advanceTimersByTime(60_000);
    expect(told).toHaveLength(2);
  });

  test("says which interfaces nobody is told of", async () => {
    const watch = watchBy(program);
    const started = watch.start();
    const [eth0, wg0] = [device("eth0", "", "192.0.2.7/24"), device("wg0", "wireguard", "10.8.0.2/24")];
    watches[0]?.told.line(JSON.stringify({ interfaces: [eth0, wg0], ways: [] }));
    await started;
    expect(watch.health()).toMatchObject([
      { code: "interfaces-aside", text: "lighthouses are not told of addresses on wg0 (another VPN)" },
    ]);
  });
});

describe("a line about the surroundings", () => {
  test("is read, and anything else is none", () => {
    const read = readSurroundings(
      `{"interfaces":[{"name":"br0","kind":"bridge","ethernet":true,"ports":["","veth"],"carrierChanges":3,"addresses":["192.0.2.3/24"]}],"ways":[{"family":4,"device":"br0","gateway":"192.0.2.254"}]}`,
    );
    const br0 = { name: "br0", kind: "bridge", ethernet: true, ports: ["", "veth"], carrierChanges: 3 };
    expect(read).toEqual({
      interfaces: [{ ...br0, addresses: [parsePrefix("192.0.2.3/24")] }],
      ways: [{ family: 4, device: "br0", gateway: "192.0.2.254" }],
    });
    for (const text of ["", "[]", "{}", "null", `{"interfaces":[1],"ways":[]}`, `{"interfaces":[{}],"ways":[]}`])
      expect(readSurroundings(text)).toBeUndefined();
  });

  test("has its like in what Node.js tells, without loopback", () => {
    const entry = { netmask: "", mac: "", family: "IPv4" } as const;
    const found = surroundingsByNode({
      lo: [{ ...entry, address: "127.0.0.1", cidr: "127.0.0.1/8", internal: true }],
      eth0: [{ ...entry, address: "192.0.2.7", cidr: "192.0.2.7/24", internal: false }],
      none: undefined,
    });
    expect(found.interfaces.map(({ name, kind, addresses }) => [name, kind, addresses])).toEqual([
      ["eth0", undefined, [parsePrefix("192.0.2.7/24")]],
    ]);
  });
});

function watchBy(spawn: StartWatch, listen = "0.0.0.0"): UnderlayWatch {
  return new UnderlayWatch({
    overlay: [parsePrefix("10.77.0.1/24")!],
    hasDevice: true,
    listen: listen as IpAddress,
    changed: (place) => void told.push(place),
    tell: (event) => void events.push(event),
    read: () => ({
      interfaces: [{ ...device("eth0", "", nodeSees), kind: undefined, addresses: [parsePrefix(nodeSees)!] }],
      ways: [],
    }),
    spawn,
  });
}

const program: StartWatch = (args, listener) => {
  const watch = { args: args.join(" "), told: listener, ended: false };
  watches.push(watch);
  return {
    end() {
      watch.ended = true;
    },
  };
};

function device(name: string, kind: string, ...addresses: string[]) {
  return { name, kind, ethernet: true, ports: [], carrierChanges: 1, addresses };
}

function line(address: string, kind = ""): string {
  return JSON.stringify({ interfaces: [device("eth0", kind, address)], ways: [] });
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority } from "./lab/certificates.ts";
import { unreachable } from "./lab/guard.ts";
import { ALLOW_ALL, DEVICE, type Section } from "./lab/host-config.ts";
import { LACIS } from "./lab/implementation.ts";
import { Mesh, type MeshHost } from "./lab/mesh.ts";
import type { Machine } from "./lab/network.ts";
import { pause, waitFor } from "./lab/wait.ts";
import { statusOf } from "./status-of.ts";

/**
 *     laptop (10.77.0.3, 10.88.0.3, fd77::3) --- mesh --- gateway (10.77.0.2, 10.88.0.2, fd77::2) --- printer (192.168.7.9, fd07::9)
 */
const LAN = ["192.168.7.0/24", "fd07::/64", "10.5.0.0/16"];
const UNSAFE = [
  { route: "192.168.7.0/24", via: "10.77.0.2", mtu: 1200, metric: 40 },
  { route: "fd07::/64", via: "fd77::2" },
];

const WITHIN = { withinMs: 5_000 };

let mesh: Mesh;
let gateway: MeshHost;
let laptop: MeshHost;
let printer: Machine;
let routesBefore: string;

beforeAll(async () => {
  const authority = await Authority.create(LACIS.certificates, "/run/lab/gateways/authority", new Set([2]));
  const overlay = (n: number): readonly string[] => [`10.77.0.${n}/24`, `10.88.0.${n}/24`, `fd77::${n}/64`];
  const anywhere = { port: "any", proto: "any", host: "any" } as const;
  mesh = await Mesh.create("gateways", {
    authority,
    versions: [2],
    hosts: [
      { name: "lighthouse", implementation: LACIS },
      {
        name: "gateway",
        implementation: LACIS,
        overlay: overlay(2),
        unsafe: LAN,
        config: { inbound: [{ ...anywhere, local_cidr: "any" }], outbound: [{ ...anywhere, local_cidr: "any" }] },
      },
      {
        name: "laptop",
        implementation: LACIS,
        overlay: overlay(3),
        config: { more: { tun: { unsafe_routes: UNSAFE, use_system_route_table: true } } },
      },
    ],
  });
  [gateway, laptop] = [mesh.host("gateway"), mesh.host("laptop")];
  printer = await mesh.network.machine("printer", ["192.168.7.9/24", "fd07::9/64"]);
  await gateway.machine.must("ip", ["address", "add", "192.168.7.2/24", "dev", "net"]);
  // Whoever forwards asks for neighbours from a link-local address, which a lab's machines do not have.
  for (const [machine, address] of [
    [gateway.machine, "fd07::2/64"],
    [gateway.machine, "fe80::2/64"],
    [printer, "fe80::9/64"],
  ] as const)
    await machine.must("ip", ["address", "add", address, "dev", "net", "nodad"]);
  await gateway.machine.must("sysctl", ["-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  await gateway.machine.must("ip", ["address", "add", "10.5.0.1/32", "dev", "lo"]);
  await printer.must("ip", ["route", "add", "10.77.0.0/24", "via", "192.168.7.2"]);
  await printer.must("ip", ["route", "add", "fd77::/64", "via", "fd07::2"]);
  routesBefore = await laptop.machine.routes();
  await mesh.startAll();
  // A device has its first address before it has its routes.
  await laptop.daemon.becomes("it is ready", async () => laptop.timesReady > 0);
});
afterAll(() => mesh.close());

describe("a network behind a gateway", () => {
  test("scenario 49: answers, over both families, and not while the gateway's rules have no local_cidr", async () => {
    for (const address of ["192.168.7.9", "fd07::9"]) {
      const pinged = await laptop.ping(address);
      expect(pinged.status, pinged.stdout + logs()).toBe(0);
    }
    await gateway.configure({ inbound: ALLOW_ALL });
    await gateway.machine.must(...commandOf("reload", gateway));
    expect((await laptop.ping("192.168.7.9", 1)).status).not.toBe(0);
    expect((await laptop.ping(gateway.overlay4)).status).toBe(0);
    await gateway.configure();
    await gateway.machine.must(...commandOf("reload", gateway));
    expect((await laptop.ping("192.168.7.9")).status).toBe(0);
  });

  test("calls, and is answered the same way", async () => {
    const pinged = await printer.run("ping", ["-n", "-c", "2", "-i", "0.2", "-w", "5", laptop.overlay4]);
    expect(pinged.status, pinged.stdout + logs()).toBe(0);
  });

  test("has a route of the system with the MTU and the metric of the configuration", async () => {
    const shown = await laptop.machine.must("ip", ["route", "show", "proto", "142", "dev", DEVICE]);
    expect(shown.trim()).toBe("192.168.7.0/24 scope link metric 40 mtu 1200");
  });

  test("shows in the status with its gateway", async () => {
    const { routes } = await statusOf(laptop);
    expect(routes).toContainEqual({
      prefix: "192.168.7.0/24",
      gateways: [{ name: "gateway", address: "10.77.0.2", weight: 1, state: "up" }],
    });
  });
});

describe("hosts with several overlay networks", () => {
  test("reach each other at every address", async () => {
    for (const address of ["10.77.0.2", "10.88.0.2", "fd77::2"])
      expect((await laptop.ping(address)).status, address).toBe(0);
    for (const address of ["10.77.0.3", "10.88.0.3", "fd77::3"])
      expect((await gateway.ping(address)).status, address).toBe(0);
  });

  test("reach themselves without the mesh", async () => {
    const before = (await dropsOf(laptop))["own-address"] ?? 0;
    for (const address of ["10.77.0.3", "10.88.0.3", "fd77::3"])
      expect((await laptop.ping(address)).status, address).toBe(0);
    expect((await dropsOf(laptop))["own-address"] ?? 0).toBe(before);
  });
});

describe("what is meant for everybody", () => {
  test("finds no tunnel, as in Nebula, and calls nobody", async () => {
    const peers = (await statusOf(laptop)).peers.length;
    await shout();
    await waitFor("the drop", async () => ((await dropsOf(laptop))["no-route"] ?? 0) > 0, WITHIN);
    expect((await statusOf(laptop)).peers.length).toBe(peers);
    expect(await dropsOf(laptop)).not.toHaveProperty("multicast");
  });

  test("is dropped by its name when the configuration says so", async () => {
    await reloaded({ drop_multicast: true, drop_local_broadcast: true });
    await shout();
    await waitFor(
      "the drops",
      async () => {
        const drops = await dropsOf(laptop);
        return (drops["multicast"] ?? 0) > 0 && (drops["broadcast"] ?? 0) > 0;
      },
      WITHIN,
    );
    await reloaded({});
  });
});

describe("a reload", () => {
  test("gives the system other routes and another MTU, and takes the old ones back", async () => {
    await reloaded({
      mtu: 1280,
      unsafe_routes: [{ route: "192.168.8.0/24", via: "10.77.0.2" }],
      routes: [{ route: "10.77.0.128/25", mtu: 1400 }],
    });
    expect(await laptop.machine.must("ip", ["route", "show", "proto", "142", "dev", DEVICE])).toBe(
      "10.77.0.128/25 scope link \n192.168.8.0/24 scope link mtu 1280 \n",
    );
    expect(await laptop.machine.must("ip", ["link", "show", DEVICE])).toContain("mtu 1400");
    expect(await laptop.machine.must("ip", ["route", "show", "10.77.0.0/24"])).toContain("mtu 1280");
    expect(await unreachable(laptop.machine)).toContain("192.168.8.0/24");
    await reloaded({});
    expect((await laptop.ping("192.168.7.9")).status).toBe(0);
  });

  test("that gives a route another metric leaves no moment without one", async () => {
    const [routed] = UNSAFE;
    // Ends by itself, with the status of whom time is up.
    const watched = laptop.machine.run("timeout", ["2", "ip", "monitor", "route"]);
    await pause(300);
    await reloaded({ unsafe_routes: [{ ...routed, metric: 41 }, ...UNSAFE.slice(1)] });
    const ofNetwork = (await watched).stdout.split("\n").filter((line) => line.includes("192.168.7.0/24"));
    expect(ofNetwork.map((line) => [line.startsWith("Deleted"), /metric (\d+)/.exec(line)?.[1]])).toEqual([
      [false, "41"],
      [true, "40"],
    ]);
    await reloaded({});
  });

  test.each([
    [
      "a route that is somebody else's",
      { unsafe_routes: [{ route: "192.168.9.0/24", via: "10.77.0.2" }] },
      "one with metric 0 leads to net",
    ],
    [
      "a route inside the overlay",
      { unsafe_routes: [{ route: "10.77.0.0/25", via: "10.77.0.2" }] },
      "is inside the overlay network",
    ],
    [
      "a gateway outside the overlay",
      { unsafe_routes: [{ route: "192.168.8.0/24", via: "192.0.2.2" }] },
      "is outside this host's networks",
    ],
    ["an MTU that no datagram carries", { routes: [{ route: "10.77.0.128/25", mtu: 9000 }] }, "is out of range"],
  ])("with %s is refused by name, and everything stays as it was", async (_, tun, complaint) => {
    await laptop.machine.must("ip", ["route", "replace", "192.168.9.0/24", "dev", "net"]);
    const before = await laptop.machine.routes();
    const { status, stderr } = await reload({ unsafe_routes: UNSAFE, ...tun });
    expect(status).not.toBe(0);
    expect(stderr).toContain(complaint);
    expect(await laptop.machine.routes()).toBe(before);
    expect((await laptop.ping("192.168.7.9")).status).toBe(0);
    await laptop.machine.must("ip", ["route", "del", "192.168.9.0/24"]);
    await laptop.configure();
  });
});

describe("routes that others put into the system's table", () => {
  test("lead into the mesh while they stand (use_system_route_table)", async () => {
    await laptop.machine.must("ip", ["route", "add", "10.5.0.0/16", "via", "10.77.0.2", "dev", DEVICE]);
    const pinged = await laptop.ping("10.5.0.1");
    expect(pinged.status, pinged.stdout + logs()).toBe(0);
    await laptop.machine.must("ip", ["route", "del", "10.5.0.0/16"]);
    await waitFor(
      "the route is unlearned",
      async () => {
        return !(await statusOf(laptop)).routes.some(({ prefix }) => prefix === "10.5.0.0/16");
      },
      WITHIN,
    );
  });
});

describe("routes into the overlay", () => {
  test("come back with the device after the data plane was killed, and meanwhile no packet takes another way", async () => {
    await laptop.machine.must("ip", ["route", "add", "default", "dev", "net"]);
    const killed = await laptop.dataPlane();
    process.kill(killed!, "SIGKILL");
    const way = await laptop.machine.run("ip", ["route", "get", "192.168.7.9"]);
    expect(way.stdout + way.stderr).not.toMatch(/dev net /);
    const isBack = async (): Promise<boolean> => {
      const running = await laptop.dataPlane();
      const shown = await laptop.machine.run("ip", ["route", "show", "proto", "142", "dev", DEVICE]);
      return running !== undefined && running !== killed && shown.stdout.includes("192.168.7.0/24");
    };
    await waitFor("the route", isBack, WITHIN);
    expect((await laptop.ping("192.168.7.9")).status).toBe(0);
    await laptop.machine.must("ip", ["route", "del", "default"]);
  });

  test("are gone, with everything else, when the host is stopped", async () => {
    await laptop.stop();
    expect(await laptop.machine.routes()).toBe(routesBefore);
  });

  test("do not keep a host from starting when somebody else's is in the way: it says so", async () => {
    await laptop.machine.must("ip", ["route", "add", "192.168.7.0/24", "dev", "net", "metric", "40"]);
    await laptop.start();
    const missing = async () => (await statusOf(laptop)).health.find(({ code }) => code === "route-missing");
    expect(await waitFor("it to be said", missing, { withinMs: 5_000 })).toMatchObject({ severity: "error" });
    expect((await laptop.ping("fd07::9")).status).toBe(0);
    expect(await laptop.machine.must("ip", ["route", "show", "192.168.7.0/24"])).toContain("dev net");
  });
});

async function shout(): Promise<void> {
  await laptop.machine.run("ping", ["-n", "-c", "2", "-i", "0.2", "-w", "1", "-I", DEVICE, "224.0.0.251"]);
  await laptop.machine.run("ping", ["-n", "-b", "-c", "2", "-i", "0.2", "-w", "1", "10.77.0.255"]);
}

function commandOf(verb: string, host: MeshHost): [string, string[]] {
  const [command, ...args] = LACIS.cli(verb, "--config", host.configPath);
  return [command, args];
}

function reload(tun: Section): Promise<{ status: number | undefined; stdout: string; stderr: string }> {
  const more = { tun: { use_system_route_table: true, ...tun } };
  return laptop.configure({ more }).then(() => laptop.machine.run(...commandOf("reload", laptop)));
}

/** With the usual routes unless there are others. */
async function reloaded(tun: Section): Promise<void> {
  const { status, stdout, stderr } = await reload({ unsafe_routes: UNSAFE, ...tun });
  expect(status, stdout + stderr).toBe(0);
}

/** As of the last sample of the data plane, which is half a second or a second old. */
async function dropsOf(host: MeshHost): Promise<Readonly<Record<string, number>>> {
  return (await statusOf(host)).counters?.drops ?? {};
}

function logs(): string {
  return [gateway, laptop].map((host) => `\n--- ${host.name}\n${host.daemon.log()}`).join("");
}

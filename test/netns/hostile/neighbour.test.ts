import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "../lab/daemon.ts";
import { GUARD, ownerOf, standingGuard } from "../lab/guard.ts";
import { LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import type { Machine } from "../lab/network.ts";
import { program, serve } from "../lab/program.ts";
import { forward } from "../lab/router.ts";
import { buildTrio, type Trio } from "../lab/trio.ts";
import { waitFor } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";

/** What differs between the families. `forged` is nobody's overlay address. */
const FAMILIES = {
  IPv4: {
    bits: 32,
    underlay: "192.0.2.2",
    itself: "192.0.2.66",
    overlay: "10.77.0.2",
    laptop: "10.77.0.3",
    forged: "10.77.0.99",
  },
  IPv6: {
    bits: 128,
    underlay: "2001:db8::2",
    itself: "2001:db8::66",
    overlay: "fd77::2",
    laptop: "fd77::3",
    forged: "fd77::99",
  },
} as const;
type Family = keyof typeof FAMILIES;

/** What got through of a neighbour's attempts. */
interface Reached {
  readonly ping: boolean;
  readonly tcp: boolean;
  /** Of 20 datagrams. */
  readonly udp: number;
}
const NOTHING: Reached = { ping: false, tcp: false, udp: 0 };
const EVERYTHING: Reached = { ping: true, tcp: true, udp: 20 };

describe("a neighbour on the underlay that routes overlay addresses to a host", () => {
  let trio: Trio;
  let server: MeshHost;
  let neighbour: Machine;
  let owner: string;
  const echoes = new Map<MeshHost, Daemon>();

  beforeAll(async () => {
    trio = await buildTrio("neighbour");
    server = trio.server;
    neighbour = await trio.mesh.network.machine("neighbour", ["192.0.2.66/24", "2001:db8::66/64"]);
    for (const { forged, bits } of Object.values(FAMILIES)) {
      await neighbour.must("ip", ["address", "add", `${forged}/${bits}`, "dev", "lo"]);
    }
    // Without it a host does not look for its neighbours when it answers from another address.
    await server.machine.must("ip", ["address", "add", "fe80::2/64", "dev", "net", "nodad"]);
    // The kernel's own check of sources must not be what holds, and it knows IPv4 only.
    await server.machine.must("sh", ["-c", "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done"]);
    await trio.mesh.startAll();
    owner = await ownerOf(server);
    await serve(server.machine, "tcp-echo", 7001);
    for (const host of [server, trio.laptop]) {
      echoes.set(host, await serve(host.machine, "udp-echo", 7000, countFileOf(host)));
    }
  });
  afterAll(() => trio.mesh.close());

  test("reaches nothing on it, and forges no overlay address", () => expectAttempts(NOTHING, { udp: 0 }));

  test("nor when the host forwards, and what it forwards does not enter the tunnel", async () => {
    await forward(server.machine);
    await expectAttempts(NOTHING, { udp: 0 });
    for (const family of families) {
      const { overlay, itself, forged } = FAMILIES[family];
      for (const source of [overlay, itself, forged]) {
        await expectReached(`as ${source}`, 0, () => throughTheTunnel(family, source));
      }
    }
  });

  test("while members reach it through the tunnel, and its own programs reach its overlay address", async () => {
    for (const family of families) {
      const { overlay } = FAMILIES[family];
      for (const from of [trio.laptop.machine, server.machine]) {
        await expectReached(overlay, EVERYTHING, () => attempt(from, overlay));
      }
    }
  });

  test("while a network of the underlay that lies inside the overlay's goes on working, and is told of", async () => {
    await server.machine.must("ip", ["address", "add", "10.77.0.129/28", "dev", "net"]);
    await neighbour.must("ip", ["address", "add", "10.77.0.130/28", "dev", "net"]);
    await expectReached("10.77.0.129", EVERYTHING, () => attempt(neighbour, "10.77.0.129"));
    await reload(server);
    await server.daemon.becomes("it says so", async () => server.daemon.log().includes("code=overlay-shadowed"));
    expect((await statusOf(server)).health.map(({ code }) => code)).toContain("overlay-shadowed");
    await server.machine.must("ip", ["address", "delete", "10.77.0.129/28", "dev", "net"]);
    await neighbour.must("ip", ["address", "delete", "10.77.0.130/28", "dev", "net"]);
  });

  test("and status says that the way is closed, and how many packets were refused", async () => {
    await reload(server);
    const { guard, health } = await waitFor(
      "the count",
      () => statusOf(server).then((seen) => (seen.guard?.droppedPackets ?? 0) > 0 && seen),
      {
        withinMs: 5_000,
      },
    );
    expect(guard).toMatchObject({ routes: "standing", underlay: "closed" });
    expect(health.filter(({ code }) => code === "underlay-open")).toEqual([]);
    expect(guard?.droppedPackets).toBe((await standingGuard(server.machine, owner)).droppedPackets);
  });

  test("reaches all of it once somebody has removed the guard: what the other tests try would succeed", async () => {
    const [command, ...args] = GUARD;
    // The data plane goes on; the daemon would set the guard again.
    await server.daemon.kill();
    await server.machine.must(command, [...args, "clear", "--owner", owner]);
    await expectAttempts(EVERYTHING, { udp: 20 });
    await expectReached("through the tunnel", 20, () => throughTheTunnel("IPv6", FAMILIES.IPv6.overlay));
  });

  test("finds no rule of ours in its way when the host has stopped", async () => {
    const [command, ...args] = GUARD;
    await server.start();
    await server.daemon.becomes(
      "the guard stands",
      async () => (await standingGuard(server.machine, owner)).rules === 6,
    );
    await server.stop();
    expect((await standingGuard(server.machine, owner)).rules).toBe(0);
    // Whoever may do nothing but change networks may set it: the daemon needs no more.
    const powers = ["--bounding-set", "-all,+net_admin", command, ...args];
    await server.machine.must("setpriv", [...powers, "set", "--owner", owner, "--network", "10.77.0.2/24"]);
    expect((await standingGuard(server.machine, owner)).rules).toBe(4);
    await server.machine.must("setpriv", [...powers, "clear", "--owner", owner]);
  });

  /** `asItself` is what it reaches with its own address; answers to forged ones do not come back to it. */
  async function expectAttempts(asItself: Reached, forged: { readonly udp: number }): Promise<void> {
    for (const family of families) {
      const { overlay, underlay, itself, forged: source } = FAMILIES[family];
      await route(family, overlay, ["via", underlay, "src", itself]);
      await expectReached(overlay, asItself, () => attempt(neighbour, overlay));
      await route(family, overlay, ["via", underlay, "src", source]);
      await expectReached(`${family}, forged, to the overlay`, forged.udp, () => datagrams(neighbour, server, overlay));
      await route(family, underlay, ["dev", "net", "src", source]);
      await expectReached(`${family}, forged, to the underlay`, forged.udp, () =>
        datagrams(neighbour, server, underlay),
      );
      await unroute(family, underlay);
    }
  }

  /** How many of 20 datagrams to the laptop arrive there when the neighbour sends them to the host, from this source. */
  async function throughTheTunnel(family: Family, source: string): Promise<number> {
    const { bits, underlay, laptop, overlay } = FAMILIES[family];
    await neighbour.must("ip", ["address", "add", `${overlay}/${bits}`, "dev", "lo"]);
    await route(family, laptop, ["via", underlay, "src", source]);
    const arrived = await datagrams(neighbour, trio.laptop, laptop);
    await unroute(family, laptop);
    await neighbour.must("ip", ["address", "delete", `${overlay}/${bits}`, "dev", "lo"]);
    return arrived;
  }

  /** What is to fail fails at once. What is to succeed may take a busy machine, which asks for its neighbours first, more than one attempt. */
  async function expectReached<R extends Reached | number>(
    what: string,
    expected: R,
    reach: () => Promise<R>,
  ): Promise<void> {
    const until = performance.now() + (expected === NOTHING || expected === 0 ? 0 : BUSY_MS);
    let reached = await reach();
    while (!isDeepStrictEqual(reached, expected) && performance.now() < until) reached = await reach();
    expect(reached, what).toEqual(expected);
  }

  async function attempt(from: Machine, address: string): Promise<Reached> {
    const ping = await from.run("ping", ["-n", "-c", "1", "-W", "1", address]);
    const tcp = await from.run(...program("tcp-transfer", address, 7001, 1000), { timeoutMs: 1_500 });
    return { ping: ping.status === 0, tcp: tcp.status === 0, udp: await datagrams(from, server, address) };
  }

  /** How many of 20 datagrams to an address a host receives. */
  async function datagrams(from: Machine, at: MeshHost, address: string): Promise<number> {
    const before = await received(at);
    await from.must(...program("udp-throw", address, 7000), { input: "00\n".repeat(20) });
    return (await received(at)) - before;
  }

  async function received(at: MeshHost): Promise<number> {
    rmSync(countFileOf(at), { force: true });
    echoes.get(at)?.signal("SIGUSR2");
    return waitFor("the count", () => readCount(countFileOf(at)), { withinMs: BUSY_MS });
  }

  async function route(family: Family, address: string, how: readonly string[]): Promise<void> {
    await neighbour.must("ip", ["route", "replace", `${address}/${FAMILIES[family].bits}`, ...how]);
  }

  async function unroute(family: Family, address: string): Promise<void> {
    await neighbour.must("ip", ["route", "delete", `${address}/${FAMILIES[family].bits}`]);
  }
});

/** How long a busy machine may take for what takes a moment. */
const BUSY_MS = 30_000;

const families = Object.keys(FAMILIES) as readonly Family[];

function countFileOf(host: MeshHost): string {
  return join(host.machine.directory, "count");
}

function readCount(path: string): number | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")).received;
  } catch {
    return undefined;
  }
}

/** Which looks after the guard, too. */
async function reload(host: MeshHost): Promise<void> {
  const [command, ...args] = LACIS.cli("reload", "--config", host.configPath);
  await host.machine.must(command, args);
}

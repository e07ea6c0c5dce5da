import { beforeEach, describe, expect, test } from "vitest";
import type { LocalIndex } from "../../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { endpointAddress } from "../../../../../src/core/netip/endpoint.ts";
import { isCarried } from "../../../../../src/core/path/carried.ts";
import {
  BINDING_BYTES,
  type CarrierControl,
  decodeCarrierControl,
  encodeCarrierControl,
} from "../../../../../src/core/wire/carrier-control.ts";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import { lighthouseMessagesOf } from "../../../fixtures/lighthouse-messages.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";

const SECOND = 1_000;
const LIGHTHOUSE = "192.0.2.1:4242";

let mesh: Mesh;
let lighthouse: Host;
let laptop: Host;
let server: Host;
/** Whose UDP does not come through. */
let blocked: Host | undefined;

beforeEach(() => {
  mesh = new Mesh();
  blocked = undefined;
  mesh.delivers = ({ from, to }) => blocked === undefined || (from !== blocked.endpoint && to !== blocked.endpoint);
  const statics = { "10.77.0.1": [LIGHTHOUSE] };
  const common = { statics, lighthouses: ["10.77.0.1"] };
  const relay = { amRelay: true, useRelays: false, relays: [], peerKilobytes: 0 };
  lighthouse = mesh.host(LIGHTHOUSE, { name: "lighthouse", networks: ["10.77.0.1/24"], amLighthouse: true, relay });
  laptop = mesh.host("192.0.2.3:4242", { name: "laptop", networks: ["10.77.0.3/24"], ...common });
  server = mesh.host("192.0.2.2:4242", { name: "server", networks: ["10.77.0.2/24"], ...common });
  mesh.tcp.listens = (place) => (place === "192.0.2.1:443" ? lighthouse : undefined);
});

describe("a host whose UDP is blocked from the start", () => {
  test("comes to its lighthouse over TCP two seconds later, and through it to a host that has no relay", () => {
    blocked = laptop;
    mesh.run(1_500);
    expect(mesh.tcp.ordered(laptop, "open")).toEqual([]);
    mesh.run(2_500);
    expect(carrierTo(laptop, "lighthouse")).toMatchObject({ name: "lighthouse", remote: "192.0.2.1:443" });
    expect(carrierTo(lighthouse, "laptop")).toMatchObject({ name: "laptop", remote: "192.0.2.3:4242" });
    expect(laptop.ping(server)).toMatchObject({ outcome: "pong", relay: { name: "lighthouse" } });
    expect(carrierTo(laptop, "server")).toMatchObject({ name: "lighthouse" });
    mesh.run(15 * SECOND);
    expect(server.ping(laptop)).toMatchObject({ outcome: "pong" });
  });

  test("is found through its lighthouse by a host that calls it", () => {
    blocked = laptop;
    mesh.run(15 * SECOND);
    expect(server.ping(laptop)).toMatchObject({ outcome: "pong", relay: { name: "lighthouse" } });
  });

  test("tries a lighthouse without such a port ever more seldom, and says so once", () => {
    mesh.tcp.listens = () => undefined;
    blocked = laptop;
    mesh.run(60 * SECOND);
    const first = mesh.tcp.ordered(laptop, "open").length;
    expect(first).toBeLessThanOrEqual(6);
    mesh.run(240 * SECOND);
    expect(mesh.tcp.ordered(laptop, "open").length - first).toBeLessThanOrEqual(5);
    expect(laptop.noticed("carrier-failed")).toHaveLength(1);
  });

  test("does not try TCP when the configuration says port 0", () => {
    laptop.reload({ ...laptop.settings.live, carrier: { listenPort: 0, port: 0 } });
    blocked = laptop;
    mesh.run(30 * SECOND);
    expect(mesh.tcp.orders).toEqual([]);
  });
});

describe("a host whose UDP is blocked while it talks", () => {
  beforeEach(() => {
    mesh.run(SECOND);
    expect(laptop.ping(server)).toMatchObject({ outcome: "pong", relay: undefined });
  });

  test("goes on through its lighthouse over TCP within 4 s, and back over UDP within 10 s of its return, with a session more at most", () => {
    mesh.run(5 * SECOND);
    const tunnels = lighthouse.status().tables.sessions;
    blocked = laptop;
    const silent = silenceOf(laptop, server);
    expect(silent).toBeLessThanOrEqual(4 * SECOND);
    expect(carrierTo(laptop, "lighthouse")).toBeDefined();
    expect(lighthouse.status().tables.sessions).toBeLessThanOrEqual(tunnels + 1);
    blocked = undefined;
    const returned = timeUntil(() => laptop.status().peers.every(({ carrier }) => carrier === undefined));
    expect(returned).toBeLessThanOrEqual(10 * SECOND);
    expect(carrierTo(lighthouse, "laptop")).toBeUndefined();
    mesh.run(12 * SECOND);
    expect(laptop.ping(server)).toMatchObject({ outcome: "pong", relay: undefined });
    expect(laptop.noticed("carrier-down").map(({ fields }) => fields["why"])).toEqual(["udp-works"]);
    expect(lighthouse.noticed("carrier-down")).toHaveLength(1);
  });

  test("does not go over TCP when only the other host is gone", () => {
    mesh.remove(server);
    for (let i = 0; i < 100; i++) {
      laptop.say(server, "anybody there?");
      mesh.run(100);
    }
    expect(mesh.tcp.orders).toEqual([]);
  });

  test("stays on TCP while UDP comes through in one direction only", () => {
    blocked = laptop;
    silenceOf(laptop, server);
    mesh.delivers = ({ from, to }) => to !== laptop.endpoint || from === laptop.endpoint;
    let worst = 0;
    for (let i = 0; i < 5; i++) {
      mesh.run(2 * SECOND);
      worst = Math.max(worst, silenceOf(laptop, server));
    }
    expect(worst).toBeLessThanOrEqual(200);
    expect(carrierTo(laptop, "lighthouse")).toBeDefined();
  });

  test("makes another connection when the one that it has is cut", () => {
    blocked = laptop;
    silenceOf(laptop, server);
    const [at] = laptop.node.details(mesh.clock).sessions.flatMap(({ path }) => (path && isCarried(path) ? path : []));
    mesh.tcp.cut(laptop, at!);
    mesh.run(5 * SECOND);
    expect(carrierTo(laptop, "lighthouse")).toBeDefined();
    expect(mesh.tcp.ordered(laptop, "open")).toHaveLength(2);
  });
});

describe("a control plane that starts anew beside a data plane that goes on", () => {
  test.each(["laptop", "lighthouse"] as const)(
    "of the %s costs the connection, and another one is made at once",
    (which) => {
      mesh.run(SECOND);
      laptop.ping(server);
      blocked = laptop;
      silenceOf(laptop, server);
      const host = which === "laptop" ? laptop : lighthouse;
      const at = host.details().sessions.flatMap(({ path }) => (path && isCarried(path) ? path : []));
      host.restartControlPlane();
      mesh.tcp.cut(host, at[0]!);
      expect(silenceOf(laptop, server)).toBeLessThanOrEqual(2 * SECOND);
      expect(carrierTo(laptop, "lighthouse")).toBeDefined();
    },
  );
});

describe("a host that is reached over TCP", () => {
  test("tells its lighthouse so, and not with lighthouse.interval 0", () => {
    for (const intervalMs of [60 * SECOND, 0]) {
      const { live } = laptop.settings;
      laptop.reload({ ...live, lighthouse: { ...live.lighthouse, intervalMs } });
      blocked = laptop;
      mesh.run(SECOND);
      const before = reportsOf(laptop);
      silenceOf(laptop, server);
      expect(carrierTo(laptop, "lighthouse")).toBeDefined();
      mesh.run(SECOND);
      expect(reportsOf(laptop) > before, `interval ${intervalMs} ms`).toBe(intervalMs > 0);
      blocked = undefined;
      timeUntil(() => carrierTo(laptop, "lighthouse") === undefined);
      mesh.run(15 * SECOND);
    }
  });

  test("is not any more when the configuration says port 0", () => {
    blocked = laptop;
    silenceOf(laptop, server);
    expect(carrierTo(laptop, "lighthouse")).toBeDefined();
    laptop.reload({ ...laptop.settings.live, carrier: { listenPort: 0, port: 0 } });
    mesh.run(SECOND);
    expect(mesh.tcp.ordered(laptop, "close").map((order) => order.what === "close" && order.why)).toEqual(["stopped"]);
    mesh.run(30 * SECOND);
    expect(mesh.tcp.ordered(laptop, "open")).toHaveLength(1);
  });

  test("keeps the connection when it wakes: nobody could have answered while it was asleep", () => {
    blocked = laptop;
    silenceOf(laptop, server);
    sleep(laptop, 60 * SECOND);
    mesh.run(4 * SECOND);
    expect(mesh.tcp.ordered(laptop, "close")).toEqual([]);
    expect(carrierTo(laptop, "lighthouse")).toBeDefined();
  });

  test("leaves UDP the usual time after a sleep", () => {
    mesh.run(SECOND);
    laptop.ping(server);
    blocked = laptop;
    for (let i = 0; i < 10; i++) {
      laptop.say(server, "anybody there?");
      mesh.run(100);
    }
    expect(mesh.tcp.ordered(laptop, "open")).toEqual([]);
    sleep(laptop, 60 * SECOND);
    mesh.run(SECOND);
    expect(mesh.tcp.ordered(laptop, "open")).toEqual([]);
  });
});

describe("who is at the other end", () => {
  test("is not believed to be there when somebody stands between, and the connection is closed", () => {
    mesh.tcp.isIntercepted = true;
    blocked = laptop;
    mesh.run(6 * SECOND);
    expect(mesh.tcp.ordered(laptop, "proven")).toEqual([]);
    expect(mesh.tcp.ordered(lighthouse, "proven")).toEqual([]);
    expect(mesh.tcp.ordered(laptop, "close")[0]).toMatchObject({ why: "intercepted" });
    expect(laptop.noticed("carrier-failed")[0]?.fields).toMatchObject({ why: "intercepted" });
  });

  test("is closed by name when it is another host", () => {
    mesh.tcp.listens = () => server;
    blocked = laptop;
    mesh.run(6 * SECOND);
    expect(mesh.tcp.ordered(laptop, "close")[0]).toMatchObject({ why: "wrong-identity" });
    expect(carrierTo(laptop, "server")).toBeUndefined();
  });

  test("is told to nobody: no report and no answer has a connection in it", () => {
    blocked = laptop;
    mesh.run(20 * SECOND);
    server.ping(laptop);
    const places = [server, lighthouse, laptop].flatMap((host) => host.details().places);
    const told = places.flatMap(({ learned, said }) => [...learned, ...[...said.values()].flat()]);
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter(isCarried)).toEqual([]);
    expect(mesh.flights.filter(({ to }) => endpointAddress(to).startsWith("127."))).toEqual([]);
  });
});

describe("a hostile host", () => {
  test("that claims the connection of another one is denied, and takes nothing from it", () => {
    blocked = laptop;
    mesh.run(4 * SECOND);
    const before = carrierTo(lighthouse, "laptop");
    claim(server, bindingOf(laptop));
    mesh.run(SECOND);
    expect(carrierTo(lighthouse, "laptop")).toEqual(before);
    expect(carrierTo(lighthouse, "server")).toBeUndefined();
    expect(mesh.tcp.ordered(lighthouse, "proven")).toHaveLength(1);
  });

  test("that claims a connection that does not exist, a thousand times, is denied and changes nothing", () => {
    mesh.run(SECOND);
    for (let i = 0; i < 1_000; i++) claim(server, new Uint8Array(BINDING_BYTES).fill(i));
    mesh.run(SECOND);
    expect(mesh.tcp.orders).toEqual([]);
  });

  test("that confirms or denies what nobody has asked it changes nothing", () => {
    blocked = laptop;
    mesh.run(4 * SECOND);
    const binding = bindingOf(laptop);
    blocked = undefined;
    server.ping(laptop);
    for (const kind of ["confirm", "deny"] as const) say(server, "laptop", { kind, binding });
    mesh.run(SECOND);
    expect(mesh.tcp.ordered(laptop, "close")).toEqual([]);
  });

  test("may only be where lighthouse.remote_allow_list allows that host to be", () => {
    const { live } = lighthouse.settings;
    const overlay = { address: "10.77.0.3" as IpAddress, bits: 32 };
    const rules = [{ prefix: { address: "192.0.2.3" as IpAddress, bits: 32 }, allowed: false }];
    const remoteAllowList = { everybody: [], ranges: [{ overlay, rules }] };
    lighthouse.reload({ ...live, lighthouse: { ...live.lighthouse, remoteAllowList } });
    blocked = laptop;
    mesh.run(5 * SECOND);
    expect(mesh.tcp.ordered(lighthouse, "close")[0]).toMatchObject({ why: "place-not-allowed" });
    expect(mesh.tcp.ordered(lighthouse, "proven")).toEqual([]);
  });
});

/** What TLS exports to both ends of the connection that a host has made. */
function bindingOf(host: Host): Uint8Array {
  const sent = host
    .sent("seal-and-send")
    .flatMap((command) =>
      command.kind === "seal-and-send" && command.type === PacketType.control ? command.body : [],
    );
  const claims = sent.flatMap((body) => decodeCarrierControl(body) ?? []);
  return claims[0]!.binding;
}

function claim(host: Host, binding: Uint8Array): void {
  say(host, "lighthouse", { kind: "claim", binding });
}

/** Through the session that this host has with the one of this name. */
function say(host: Host, to: string, message: CarrierControl): void {
  const session = host.details().sessions.find(({ certificate }) => certificate.name === to)!;
  const localIndex = session.localIndex as LocalIndex;
  const body = encodeCarrierControl(message);
  const command = { kind: "seal-and-send", localIndex, type: PacketType.control, subtype: 0, body } as const;
  host.dataPlane.command(command, mesh.now);
  host.drain();
}

/** How often a host has told lighthouses where it is. */
function reportsOf(host: Host): number {
  return lighthouseMessagesOf(host).filter(({ message }) => message.kind === "host-update").length;
}

/** The mesh goes on without this host, which is told how long when it is back. */
function sleep(host: Host, ms: number): void {
  mesh.remove(host);
  mesh.run(ms);
  mesh.move(host, host.endpoint);
  host.input({ kind: "woke", asleepMs: ms });
}

function carrierTo(host: Host, name: string): unknown {
  return host.status().peers.find((peer) => peer.name === name)?.carrier;
}

/** Milliseconds until what one host says is heard by the other again. */
function silenceOf(from: Host, to: Host): number {
  const before = to.heard.length;
  return timeUntil(() => {
    from.say(to, "still there?");
    return to.heard.length > before;
  });
}

function timeUntil(holds: () => boolean): number {
  for (let waited = 0; waited <= 30 * SECOND; waited += 50) {
    if (holds()) return waited;
    mesh.run(50);
  }
  throw new Error("that does not come to pass");
}

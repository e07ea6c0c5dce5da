import { describe, expect, test } from "vitest";
import type { LiveSettings } from "../../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { RemoteAllowList } from "../../../../src/core/netip/allow-list.ts";
import type { OwnAllowList } from "../../../../src/core/netip/own-allow-list.ts";
import { type Prefix, parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.11:4242";
const B = "192.0.2.12:4242";
const B_LAN = "192.168.7.12:4242";
const L = "192.0.2.1:4242";
const FORBIDDEN = ["192.0.2.12/32", false] as const;

describe("where peers may not be (lighthouse.remote_allow_list)", () => {
  test("nobody is called, and the failure says so", () => {
    const { a } = pair({ remoteAllowList: remote([FORBIDDEN]) });
    expect(a.ping("10.77.0.12")).toMatchObject({
      reason: "no-endpoint-known",
      text: expect.stringContaining("lighthouse.remote_allow_list"),
    });
    expect(a.mesh.flights.filter(({ from }) => from === A)).toEqual([]);
  });

  test("scenario 31: a handshake gets no answer and leaves nothing behind; the same from where it is allowed is answered", () => {
    const { mesh, a, b } = pair({ remoteAllowList: remote([FORBIDDEN]) }, { statics: { "10.77.0.11": [A] } });
    b.ping(a, 300);
    const message1 = mesh.flights.find(({ from }) => from === B)!;
    expect(mesh.flights.filter(({ from }) => from === A)).toEqual([]);
    expect(a.status().peers).toEqual([]);
    expect(a.noticed("handshake-refused").at(-1)?.fields).toMatchObject({ reason: "place-not-allowed" });
    mesh.run(10_000);
    mesh.move(b, "198.51.100.12:4242");
    mesh.send({ ...message1, from: b.endpoint });
    mesh.run(100);
    expect(mesh.flights.filter(({ from, to }) => from === A && to === b.endpoint)).not.toEqual([]);
  });

  test("nor those that its own range forbids, once it is known who it is", () => {
    const list = remote([], [["10.77.0.12/32", [FORBIDDEN]]]);
    const { mesh, a, b } = pair({ remoteAllowList: list }, { statics: { "10.77.0.11": [A] } });
    expect(b.ping(a)).toMatchObject({ reason: "handshake-timeout" });
    expect(mesh.flights.filter(({ from }) => from === A)).toEqual([]);
    expect(a.status().peers).toEqual([]);
  });

  test("a peer that moves is not followed", () => {
    const { mesh, a, b } = pair({ remoteAllowList: remote([["198.51.100.0/24", false]]) });
    expect(a.ping("10.77.0.12")).toMatchObject({ outcome: "pong" });
    mesh.move(b, "198.51.100.12:4242");
    b.say(a, "I have moved");
    mesh.run(100);
    expect(a.heard).toEqual(["I have moved"]);
    expect(a.status().peers[0]).toMatchObject({ path: B });
  });

  test("a reload that forbids where a peer is moves its tunnel to where it may be", () => {
    const { mesh, a, b } = pair({}, {}, [B, B_LAN]);
    mesh.alias(b, B_LAN);
    expect(a.ping("10.77.0.12")).toMatchObject({ outcome: "pong", path: B });
    change(a, { remoteAllowList: remote([FORBIDDEN]) });
    mesh.run(100);
    expect(a.status().peers[0]).toMatchObject({ path: B_LAN, sessions: 1 });
  });

  test("a lighthouse tells nobody of them", () => {
    const mesh = new Mesh();
    const remoteAllowList = remote([["192.168.0.0/16", false]]);
    lighthouse(mesh, { remoteAllowList });
    const { a, b } = clients(mesh);
    b.input({ kind: "local-addresses", addresses: ["192.168.7.12", "203.0.113.12"] as IpAddress[] });
    mesh.run(500);
    a.ping(b);
    const called = new Set(mesh.flights.filter(({ from }) => from === A).map(({ to }) => to));
    expect([...called]).toEqual(expect.arrayContaining([B]));
    expect([...called].filter((to) => to.startsWith("192.168."))).toEqual([]);
  });
});

describe("which of its own addresses a host tells (lighthouse.local_allow_list)", () => {
  const addresses = ["203.0.113.11", "192.168.7.11", "172.17.0.1"] as IpAddress[];
  const interfaces = new Map(addresses.map((address, i) => [address, [["wan0", "lan0", "docker0"][i]!]]));

  test.each<[string, OwnAllowList, readonly string[]]>([
    ["all without a list", { rules: [], interfaces: undefined }, addresses],
    ["none of an interface", named(["docker.*"], false), addresses.slice(0, 2)],
    ["only those of an interface", named(["wan0"], true), addresses.slice(0, 1)],
    ["by alternatives as Nebula reads them", named(["wan0|lan0"], true), addresses.slice(0, 2)],
    ["by classes of characters", named(["(?i)DOCKER[[:digit:]]"], false), addresses.slice(0, 2)],
    [
      "by prefix, too",
      { ...named(["wan0", "lan0"], true), rules: [{ prefix: prefix("203.0.113.0/24"), allowed: false }] },
      addresses.slice(1, 2),
    ],
  ])("%s", (_, ownAllowList, told) => {
    const mesh = new Mesh();
    lighthouse(mesh);
    const { a, b } = clients(mesh, { ownAllowList });
    a.input({ kind: "local-addresses", addresses, interfaces });
    mesh.run(500);
    b.ping(a);
    const called = mesh.flights.filter(({ from, to }) => from === B && to !== L && to !== A).map(({ to }) => to);
    expect(new Set(called)).toEqual(new Set(told.map((address) => `${address}:4242`)));
  });
});

describe("a place where no other host can be", () => {
  test.each([
    ["its own", A],
    ["loopback with its own port", "127.0.0.1:4242"],
    ["that of nobody", "0.0.0.0:4242"],
    ["a group's", "224.0.0.5:4242"],
  ])("is not called, and the failure names it: %s", (_, place) => {
    const { a, mesh } = pair({}, {}, [place]);
    a.input({ kind: "local-addresses", addresses: ["192.0.2.11" as IpAddress] });
    expect(a.ping("10.77.0.12", 500)).toMatchObject({
      outcome: "failed",
      text: expect.stringContaining(`static_host_map has ${place} for 10.77.0.12, where no other host can be`),
    });
    expect(mesh.flights.filter(({ from }) => from === A)).toEqual([]);
  });
});

describe("calculated remotes", () => {
  const calculatedRemotes = [
    { overlay: prefix("10.77.0.0/24"), remotes: [{ mask: prefix("192.0.2.0/24"), port: 4242 }] },
  ];

  test("are where a host is called that nobody has told of", () => {
    const { a } = pair({ calculatedRemotes }, {}, []);
    expect(a.ping("10.77.0.12")).toMatchObject({ outcome: "pong", path: B });
  });

  test("are not asked where a static host is", () => {
    const { a, mesh } = pair({ calculatedRemotes }, {}, ["198.51.100.1:1"]);
    expect(a.ping("10.77.0.12", 500)).toMatchObject({ outcome: "failed" });
    expect(mesh.flights.map(({ to }) => to)).not.toContain(B);
  });

  test("are under the allow list", () => {
    const { a } = pair({ calculatedRemotes, remoteAllowList: remote([FORBIDDEN]) }, {}, []);
    expect(a.ping("10.77.0.12")).toMatchObject({ reason: "no-endpoint-known" });
  });
});

describe("a preferred range", () => {
  const preferredRanges = [prefix("192.168.0.0/16")];

  test("gets the tunnel once its packets have been counted, without another session", () => {
    const { mesh, a, b } = pair({}, {}, [B]);
    mesh.alias(b, B_LAN);
    a.ping("10.77.0.12");
    changeLive(a, { preferredRanges, counters: { tryPromotePackets: 20, requeryPackets: 0 }, ...places([B, B_LAN]) });
    speak(a, b, 5);
    expect(a.status().peers[0]).toMatchObject({ path: B });
    for (let i = 0; i < 30 && a.status().peers[0]?.path !== B_LAN; i++) speak(a, b, 1);
    expect(a.status().peers[0]).toMatchObject({ path: B_LAN, sessions: 1 });
  });

  test("where nobody answers leaves the tunnel where it is, with every packet through", () => {
    const { mesh, a, b } = pair({}, {}, [B]);
    a.ping("10.77.0.12");
    changeLive(a, { preferredRanges, counters: { tryPromotePackets: 10, requeryPackets: 0 }, ...places([B, B_LAN]) });
    speak(a, b, 30);
    expect(mesh.flights.map(({ to }) => to)).toContain(B_LAN);
    expect(a.status().peers[0]).toMatchObject({ path: B });
    expect(b.heard).toHaveLength(30);
  });

  test("scenario 32: from which the first message comes again gets the tunnel, and no more sessions than there were", () => {
    const { mesh, a, b } = pair({}, {}, [B]);
    a.ping("10.77.0.12");
    const message1 = mesh.flights.find(({ from }) => from === A)!;
    mesh.alias(a, "192.168.7.11:4242");
    changeLive(b, { preferredRanges });
    for (let i = 0; i < 3; i++) mesh.send({ ...message1, from: "192.168.7.11:4242" as Host["endpoint"] });
    mesh.run(200);
    expect(b.status().peers[0]).toMatchObject({ path: "192.168.7.11:4242", sessions: 1 });
  });
});

describe("a peer that much is sent to", () => {
  test("is asked about again, and no more often than may be", () => {
    const mesh = new Mesh();
    lighthouse(mesh);
    const { a, b } = clients(mesh);
    changeLive(a, { counters: { tryPromotePackets: 0, requeryPackets: 5 }, timers: { requeryWaitMs: 10_000 } });
    a.ping(b);
    const before = queries(a);
    speak(a, b, 8);
    expect(queries(a) - before).toBe(1);
    speak(a, b, 2);
    expect(queries(a) - before).toBe(1);
    mesh.run(10_000);
    speak(a, b, 5);
    expect(queries(a) - before).toBe(2);
  });
});

function queries(host: Host): number {
  return (
    host.commands.filter((command) => command.kind === "seal-and-send" && command.type === 3).length - reports(host)
  );
}

function reports(host: Host): number {
  return host.commands.filter(
    (command) => command.kind === "seal-and-send" && command.type === 3 && command.body[1] === 3,
  ).length;
}

/** One packet a second, each with an answer. */
function speak(from: Host, to: Host, times: number): void {
  for (let i = 0; i < times; i++) {
    from.say(to, "hello");
    to.say(from, "hello yourself");
    from.mesh.run(1_000);
  }
}

function pair(
  ofA: Partial<LiveSettings["lighthouse"]>,
  ofB: Partial<HostPlan> = {},
  where: readonly string[] = [B],
): { mesh: Mesh; a: Host; b: Host } {
  const mesh = new Mesh();
  const statics = where.length > 0 ? { "10.77.0.12": where } : {};
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/24"], statics });
  change(a, ofA);
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/24"], ...ofB });
  return { mesh, a, b };
}

function lighthouse(mesh: Mesh, change_: Partial<LiveSettings["lighthouse"]> = {}): Host {
  const host = mesh.host(L, { name: "lh", networks: ["10.77.0.1/24"], amLighthouse: true });
  change(host, change_);
  return host;
}

function clients(mesh: Mesh, ofA: Partial<LiveSettings["lighthouse"]> = {}): { a: Host; b: Host } {
  const plan = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/24"], ...plan });
  change(a, ofA);
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/24"], ...plan });
  mesh.run(500);
  return { a, b };
}

function change(host: Host, lighthouse_: Partial<LiveSettings["lighthouse"]>): void {
  changeLive(host, { lighthouse: { ...host.settings.live.lighthouse, ...lighthouse_ } });
}

function changeLive(host: Host, live: Partial<LiveSettings>): void {
  host.reload({ ...host.settings.live, ...live });
}

function places(endpoints: readonly string[]): Pick<LiveSettings, "staticHosts"> {
  const all = endpoints.map((endpoint) => ({ kind: "literal", endpoint: endpoint as Host["endpoint"] }) as const);
  return { staticHosts: new Map([["10.77.0.12" as IpAddress, all]]) };
}

type WrittenRule = readonly [prefix: string, allowed: boolean];

function remote(
  everybody: readonly WrittenRule[],
  ranges: readonly (readonly [string, readonly WrittenRule[]])[] = [],
): RemoteAllowList {
  const rules = (written: readonly WrittenRule[]) =>
    written.map(([text, allowed]) => ({ prefix: prefix(text), allowed }));
  return {
    everybody: rules(everybody),
    ranges: ranges.map(([text, of]) => ({ overlay: prefix(text), rules: rules(of) })),
  };
}

function named(patterns: readonly string[], allowed: boolean): OwnAllowList {
  return { rules: [], interfaces: { patterns, allowed } };
}

function prefix(text: string): Prefix {
  return parsePrefix(text)!;
}

describe("a host with an address of one family", () => {
  test("neither calls nor tells places of the other, and says why it cannot", () => {
    const mesh = new Mesh();
    const six = "[2001:db8::12]:2222";
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], statics: { "10.77.0.12": [six] } });
    const addresses = ["192.0.2.11", "2001:db8::11"] as IpAddress[];
    a.input({
      kind: "local-addresses",
      addresses,
      networks: [parsePrefix("192.0.2.11/24")!, parsePrefix("2001:db8::11/64")!],
    });
    expect(a.node.details(mesh.clock).places).toHaveLength(1);
    a.say("10.77.0.12" as IpAddress, "hello");
    mesh.run(10_000);
    expect(mesh.flights.filter(({ to }) => to === six)).toEqual([]);
    expect(a.noticed("handshake-failed")[0]?.text).toContain("this host cannot send");
  });
});

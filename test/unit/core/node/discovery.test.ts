import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { encodeLighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { UNKNOWN_NAT } from "../../../../src/core/wire/nat-report.ts";
import { lighthouseMessagesOf } from "../../fixtures/lighthouse-messages.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const L = "192.0.2.1:4242";
const A = "192.0.2.11:1111";
const B = "192.0.2.12:2222";

describe("hosts that know only a lighthouse", () => {
  test.each<[string, HostPlan["versions"], HostPlan["versions"], HostPlan["versions"]]>([
    ["all v1", [1], [1], [1]],
    ["all v2", [2], [2], [2]],
    ["all v1+v2", [1, 2], [1, 2], [1, 2]],
    ["v1 and v2 hosts at a v1+v2 lighthouse", [1, 2], [1], [2]],
    ["v1+v2 and v2 hosts at a v2 lighthouse", [2], [1, 2], [2]],
    ["v1+v2 and v1 hosts at a v1 lighthouse", [1], [1, 2], [1]],
  ])("find each other: %s", (_, atLighthouse, atA, atB) => {
    const { mesh, a, b } = triangle({ versions: atLighthouse! }, { versions: atA! }, { versions: atB! });
    a.say(b, "found you");
    mesh.run(300);
    expect(b.heard).toEqual(["found you"]);
    expect(a.status().peers.find(({ name }) => name === "b")).toMatchObject({ state: "up", path: B });
  });

  test("report at the start: to the lighthouse, with the addresses of their interfaces", () => {
    const { lighthouse, a } = triangle();
    expect(a.status().lighthouses).toEqual([{ address: "10.77.0.1", name: "lh", up: true, serves: true }]);
    expect(lighthouseMessagesOf(a)).toContainEqual({
      dialect: 1,
      message: {
        kind: "host-update",
        address: "10.77.0.11",
        endpoints: [A],
        relays: [],
        nat: { ...UNKNOWN_NAT, roundTripMs: 10 },
      },
    });
    expect(lighthouseMessagesOf(lighthouse)).toContainEqual({
      dialect: 1,
      message: { kind: "host-update-ack", address: "10.77.0.11", seen: [A], tellsBindings: true },
    });
  });

  test("report where they are before they ask, so that whoever is asked for opens all ways to them", () => {
    const { mesh, lighthouse } = triangle();
    const plan = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
    const c = mesh.host("192.0.2.13:3333", { name: "c", networks: ["10.77.0.13/16"], ...plan });
    c.input({ kind: "local-addresses", addresses: ["192.168.7.7"] as IpAddress[] });
    c.say("10.77.0.12" as IpAddress, "hello");
    mesh.run(500);
    const kinds = lighthouseMessagesOf(c).map(({ message }) => message.kind);
    expect(kinds.slice(0, 2)).toEqual(["host-update", "host-query"]);
    const punch = lighthouseMessagesOf(lighthouse).find(({ message }) => message.kind === "host-punch");
    expect(punch?.message).toMatchObject({ endpoints: expect.arrayContaining(["192.168.7.7:3333"]) });
  });

  test("scenario 36: report every interval, and soon after their addresses have changed", () => {
    const { mesh, a } = triangle();
    mesh.run(30_000);
    const updates = () => lighthouseMessagesOf(a).filter(({ message }) => message.kind === "host-update");
    const before = updates().length;
    mesh.run(20_000);
    expect(updates().length).toBe(before + 2);
    a.input({ kind: "local-addresses", addresses: ["198.51.100.1", "10.77.0.11"] as IpAddress[] });
    mesh.run(250);
    expect(updates().at(-1)?.message).toMatchObject({ endpoints: ["198.51.100.1:1111"] });
  });

  test("call again when the lighthouse starts anew", () => {
    const { mesh, lighthouse, a, b } = triangle();
    lighthouse.restart();
    mesh.run(11_000);
    a.say(b, "found you");
    mesh.run(300);
    expect(b.heard).toEqual(["found you"]);
  });

  test("keep calling a lighthouse that is not there yet, however rarely they report", () => {
    const mesh = new Mesh();
    const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client });
    a.reload({ ...a.settings.live, lighthouse: { ...a.settings.live.lighthouse, intervalMs: 3_600_000 } });
    mesh.run(30_000);
    mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true });
    mesh.run(6000);
    expect(a.status().lighthouses[0]).toMatchObject({ up: true });
  });

  test("wait for the lighthouse when somebody else lives at the endpoint they knew", () => {
    const stranger = "192.0.2.99:9999";
    const { mesh, a, b } = triangle({}, { statics: { "10.77.0.1": [L], "10.77.0.12": [stranger] } });
    mesh.host(stranger, { name: "c", networks: ["10.77.0.99/16"] });
    mesh.latencyMs = 20;
    a.say(b, "for b only");
    mesh.run(1000);
    expect(a.noticed("wrong-responder")).toHaveLength(1);
    expect(b.heard).toEqual(["for b only"]);
  });

  test("say who could not tell when nobody knows the host", () => {
    const { mesh, a } = triangle();
    a.say("10.77.0.99" as IpAddress, "anybody?");
    mesh.run(6000);
    expect(a.noticed("handshake-failed")[0]).toMatchObject({
      text: "No lighthouse (10.77.0.1) said where 10.77.0.99 is.",
      fields: { reason: "no-endpoint-known" },
    });
  });

  test("say so when no lighthouse is connected", () => {
    const { mesh, lighthouse, a } = triangle();
    lighthouse.input({ kind: "shutdown" });
    mesh.remove(lighthouse);
    mesh.run(100);
    expect(a.ping("10.77.0.99", 10_000)).toMatchObject({
      outcome: "failed",
      text: "No lighthouse is connected (10.77.0.1), so nobody could say where 10.77.0.99 is. 10.77.0.1: No answer from 192.0.2.1:4242 in 5.5 s (10 attempts).",
    });
  });

  test("are not told about hosts that only the lighthouse's own static_host_map knows", () => {
    const { mesh, lighthouse, a } = triangle({ statics: { "10.77.0.50": ["192.0.2.50:50"] } });
    a.say("10.77.0.50" as IpAddress, "anybody?");
    mesh.run(1000);
    expect(lighthouseMessagesOf(lighthouse).filter(({ message }) => message.kind === "host-query-reply")).toEqual([]);
  });

  test("never ask about a lighthouse, nor does a lighthouse ask", () => {
    const { mesh, lighthouse, a } = triangle();
    lighthouse.say("10.77.0.99" as IpAddress, "anybody?");
    mesh.run(6000);
    const queries = [...lighthouseMessagesOf(a), ...lighthouseMessagesOf(lighthouse)].filter(
      ({ message }) => message.kind === "host-query",
    );
    expect(queries).toEqual([]);
  });

  test("do not believe replies and notifications of others", () => {
    const { mesh, a, b } = triangle();
    a.say(b, "hello");
    mesh.run(300);
    const before = mesh.flights.length;
    const reply = encodeLighthouseMessage(
      { kind: "host-punch", address: "10.77.0.1" as IpAddress, endpoints: ["203.0.113.1:1" as Endpoint], relays: [] },
      1,
    )!;
    const toA = b.dataPlane.snapshot().find(({ peerAddresses }) => peerAddresses[0] === a.address)!;
    const type = PacketType.lighthouse;
    b.dataPlane.command({ kind: "seal-and-send", localIndex: toA.localIndex, type, subtype: 0, body: reply }, mesh.now);
    b.drain();
    mesh.run(3000);
    expect(mesh.flights.slice(before).filter(({ to }) => to === "203.0.113.1:1")).toEqual([]);
  });

  test("never take an address inside the overlay for an endpoint", () => {
    const { mesh, a, b } = triangle();
    b.input({ kind: "local-addresses", addresses: ["10.77.5.5", "198.51.100.2"] as IpAddress[] });
    mesh.run(500);
    a.say(b, "hello");
    mesh.run(100);
    const called = mesh.flights.filter(({ from, datagram }) => from === A && datagram[0] === 0x10).map(({ to }) => to);
    expect(called).toContain("198.51.100.2:2222");
    expect(called.some((to) => to.startsWith("10.77."))).toBe(false);
  });
});

describe("hole punching", () => {
  test("follows a notification at once and after punchy.delay with one byte to each endpoint, though punchy.punch is off", () => {
    const { mesh, a, b } = triangle();
    a.say(b, "hello");
    mesh.run(900);
    const punches = () => mesh.flights.filter(({ from, datagram }) => from === B && datagram.length === 1);
    const punch = { to: A, datagram: Uint8Array.of(0) };
    expect(punches()).toMatchObject([punch]);
    mesh.run(300);
    expect(punches()).toMatchObject([punch, punch]);
  });

  test("lets the called host call back when punchy.respond is on", () => {
    const respond = { punch: false, respond: true, delayMs: 1000, respondDelayMs: 5000, targetAllRemotes: false };
    const { mesh, a, b } = triangle({}, {}, { live: { punchy: respond } });
    // Nothing gets in at B unless B has sent there before.
    const opened = new Set<string>([L]);
    mesh.delivers = ({ from, to, datagram }) => {
      if (from === B && datagram.length > 1) opened.add(to);
      return to !== B || opened.has(from);
    };
    a.say(b, "hello");
    mesh.run(5600);
    expect(b.status().peers.find(({ name }) => name === "a")).toMatchObject({ state: "up" });
    expect(a.status().peers.find(({ name }) => name === "b")).toMatchObject({ state: "up" });
  });

  test("keeps mappings open with punchy.punch while a tunnel is idle, but not to lighthouses", () => {
    const punch = { punch: true, respond: false, delayMs: 1000, respondDelayMs: 5000, targetAllRemotes: false };
    const { mesh, a, b } = triangle({}, { live: { punchy: punch } });
    a.say(b, "hello");
    mesh.run(30_000);
    const bytes = mesh.flights.filter(({ from, datagram }) => from === A && datagram.length === 1);
    expect(bytes.length).toBeGreaterThanOrEqual(3);
    expect(new Set(bytes.map(({ to }) => to))).toEqual(new Set([B]));
    expect(bytes[0]?.datagram).toEqual(Uint8Array.of(1));
  });
});

describe("a name in static_host_map", () => {
  test("is asked for at the start and every cadence, and used when it resolves", () => {
    const mesh = new Mesh();
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], statics: { "10.77.0.12": ["b.example:2222"] } });
    const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/16"] });
    a.say(b, "hello");
    mesh.run(300);
    expect(a.questions).toEqual(["b.example"]);
    a.input({ kind: "resolved", name: "b.example", addresses: ["192.0.2.12"] as IpAddress[] });
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    mesh.run(31_000);
    expect(a.questions).toEqual(["b.example", "b.example"]);
    a.input({ kind: "resolved", name: "b.example", addresses: [] });
    a.restartControlPlane();
    expect(a.questions).toHaveLength(3);
  });

  test.each([
    ["into the overlay", "10.77.0.40"],
    ["to this host itself", "192.0.2.11"],
    ["to nowhere", "0.0.0.0"],
    ["to a group", "224.0.0.7"],
  ])("that resolves %s is named with that address when the call fails, and nobody is called", (_, address) => {
    const mesh = new Mesh();
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], statics: { "10.77.0.12": ["b.example:1111"] } });
    a.input({ kind: "local-addresses", addresses: ["192.0.2.11"] as IpAddress[] });
    a.input({ kind: "resolved", name: "b.example", addresses: [address] as IpAddress[] });
    const { text } = a.ping("10.77.0.12", 8000) as { text: string };
    expect(text).toContain(`b.example:1111 (${address}) for 10.77.0.12, where no other host can be`);
    expect(mesh.flights.filter(({ from }) => from === A)).toEqual([]);
  });

  test("that resolves to loopback makes nobody else's word about loopback believed", () => {
    const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L], "10.77.0.13": ["c.example:3333"] } };
    const mesh = new Mesh();
    mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true });
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client });
    mesh.run(1000);
    a.input({ kind: "resolved", name: "c.example", addresses: ["127.0.0.1"] as IpAddress[] });
    const tunnel = a.commands.find((command) => command.kind === "install-session");
    if (tunnel?.kind !== "install-session") expect.fail("no tunnel to the lighthouse");
    const message = { kind: "host-punch", address: "10.77.0.14", endpoints: ["127.0.0.1:53"], relays: [] } as never;
    const body = encodeLighthouseMessage(message, 1)!;
    const { localIndex } = tunnel;
    a.input({
      kind: "data-plane",
      event: { kind: "message", localIndex, type: PacketType.lighthouse, subtype: 0, body },
    });
    mesh.run(8000);
    expect(mesh.flights.filter(({ to }) => to.startsWith("127."))).toEqual([]);
  });

  test("that never resolves is named when the call fails", () => {
    const mesh = new Mesh();
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], statics: { "10.77.0.12": ["b.example:2222"] } });
    expect(a.ping("10.77.0.12", 8000)).toMatchObject({
      outcome: "failed",
      reason: "no-endpoint-known",
      text: "The names in static_host_map for 10.77.0.12 do not resolve.",
    });
  });
});

function triangle(
  planL: Partial<HostPlan> = {},
  planA: Partial<HostPlan> = {},
  planB: Partial<HostPlan> = {},
): { mesh: Mesh; lighthouse: Host; a: Host; b: Host } {
  const mesh = new Mesh();
  const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
  const lighthouse = mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true, ...planL });
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/16"], ...client, ...planB });
  mesh.run(1000);
  return { mesh, lighthouse, a, b };
}

import { describe, expect, test } from "vitest";
import type { LocalIndex } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { encodeLighthouseMessage } from "../../../../src/core/wire/lighthouse.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const L1 = "192.0.2.1:4242";
const L2 = "192.0.2.2:4242";
const A = "192.0.2.11:1111";
const B = "192.0.2.12:2222";
const STATICS = { "10.77.0.1": [L1], "10.77.0.2": [L2] };

describe("two hosts that have no lighthouse in common", () => {
  test.each<[string, HostPlan["versions"], HostPlan["versions"], HostPlan["versions"]]>([
    ["all v1", [1], [1], [1]],
    ["all v2", [2], [2], [2]],
    ["a v1 and a v2 host", [1, 2], [1, 2], [1, 2]],
  ])("find each other, if their lighthouses name each other: %s", (_, atLighthouses, atA, atB) => {
    const { mesh, a, b } = apart({ versions: atLighthouses! }, { versions: atA! }, { versions: atB! });
    a.say(b, "found you");
    mesh.run(300);
    expect(b.heard).toEqual(["found you"]);
  });

  test("hear of each other through their own lighthouses: the one that is called opens its router", () => {
    const { mesh, a, b } = apart();
    const punched = (): boolean =>
      mesh.flights.some(({ from, to, datagram }) => from === B && to === A && isByte(datagram));
    mesh.delivers = ({ to, datagram }) => to !== B || !isCall(datagram) || punched();
    a.say(b, "found you");
    mesh.run(3_000);
    expect(punched()).toBe(true);
    expect(b.heard).toEqual(["found you"]);
  });

  test("do not find each other when one of the lighthouses does not name the other, which says so", () => {
    const { mesh, a, b, two } = apart({ lighthouses: [] });
    a.say(b, "nobody knows");
    mesh.run(3_000);
    expect(b.heard).toEqual([]);
    expect(two.noticed("lighthouse-message-refused")[0]?.text).toBe(
      "one is not heard by this lighthouse: it asks for another host, and is none of the lighthouses in lighthouse.hosts.",
    );
  });

  test("are found by the other lighthouse, too, which is a host like any other", () => {
    const { mesh, one, b } = apart();
    one.say(b, "from the lighthouse");
    mesh.run(300);
    expect(b.heard).toEqual(["from the lighthouse"]);
  });
});

describe("a host with two lighthouses", () => {
  test("takes the first answer, and asks nobody again when the other one is silent", () => {
    const { mesh, a, b, two } = common();
    mesh.delivers = ({ from, to }) => from !== two.endpoint && to !== two.endpoint;
    a.say(b, "found you");
    mesh.run(100);
    expect(b.heard).toEqual(["found you"]);
  });

  test("loses nothing of its tunnels when all lighthouses are gone, and is told so once", () => {
    const { mesh, a, b, one, two } = common();
    a.say(b, "before");
    mesh.run(300);
    for (const lighthouse of [one, two]) mesh.remove(lighthouse);
    const minutes = 10;
    for (let i = 0; i < minutes * 60; i++) {
      a.say(b, `second ${i}`);
      b.say(a, `second ${i}`);
      mesh.run(1_000);
    }
    expect([a.heard.length, b.heard.length]).toEqual([minutes * 60, 1 + minutes * 60]);
    expect(a.notices.filter(({ code, text }) => code === "tunnel-down" && /one|two/.test(text))).toHaveLength(2);
    expect(a.status().lighthouses.map(({ name, up }) => [name, up])).toEqual([
      ["one", false],
      ["two", false],
    ]);
    const gone = a.status().peers.filter(({ state }) => state !== "up");
    expect(gone.map(({ name }) => name).sort()).toEqual(["one", "two"]);
  });

  test("asks for a host that nobody can find as often as it calls, and no more", () => {
    const { mesh, a, one, two } = common();
    for (const lighthouse of [one, two]) mesh.remove(lighthouse);
    mesh.run(60_000);
    mesh.flights.length = 0;
    a.say("10.77.0.99" as IpAddress, "is anybody there?");
    mesh.run(60_000);
    // Two lighthouses, each called for reports and for questions, one attempt about every two seconds.
    const calls = mesh.flights.filter(({ from, datagram }) => from === A && isCall(datagram));
    expect(calls.length).toBeLessThan(150);
    expect(calls.length).toBeGreaterThan(0);
  });

  test("is found again within ten seconds by whoever comes, after the lighthouse has started anew", () => {
    const { mesh, b, one, two } = common();
    mesh.remove(two);
    one.restart();
    mesh.run(10_000);
    const c = mesh.host("192.0.2.13:3333", { ...client("c", "10.77.0.13/16", ["10.77.0.1"]) });
    mesh.run(100);
    c.say(b, "found you");
    mesh.run(300);
    expect(b.heard).toEqual(["found you"]);
  });

  test("reaches a host although one of its lighthouses lies about it: few datagrams go astray", () => {
    const { mesh, a, b, one } = common();
    const lies = Array.from({ length: 64 }, (_, i) => `192.168.7.${i + 1}:4242` as Endpoint);
    const target = b.address;
    const answer = encodeLighthouseMessage({ kind: "host-query-reply", target, endpoints: lies, relays: [] }, 1)!;
    const before = mesh.flights.length;
    a.say(b, "found you");
    one.input({ kind: "tick" });
    one.dataPlane.command(
      { kind: "seal-and-send", localIndex: sessionWith(one, a), type: PacketType.lighthouse, subtype: 0, body: answer },
      mesh.now,
    );
    one.drain();
    mesh.run(5_000);
    expect(b.heard).toEqual(["found you"]);
    const astray = new Set(mesh.flights.slice(before).flatMap(({ to }) => (to.startsWith("192.168.") ? [to] : [])));
    expect(astray.size).toBeLessThanOrEqual(10);
  });
});

describe("a report in the name of another host", () => {
  test("is refused, with the name of who has sent it, and changes nothing", () => {
    const { mesh, a, b, one } = common();
    const body = encodeLighthouseMessage(
      { kind: "host-update", address: b.address, endpoints: ["198.51.100.66:666" as Endpoint], relays: [] },
      1,
    )!;
    const localIndex = sessionWith(a, one);
    a.dataPlane.command({ kind: "seal-and-send", localIndex, type: PacketType.lighthouse, subtype: 0, body }, mesh.now);
    a.drain();
    mesh.run(100);
    expect(one.noticed("lighthouse-message-refused").map(({ text }) => text)).toEqual([
      "a is not heard by this lighthouse: it reports for an address that its certificate does not have.",
    ]);
    a.say(b, "found you");
    mesh.run(300);
    expect(b.heard).toEqual(["found you"]);
    expect(mesh.flights.some(({ to }) => to === "198.51.100.66:666")).toBe(false);
  });
});

/** Two lighthouses, and a host at each. `second`: what is different about the second lighthouse. */
function apart(
  second: Partial<HostPlan> = {},
  atA: Partial<HostPlan> = {},
  atB: Partial<HostPlan> = {},
): { mesh: Mesh; one: Host; two: Host; a: Host; b: Host } {
  const mesh = new Mesh();
  const { versions } = second;
  const both = versions ? { versions } : {};
  const one = mesh.host(L1, { ...lighthouse("one", "10.77.0.1/16", "10.77.0.2"), ...both });
  const two = mesh.host(L2, { ...lighthouse("two", "10.77.0.2/16", "10.77.0.1"), ...second });
  const a = mesh.host(A, { ...client("a", "10.77.0.11/16", ["10.77.0.1"]), ...atA });
  const b = mesh.host(B, { ...client("b", "10.77.0.12/16", ["10.77.0.2"]), ...atB });
  mesh.run(500);
  return { mesh, one, two, a, b };
}

function common(): ReturnType<typeof apart> {
  const both = { lighthouses: ["10.77.0.1", "10.77.0.2"] };
  return apart({ lighthouses: [] }, both, both);
}

function lighthouse(name: string, network: string, other: string): HostPlan {
  return { name, networks: [network], amLighthouse: true, lighthouses: [other], statics: STATICS };
}

function client(name: string, network: string, lighthouses: readonly string[]): HostPlan {
  return { name, networks: [network], lighthouses, statics: STATICS };
}

function sessionWith(host: Host, peer: Host): LocalIndex {
  const found = host.details().sessions.find(({ addresses }) => addresses.includes(peer.address));
  return found!.localIndex as LocalIndex;
}

function isCall(datagram: Uint8Array): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === 1n;
}

function isByte(datagram: Uint8Array): boolean {
  return datagram.length === 1;
}

import { describe, expect, test } from "vitest";
import type { Flow, FlowRecord, PolicyId } from "../../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";
import { parsePrefix } from "../../../../../src/core/netip/prefix.ts";
import { encodeExplanation, type PacketAddresses } from "../../../../../src/core/wire/explanation.ts";
import { PacketType } from "../../../../../src/core/wire/header.ts";
import { DEFAULT_LIVE } from "../../../fixtures/default-settings.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import { ruleOf, rulesetOf } from "../../../fixtures/rules.ts";
import { ALLOW_ALL, type HostPlan } from "../../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const ONLY_API = ruleOf({
  protocol: "udp",
  portFirst: 7777,
  portLast: 7777,
  groups: ["api"],
  place: "/etc/lacis/db.yml:18:7",
});

/** `a` may say what it likes, `db` lets in only whom its rule means. */
function pair(a: Partial<HostPlan> = {}): { mesh: Mesh; a: Host; db: Host } {
  const mesh = new Mesh();
  const firewall = rulesetOf({ inbound: [ONLY_API], outbound: [ALLOW_ALL] });
  return {
    mesh,
    a: mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], groups: ["debug"], statics: { "10.77.0.2": [B] }, ...a }),
    db: mesh.host(B, { name: "db", networks: ["10.77.0.2/16"], live: { firewall } }),
  };
}

function refused(host: Host): readonly string[] {
  return host.noticed("refused-by-peer").map(({ text }) => text);
}

describe("who sent a packet that rules refuse", () => {
  test("hears at once by whom, the nearest rule with its line, and what is missing", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    a.say(db, "hello");
    mesh.run(20);
    expect(refused(a)).toEqual([
      "db refuses udp/7777 from here: no inbound rule allows it there. The one at db.yml:18:7 (udp 7777 groups=api) comes closest, but for its host, groups or cidr. a is in the group debug.",
    ]);
    expect(a.noticed("refused-by-peer")[0]?.fields).toMatchObject({
      name: "db",
      address: "10.77.0.2",
      reason: "no-matching-rule",
      port: 7777,
      closestRule: "db.yml:18:7",
      misses: ["peer"],
      groups: ["debug"],
    });
    expect(db.heard).toEqual([]);
  });

  test("hears nothing when it is allowed", () => {
    const { mesh, a, db } = pair({ groups: ["api"] });
    a.say(db, "hello");
    mesh.run(100);
    expect(db.heard).toEqual(["hello"]);
    expect(refused(a)).toEqual([]);
    expect(a.status().refusals).toEqual([]);
  });

  test("and both ends remember it, with the same rule", () => {
    const { mesh, a, db } = pair();
    a.say(db, "one");
    mesh.run(1_000);
    a.say(db, "two");
    mesh.run(1_000);
    const [ours] = a.status().refusals;
    const [theirs] = db.status().refusals;
    expect(ours).toMatchObject({
      by: "peer",
      direction: "outbound",
      peer: { name: "db", address: "10.77.0.2" },
      reason: "no-matching-rule",
      closest: { place: "db.yml:18:7", misses: ["peer"] },
      packet: { protocol: 17, source: "10.77.0.1", destination: "10.77.0.2", destinationPort: 7777 },
      times: 1,
    });
    expect(theirs).toMatchObject({
      by: "us",
      direction: "inbound",
      peer: { name: "a", groups: ["debug"] },
      closest: { place: "/etc/lacis/db.yml:18:7" },
      times: 2,
    });
    expect(theirs?.lastAgoMs).toBeLessThan(theirs?.firstAgoMs ?? 0);
  });

  test("hears that the gateway of its route has no such network behind it", () => {
    const route = {
      prefix: parsePrefix("192.168.9.0/24")!,
      gateways: [{ address: "10.77.0.2" as IpAddress, weight: 1 }],
    };
    const { tun } = DEFAULT_LIVE;
    const unsafeRoutes = [{ ...route, mtu: undefined, metric: 0, install: false }];
    const { mesh, a, db } = pair({ live: { tun: { ...tun, unsafeRoutes } } });
    a.ping(db);
    a.say("192.168.9.1" as IpAddress, "hello");
    mesh.run(100);
    expect(refused(a)).toEqual([
      "db refuses udp/7777 from here: 192.168.9.1 is neither an address of db nor in a network behind it.",
    ]);
  });

  test("hears of one service once in ten seconds, and then again", () => {
    const { mesh, a, db } = pair();
    for (let second = 0; second < 9; second++) {
      a.say(db, "hello");
      mesh.run(1_000);
    }
    expect(refused(a)).toHaveLength(1);
    mesh.run(2_000);
    a.say(db, "hello");
    mesh.run(100);
    expect(refused(a)).toHaveLength(2);
  });

  test("hears of it also while strangers use up the samples of dropped packets", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    for (let i = 0; i < 100; i++) db.receive("198.51.100.9:1" as Endpoint, new Uint8Array(40).fill(i));
    a.say(db, "hello");
    expect(db.noticed("packet-denied")).toEqual([]);
    mesh.run(300);
    expect(refused(a)).toHaveLength(1);
    mesh.run(11_000);
    for (let i = 0; i < 200; i++) db.receive("198.51.100.9:1" as Endpoint, new Uint8Array(40).fill(i));
    a.say(db, "hello again");
    mesh.run(300);
    expect(refused(a)).toHaveLength(2);
  });

  test("that tries every port is not judged by every rule for each of them", () => {
    const { a, db } = pair();
    a.ping(db);
    const flow = (localPort: number): Flow => ({
      localAddress: "10.77.0.2" as IpAddress,
      remoteAddress: "10.77.0.1" as IpAddress,
      localPort,
      remotePort: 50_000,
      protocol: 6,
      direction: "inbound",
      policyId: 0 as PolicyId,
      ruleId: 0,
      ageMs: 100,
      idleMs: 0,
      sentPackets: 0n,
      sentBytes: 0n,
      receivedPackets: 1n,
      receivedBytes: 0n,
    });
    const records = Array.from({ length: 1_000 }, (_, port): FlowRecord => {
      const refused = { happening: "refused", reason: "no-matching-rule", action: "drop" } as const;
      return { flow: flow(port), peer: "10.77.0.1" as IpAddress, ...refused };
    });
    db.event({ kind: "flow-records", records, untold: 0 });
    expect(db.status().refusals).toHaveLength(40);
  });

  test("knows of a packet that its own rules refuse by itself, and the peer hears nothing", () => {
    const { mesh, a, db } = pair({ live: { firewall: rulesetOf({ inbound: [ALLOW_ALL], outbound: [] }) } });
    a.say(db, "hello");
    mesh.run(100);
    expect(a.status().refusals).toMatchObject([{ by: "us", direction: "outbound", closest: undefined }]);
    expect(db.status().refusals).toEqual([]);
    expect(db.notices.filter(({ code }) => code === "refused-by-peer")).toEqual([]);
  });
});

describe("a peer that tells of refusals", () => {
  const packet: PacketAddresses = {
    protocol: 6,
    source: "10.77.0.1" as IpAddress,
    destination: "10.77.0.2" as IpAddress,
    sourcePort: 50_000,
    destinationPort: 22,
    icmpMessage: undefined,
  };

  /** What `db` says to `a`, whatever its own machines think of it. */
  function tell(mesh: Mesh, a: Host, db: Host, told: PacketAddresses): void {
    const session = db.dataPlane.snapshot()[0]!;
    const judgement = { allowed: false, reason: "no-matching-rule", closest: undefined } as const;
    const body = encodeExplanation({ kind: "refused", packet: told, judgement });
    db.dataPlane.command(
      { kind: "seal-and-send", localIndex: session.localIndex, type: PacketType.control, subtype: 0, body },
      mesh.now,
    );
    db.drain();
    mesh.run(20);
    expect(a.noticed("relay-message-malformed")).toEqual([]);
  }

  test("is believed about packets from here to itself", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    tell(mesh, a, db, packet);
    expect(refused(a)).toEqual(["db refuses tcp/22 from here: no inbound rule allows it there."]);
    expect(a.flowStories.filter(({ refusal }) => refusal?.by === "peer")).toMatchObject([
      {
        happening: "refused",
        direction: "outbound",
        remotePort: 22,
        peer: { name: "db" },
        refusal: { reason: "no-rule" },
      },
    ]);
  });

  test.each<[string, Partial<PacketAddresses>]>([
    ["to somebody else", { destination: "10.77.0.9" as IpAddress }],
    ["of somebody else", { source: "10.77.0.9" as IpAddress }],
    ["of its own", { source: "10.77.0.2" as IpAddress, destination: "10.77.0.1" as IpAddress }],
    ["outside the mesh", { destination: "198.51.100.1" as IpAddress }],
  ])("is not believed about packets %s", (_, changes) => {
    const { mesh, a, db } = pair();
    a.ping(db);
    tell(mesh, a, db, { ...packet, ...changes });
    expect(refused(a)).toEqual([]);
    expect(a.status().refusals).toEqual([]);
  });

  test("is not heard more often than a screen holds, and crowds out nobody else", () => {
    const { mesh, a, db } = pair();
    const other = mesh.host("192.0.2.3:4242", {
      name: "other",
      networks: ["10.77.0.3/16"],
      live: { firewall: rulesetOf({ inbound: [], outbound: [ALLOW_ALL] }) },
      statics: { "10.77.0.1": [A] },
    });
    other.ping(a);
    a.say(other, "hello");
    mesh.run(20);
    a.ping(db);
    for (let port = 1; port <= 300; port++) tell(mesh, a, db, { ...packet, destinationPort: port });
    expect(refused(a).length).toBeLessThan(40);
    for (let port = 1; port <= 600; port++) {
      mesh.run(600);
      tell(mesh, a, db, { ...packet, destinationPort: port });
    }
    const refusals = a.status().refusals;
    expect(refusals).toHaveLength(256);
    expect(refusals.filter(({ peer }) => peer.name === "other")).toHaveLength(1);
  });
});

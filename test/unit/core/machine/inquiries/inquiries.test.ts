import { describe, expect, test } from "vitest";
import type { AskedService } from "../../../../../src/core/firewall/asked-service.ts";
import type { Inquiry } from "../../../../../src/core/io.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { parsePrefix } from "../../../../../src/core/netip/prefix.ts";
import { DEFAULT_LIVE } from "../../../fixtures/default-settings.ts";
import { type Host, Mesh } from "../../../fixtures/mesh.ts";
import { ruleOf, rulesetOf } from "../../../fixtures/rules.ts";
import { ALLOW_ALL, type HostPlan } from "../../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const POSTGRES: AskedService = { protocol: 6, port: 5432 };
const ONLY_API = ruleOf({
  protocol: "tcp",
  portFirst: 5432,
  portLast: 5432,
  groups: ["api"],
  place: "/etc/lacis/db.yml:18:7",
});

function pair(a: Partial<HostPlan> = {}, db: Partial<HostPlan> = {}): { mesh: Mesh; a: Host; db: Host } {
  const mesh = new Mesh();
  return {
    mesh,
    a: mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], groups: ["debug"], statics: { "10.77.0.2": [B] }, ...a }),
    db: mesh.host(B, {
      name: "db",
      networks: ["10.77.0.2/16"],
      live: { firewall: rulesetOf({ inbound: [ONLY_API], outbound: [ALLOW_ALL] }) },
      ...db,
    }),
  };
}

function to(host: string, changes: Partial<Inquiry> = {}): Inquiry {
  return {
    host: { by: "address", address: host as IpAddress },
    direction: "outbound",
    service: POSTGRES,
    local: undefined,
    ...changes,
  };
}

describe("a question about a packet to a peer", () => {
  test("builds the tunnel, and has both ends say what they do with it", () => {
    const { a } = pair();
    expect(a.why(to("10.77.0.2"))).toMatchObject({
      outcome: "judged",
      packet: { protocol: 6, source: "10.77.0.1", destination: "10.77.0.2", destinationPort: 5432 },
      sides: [
        {
          host: { name: "a" },
          isOwn: true,
          direction: "outbound",
          judgement: { allowed: true, rule: { place: "test" } },
        },
        {
          host: { name: "db", address: "10.77.0.2" },
          isOwn: false,
          direction: "inbound",
          peer: { name: "a", groups: ["debug"] },
          judgement: {
            allowed: false,
            reason: "no-matching-rule",
            closest: { place: "db.yml:18:7", text: "tcp 5432 groups=api", misses: ["peer"] },
          },
        },
      ],
    });
  });

  test("is allowed by both when the certificate has the group", () => {
    const { a } = pair({ groups: ["api"] });
    expect(a.why(to("10.77.0.2"))).toMatchObject({
      sides: [{ judgement: { allowed: true } }, { judgement: { allowed: true, rule: { place: "db.yml:18:7" } } }],
    });
  });

  test("may be about a packet from the peer: its outbound rules, then ours", () => {
    const { a, db } = pair();
    a.ping(db);
    expect(db.why(to("10.77.0.1", { direction: "inbound" }))).toMatchObject({
      packet: { source: "10.77.0.1", destination: "10.77.0.2" },
      sides: [
        { host: { name: "a" }, isOwn: false, direction: "outbound", judgement: { allowed: true } },
        { host: { name: "db" }, isOwn: true, direction: "inbound", judgement: { allowed: false } },
      ],
    });
  });

  test("goes to the gateway of an address that lies behind one, in both directions", () => {
    const prefix = parsePrefix("192.168.9.0/24")!;
    const gateways = [{ address: "10.77.0.2" as IpAddress, weight: 1 }];
    const unsafeRoutes = [{ prefix, gateways, mtu: undefined, metric: 0, install: false }];
    const live = { tun: { ...DEFAULT_LIVE.tun, unsafeRoutes } };
    const behind = { unsafeNetworks: ["192.168.9.0/24"], live: {} };
    const { a } = pair({ live }, behind);
    expect(a.why(to("192.168.9.1"))).toMatchObject({
      packet: { source: "10.77.0.1", destination: "192.168.9.1" },
      sides: [{ judgement: { allowed: true } }, { host: { name: "db" }, judgement: { allowed: true } }],
    });
    expect(a.why(to("192.168.9.1", { direction: "inbound" }))).toMatchObject({
      packet: { source: "192.168.9.1", destination: "10.77.0.1" },
      sides: [{ host: { name: "db" }, judgement: { allowed: true } }, { judgement: { allowed: true } }],
    });
    const without = pair({ live }, { live: {} });
    expect(without.a.why(to("192.168.9.1"))).toMatchObject({ sides: [{}, { judgement: { reason: "local-address" } }] });
  });

  test("takes the name of a host with a tunnel, and says when there is none of that name", () => {
    const { a, db } = pair();
    a.ping(db);
    expect(a.why(to("", { host: { by: "name", name: "db" } }))).toMatchObject({ outcome: "judged" });
    expect(a.why(to("", { host: { by: "name", name: "dB1" } }))).toMatchObject({
      outcome: "failed",
      failure: { reason: "unknown-name", name: "dB1" },
    });
  });

  test("ends with what this host knows when the peer does not know the question", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    mesh.delivers = ({ from }) => from === A;
    const asked = mesh.now;
    expect(a.why(to("10.77.0.2"))).toMatchObject({
      outcome: "judged",
      sides: [{ judgement: { allowed: true } }, { judgement: undefined, silence: "silent" }],
    });
    expect(mesh.now - asked).toBeLessThan(1_500);
  });

  test("is answered although two datagrams are lost", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    let left = 2;
    mesh.delivers = ({ from }) => from !== A || left-- <= 0;
    expect(a.why(to("10.77.0.2"))).toMatchObject({ sides: [{}, { judgement: { allowed: false } }] });
  });

  test.each([
    ["this host itself", "10.77.0.1", "own-address"],
    ["outside the mesh", "198.51.100.7", "outside-networks"],
    ["of no host", "10.77.255.255", "outside-networks"],
  ])("is refused for an address that is %s", (_, address, reason) => {
    const { a } = pair();
    expect(a.why(to(address))).toMatchObject({ outcome: "failed", failure: { reason } });
  });

  test("tells why there is no tunnel", () => {
    const { a } = pair();
    expect(a.why(to("10.77.0.9"))).toMatchObject({ outcome: "failed", failure: { reason: "no-endpoint-known" } });
  });

  test("ends when the data plane does", () => {
    const { a } = pair();
    a.input({ kind: "inquire", id: 7, inquiry: to("10.77.0.2"), timeoutMs: 5_000 });
    a.stopDataPlane();
    expect(a.inquiries.get(7)).toMatchObject({ outcome: "failed" });
  });
});

describe("who is asked", () => {
  test("answers nobody more than a burst, and then five times a second", () => {
    const { mesh, a, db } = pair();
    a.ping(db);
    for (let id = 1; id <= 60; id++) a.input({ kind: "inquire", id, inquiry: to("10.77.0.2"), timeoutMs: 5_000 });
    mesh.run(30);
    expect(db.sent("seal-and-send").filter((command) => "type" in command && command.type === 6)).toHaveLength(20);
  });

  test("does not say what it does with packets of others than who asks", () => {
    const { a, db } = pair();
    a.ping(db);
    expect(a.why(to("10.77.0.2", { local: "10.77.0.9" as IpAddress }))).toMatchObject({
      sides: [{ judgement: { reason: "local-address" } }, { judgement: undefined, silence: "declined" }],
    });
  });
});

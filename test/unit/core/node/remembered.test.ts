import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { Mesh } from "../../fixtures/mesh.ts";

const [L, A, B] = ["203.0.113.1:4242", "192.0.2.11:1111", "192.0.2.12:2222"];

describe("a host that starts while no lighthouse answers", () => {
  test("calls those that it was talking to at once, where they were", () => {
    const { mesh, lighthouse, a, b } = acquainted();
    const remembered = a.node.remembered(mesh.clock);
    mesh.remove(lighthouse);
    a.restart();
    a.input({ kind: "recalled", hosts: remembered });
    mesh.run(100);
    expect(a.status().peers.find(({ addresses }) => addresses.includes(b.address))?.state).toBe("up");
  });

  test("finds others that it knew when somebody wants to talk to them, and calls them not before", () => {
    const { mesh, lighthouse, a, b } = acquainted();
    mesh.run(90_000);
    const remembered = a.node.remembered(mesh.clock);
    expect(remembered.find(({ addresses: [name] }) => name === b.address)).toMatchObject({
      endpoints: [B],
      inUse: false,
    });
    mesh.remove(lighthouse);
    a.restart();
    a.input({ kind: "recalled", hosts: remembered });
    mesh.run(1_000);
    expect(a.status().peers.some(({ addresses }) => addresses.includes(b.address))).toBe(false);
    a.say(b, "still there?");
    mesh.run(1_000);
    expect(b.heard).toContain("still there?");
  });

  test("without such a memory finds nobody", () => {
    const { mesh, lighthouse, a, b } = acquainted();
    mesh.remove(lighthouse);
    a.restart();
    a.say(b, "still there?");
    mesh.run(2_000);
    expect(b.heard).not.toContain("still there?");
  });
});

test("what is remembered of a host has all its addresses, and each host once", () => {
  const { mesh, a, lighthouse, b } = acquainted();
  const names = a.node.remembered(mesh.clock).map(({ addresses }) => addresses);
  expect(names).toHaveLength(2);
  expect(names).toEqual(expect.arrayContaining([[b.address], [lighthouse.address]]));
});

test("of more hosts than there is room for, those with a tunnel are remembered, and then those that were used last", () => {
  const { mesh, a, lighthouse, b } = acquainted();
  const met = Array.from({ length: 1_100 }, (_, i) => `10.77.${1 + (i >> 8)}.${i & 0xff}` as IpAddress);
  const hosts = met.map((address) => ({ addresses: [address], endpoints: [B as Endpoint], relays: [], inUse: false }));
  a.input({ kind: "recalled", hosts });
  const names = a.node.remembered(mesh.clock).flatMap(({ addresses }) => addresses);
  expect(names).toHaveLength(1_024);
  expect(new Set(names.slice(0, 2))).toEqual(new Set([lighthouse.address, b.address]));
  expect(names.slice(2)).toEqual(met.slice(-1_022).reverse());
});

function acquainted() {
  const mesh = new Mesh();
  const lighthouse = mesh.host(L, { name: "lighthouse", networks: ["10.77.0.1/16"], amLighthouse: true });
  const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/16"], ...client });
  mesh.run(500);
  a.say(b.address as IpAddress, "hello");
  mesh.run(2_000);
  return { mesh, lighthouse, a, b };
}

import { expect, test } from "vitest";
import { peerHealth } from "../../../../src/admin/health/peers.ts";
import type { NodeStatus } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { StatusOf } from "../../../../src/core/node/status.ts";
import { WORLD_BEGINS } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const DAY = 86_400n;

test("a picture of those in trouble leaves out everybody who is well, and health is the same by it", () => {
  const { mesh, a } = world();
  const names = (whom: StatusOf): readonly string[] => pictureOf(mesh, a, whom).peers.map(nameOf);
  expect(names("everybody")).toEqual(["well", "ends", "unreachable"]);
  expect(names("troubled")).toEqual(["ends", "unreachable"]);
  expect(healthBy(mesh, a, "troubled")).toEqual(healthBy(mesh, a, "everybody"));
  expect(healthBy(mesh, a, "troubled")).toHaveLength(2);
});

test("a picture of those in trouble counts everybody", () => {
  const { mesh, a } = world();
  const { tables } = pictureOf(mesh, a, "troubled");
  expect(tables).toMatchObject({ sessions: 2, addresses: 2 });
  expect(tables).toEqual(pictureOf(mesh, a, "everybody").tables);
});

test("a picture shows a host whose addresses others have taken, as one that is not up", () => {
  const mesh = new Mesh();
  const [A, B, C, D] = ["192.0.2.11:1111", "192.0.2.12:2222", "192.0.2.13:3333", "192.0.2.14:4444"];
  const statics = { "10.77.0.4": [B], "10.77.0.3": [C], "10.77.0.2": [D] };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], versions: [2], statics });
  mesh.host(B, { name: "first", networks: ["10.77.0.3/24", "10.77.0.4/24"], versions: [2] });
  mesh.host(C, { name: "second", networks: ["10.77.0.2/24", "10.77.0.3/24"], versions: [2] });
  mesh.host(D, { name: "third", networks: ["10.77.0.2/24"], versions: [2] });
  for (const address of ["10.77.0.4", "10.77.0.3", "10.77.0.2"]) a.say(address as IpAddress, "hello");
  mesh.run(1_000);
  expect(a.status().peers.map(({ name, state }) => [name, state])).toEqual([
    ["third", "up"],
    ["first", "unconfirmed"],
  ]);
});

function nameOf({ name, addresses: [address] }: NodeStatus["peers"][number]): string {
  return name ?? (address === UNREACHABLE ? "unreachable" : "somebody");
}

function pictureOf(mesh: Mesh, host: Host, whom: StatusOf): NodeStatus {
  return host.node.status(mesh.clock, whom);
}

function healthBy(mesh: Mesh, host: Host, whom: StatusOf): readonly unknown[] {
  const sight = { node: pictureOf(mesh, host, whom), nowMs: Number(mesh.clock.wall / 1_000_000n) };
  return [...peerHealth(sight as Parameters<typeof peerHealth>[0])];
}

const UNREACHABLE = "10.77.0.9" as IpAddress;

/** `a` has a tunnel with one host that is well, one whose certificate ends in three days, and has called in vain for a third. */
function world(): { readonly mesh: Mesh; readonly a: Host } {
  const mesh = new Mesh();
  const [A, B, C] = ["192.0.2.11:1111", "192.0.2.12:2222", "192.0.2.13:3333"];
  const statics = { "10.77.0.2": [B], "10.77.0.3": [C], [UNREACHABLE]: ["192.0.2.99:9999"] };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], notAfter: WORLD_BEGINS + 300n * DAY, statics });
  const well = mesh.host(B, { name: "well", networks: ["10.77.0.2/24"], notAfter: WORLD_BEGINS + 300n * DAY });
  const ends = mesh.host(C, {
    name: "ends",
    networks: ["10.77.0.3/24"],
    notBefore: WORLD_BEGINS - 300n * DAY,
    notAfter: WORLD_BEGINS + 3n * DAY,
  });
  a.say(well, "hello");
  a.say(ends, "hello");
  a.say(UNREACHABLE, "hello");
  mesh.run(30_000);
  return { mesh, a };
}

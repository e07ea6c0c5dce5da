import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../../src/core/dataplane/contract.ts";
import {
  type BulletinMessage,
  decodeBulletinMessage,
  PIECE_BYTES_MAX,
} from "../../../../../src/core/wire/bulletin-message.ts";
import { certificateOf, heldBy, network, REPORTS, saidBy, say } from "./network.ts";

/** Nothing that deflating would make shorter. */
const LONG = new Uint8Array(100 * PIECE_BYTES_MAX + 7).map(
  (_, i) => Math.imul(Math.imul(i + 1, 0x9e37_79b1) ^ (i << 7), 0x85eb_ca6b) >>> 24,
);
const PLAIN = new Uint8Array(100 * PIECE_BYTES_MAX + 7).map((_, i) => i * 31);

describe("a bulletin that one host publishes", () => {
  test("reaches every host that has a way to it, and each says that it has applied it", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b", "c", "d"]);
    expect(hosts[0]?.publish(mesh.authority.revocations(1))).toBeUndefined();
    mesh.run(500);
    expect([lighthouse, ...hosts].map(heldBy)).toEqual([[1], [1], [1], [1], [1]]);
    expect(lighthouse.status().bulletins).toMatchObject([
      { kind: "revocations", number: 1, state: "applied", hosts: 5, applied: 5, pending: [], silent: [] },
    ]);
  });

  test("arrives whole when it is long and every third datagram is lost", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b"]);
    let flights = 0;
    mesh.delivers = () => ++flights % 3 !== 0;
    hosts[0]?.publish(mesh.authority.bulletin({ kind: "policy", number: 1, body: LONG }));
    mesh.run(30_000);
    expect(hosts[1]?.held[0]?.body).toEqual(LONG);
    expect(heldBy(lighthouse)).toEqual([1]);
  });

  test("goes deflated to whoever takes it so, and as it is to whoever does not", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b"]);
    const [a, b] = hosts;
    const pieces = () => saidBy(lighthouse).filter((each) => each.kind === "piece");
    b!.refuses = () => true;
    const bulletin = mesh.authority.bulletin({ kind: "policy", number: 1, body: PLAIN });
    lighthouse.publish(bulletin);
    mesh.run(1_000);
    expect(a?.held[0]?.body).toEqual(PLAIN);
    expect(pieces().length).toBeLessThan(10);
    const before = pieces().length;
    say(b!, lighthouse, { kind: "want", id: mesh.suite.sha256(bulletin.head.encoded), offset: 0, deflated: false });
    mesh.run(100);
    const answered = pieces().slice(before);
    expect(answered.map((each) => "deflatedBytes" in each && each.deflatedBytes)).toEqual(Array(16).fill(undefined));
    expect(answered[0]).toMatchObject({ bytes: PLAIN.subarray(0, PIECE_BYTES_MAX) });
  });

  test("may be empty", () => {
    const { mesh, hosts } = network(["a", "b"]);
    hosts[0]?.publish(mesh.authority.bulletin({ kind: "policy", number: 1 }));
    mesh.run(500);
    expect(hosts[1]?.held.map(({ body }) => body.length)).toEqual([0]);
  });

  test("is of a kind that hosts need not know: they carry it", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b"]);
    hosts[0]?.publish(mesh.authority.bulletin({ kind: "of-tomorrow", number: 5, body: LONG }));
    mesh.run(1_000);
    expect(heldBy(hosts[1]!)).toEqual([5]);
    expect(lighthouse.status().bulletins).toMatchObject([{ state: "held", applied: 0, pending: ["a", "b"] }]);
  });

  test("takes the place of the one before, of each kind for itself", () => {
    const { mesh, hosts } = network(["a", "b"]);
    const [a, b] = hosts;
    a?.publish(mesh.authority.revocations(1));
    a?.publish(mesh.authority.bulletin({ kind: "policy", number: 9, body: LONG }));
    mesh.run(1_000);
    b?.publish(mesh.authority.revocations(2));
    mesh.run(1_000);
    expect(a?.held.map(({ head }) => [head.kind, head.number])).toEqual([
      ["revocations", 2],
      ["policy", 9],
    ]);
  });

  test("reaches whoever comes later, and whoever was away", () => {
    const { mesh, hosts } = network(["a", "b"]);
    const [a, b] = hosts;
    mesh.remove(b!);
    a?.publish(mesh.authority.revocations(3));
    mesh.run(20_000);
    expect(heldBy(b!)).toEqual([]);
    const late = mesh.host(b!.endpoint, {
      name: "late",
      networks: ["10.77.0.9/16"],
      lighthouses: ["10.77.0.1"],
      statics: { "10.77.0.1": ["192.0.2.1:4242"] },
    });
    mesh.run(1_000);
    expect(heldBy(late)).toEqual([3]);
  });

  test("is kept by whoever is restarted with what it held, and brought back to a lighthouse that has lost it", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b"]);
    hosts[0]?.publish(mesh.authority.revocations(4));
    mesh.run(1_000);
    lighthouse.restart();
    lighthouse.held = [];
    mesh.run(60_000);
    expect(heldBy(lighthouse)).toEqual([4]);
    expect(lighthouse.status().bulletins).toMatchObject([{ applied: 3, hosts: 3 }]);
  });
});

test("nobody says anything about bulletins while there is none", () => {
  const { mesh, lighthouse, hosts } = network(["a", "b"]);
  mesh.run(60_000);
  expect([lighthouse, ...hosts].flatMap(saidBy)).toEqual([]);
});

test("what has reached everybody is not told of for ever", () => {
  const { mesh, lighthouse, hosts } = network(["a", "b", "c"]);
  hosts[0]?.publish(mesh.authority.revocations(1));
  mesh.run(16_000);
  const before = [lighthouse, ...hosts].flatMap(saidBy).length;
  mesh.run(120_000);
  expect([lighthouse, ...hosts].flatMap(saidBy).length).toBe(before);
});

describe("how many have applied it", () => {
  test("is what a host that is no lighthouse hears from one, when it asks", () => {
    const { mesh, hosts } = network(["a", "b", "c"]);
    const [a] = hosts;
    a?.publish(mesh.authority.revocations(1));
    mesh.run(1_000);
    a?.input({ kind: "bulletins", news: { what: "count" } });
    mesh.run(100);
    expect(a?.status().bulletins).toMatchObject([{ hosts: 4, applied: 4, pending: [] }]);
  });

  test("names the host that sleeps, and not the one that was revoked", () => {
    const { mesh, lighthouse, hosts } = network(["a", "b", "laptop", "nas"]);
    const [a, , laptop, nas] = hosts;
    a?.publish(mesh.authority.revocations(1));
    mesh.run(1_000);
    mesh.remove(nas!);
    a?.publish(mesh.authority.revocations(2, certificateOf(laptop!)));
    mesh.run(1_000);
    expect(lighthouse.status().bulletins).toMatchObject([{ number: 2, hosts: 4, applied: 3, pending: ["nas"] }]);
  });

  test("expects nothing of a host that was set up anew with its name and address until it has said so itself", () => {
    const { mesh, lighthouse, hosts } = network(["a"]);
    const [a] = hosts;
    lighthouse.publish(mesh.authority.revocations(1));
    mesh.run(1_000);
    expect(lighthouse.status().bulletins).toMatchObject([{ applied: 2, pending: [] }]);
    mesh.remove(a!);
    const anew = mesh.host(a!.endpoint, { name: "a", networks: ["10.77.0.2/16"], keySeed: 99, ...REPORTS });
    anew.refuses = (command) => isSaying(command, "have");
    mesh.run(300);
    expect(lighthouse.status().bulletins).toMatchObject([{ applied: 1, pending: ["a"], silent: [] }]);
    anew.refuses = () => false;
    mesh.run(20_000);
    anew.reload(anew.settings.live);
    lighthouse.publish(mesh.authority.revocations(2));
    mesh.run(1_000);
    expect(lighthouse.status().bulletins).toMatchObject([{ applied: 2, pending: [] }]);
  });

  test("tells whoever sleeps from whoever speaks another program", () => {
    const { mesh, lighthouse, hosts } = network(["a", "nas", "stock"]);
    const [, nas, stock] = hosts;
    // It does not hear of it: what another program skips.
    stock!.refuses = (command) => command.kind === "seal-and-send" && decodeBulletinMessage(command.body) !== undefined;
    mesh.remove(nas!);
    lighthouse.publish(mesh.authority.revocations(1));
    mesh.run(500);
    expect(lighthouse.status().bulletins).toMatchObject([{ hosts: 4, applied: 2, silent: [] }]);
    mesh.run(1_500);
    stock!.ping(lighthouse);
    mesh.run(2_000);
    expect(lighthouse.status().bulletins).toMatchObject([{ applied: 2, pending: ["nas"], silent: ["stock"] }]);
  });
});

function isSaying(command: DataPlaneCommand, kind: BulletinMessage["kind"]): boolean {
  return command.kind === "seal-and-send" && decodeBulletinMessage(command.body)?.kind === kind;
}

import { describe, expect, test } from "vitest";
import {
  asked,
  foremost,
  type PeerQuery,
  parsePeerQuery,
  refuseUnknown,
  unknownPeer,
} from "../../../src/admin/peer-query.ts";
import type { PeerStatus } from "../../../src/core/io.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { peerStatus } from "./fixture.ts";

const peers = [
  peer("web1", { groups: ["web", "eu"] }),
  peer("web2", { groups: ["web"], state: "unconfirmed" }),
  peer("db1", { relay: { name: "lh", address: "10.77.0.1" as IpAddress } }),
  peer("web-db-web", { state: "handshaking" }),
  peer(undefined, { state: "failed", addresses: ["fd77::9" as IpAddress] }),
];

describe("peers", () => {
  test.each<[PeerQuery, readonly (string | undefined)[]]>([
    [{}, ["web1", "web2", "db1", "web-db-web", undefined]],
    [{ peer: "web1" }, ["web1"]],
    [{ peer: "web" }, []],
    [{ peer: "web*" }, ["web1", "web2", "web-db-web"]],
    [{ peer: "*1" }, ["web1", "db1"]],
    [{ peer: "*db*" }, ["db1", "web-db-web"]],
    [{ peer: "web*web" }, ["web-db-web"]],
    [{ peer: "web-db-web*web" }, []],
    [{ peer: "*" }, ["web1", "web2", "db1", "web-db-web"]],
    [{ peer: "fd77:0::9" }, [undefined]],
    [{ group: "web" }, ["web1", "web2"]],
    [{ group: "web", states: ["up"] }, ["web1"]],
    [{ states: ["failed", "handshaking"] }, ["web-db-web", undefined]],
    [{ relayed: true }, ["db1"]],
  ])("are asked for by %j", (query, names) => {
    expect(asked(peers, query).map(({ name }) => name)).toEqual(names);
  });

  test("that are too many leave those in trouble and those that were heard last", () => {
    const many = [
      ...Array.from({ length: 100 }, (_, i) => peer(`up${i}`, { lastReceivedMs: (i * 37) % 100 })),
      ...Array.from({ length: 100 }, (_, i) => peer(`failed${i}`, { state: "failed", lastReceivedMs: undefined })),
    ];
    const names = foremost(many, 6).map(({ name }) => name);
    expect(names).toEqual(["up0", "up73", "up46", "failed0", "failed1", "failed2"]);
    expect(foremost(many.slice(100), 6)).toHaveLength(6);
    expect(foremost(many.slice(0, 100), 6)).toHaveLength(6);
    expect(foremost(many, 0)).toEqual([]);
  });

  test("that nobody has are refused, by name, address or group, and those that are not at hand only are not", () => {
    for (const query of [{ peer: "wbe1" }, { peer: "10.77.0.9" }, { group: "wbe" }, { group: "wbe", peer: "web1" }])
      expect(() => refuseUnknown(query, peers)).toThrow();
    for (const query of [{ peer: "*9" }, { group: "eu", states: ["failed"] as const }, { group: "web", peer: "db1" }])
      expect(() => refuseUnknown(query, peers)).not.toThrow();
  });

  test("that nobody knows are answered with the nearest name, or how to build a tunnel", () => {
    expect(unknownPeer("wbe1", peers)).toMatchObject({ exitCode: 2, complaint: { todo: "did you mean web1?" } });
    expect(unknownPeer("10.77.0.9", peers).complaint.todo).toContain("lacis ping 10.77.0.9");
    expect(unknownPeer("zzzz", []).complaint.todo).toContain("lacis ping its overlay address");
  });
});

describe("a query of a client", () => {
  test("is read", () => {
    const query = { peer: "a", group: "b", states: ["up"], relayed: true, limit: 0 };
    expect(parsePeerQuery({ verb: "status", peers: query })).toEqual(query);
    expect(parsePeerQuery({ verb: "status" })).toEqual({});
  });

  test.each([
    [null],
    ["all"],
    [{ peer: "" }],
    [{ peer: 7 }],
    [{ peer: "x".repeat(254) }],
    [{ group: [] }],
    [{ states: "up" }],
    [{ states: ["down"] }],
    [{ relayed: false }],
    [{ limit: -1 }],
    [{ limit: 1.5 }],
    [{ limit: "3" }],
  ])("that makes no sense is refused with a sentence: %j", (query) => {
    expect(parsePeerQuery({ peers: query })).toEqual(expect.any(String));
  });
});

function peer(name: string | undefined, changes: Partial<PeerStatus>): PeerStatus {
  return peerStatus({ name, ...changes });
}

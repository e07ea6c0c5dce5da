import { describe, expect, test } from "vitest";
import type { PeerStatus } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { PeerLedger } from "../../../../src/runtime/metrics/peer-ledger.ts";
import { peerStatus } from "../../admin/fixture.ts";

describe("peers in metrics", () => {
  test("are named up to a number, the busiest, and the others are summed up", () => {
    const ledger = new PeerLedger(2);
    ledger.look([peer(1, 0), peer(2, 0), peer(3, 0)]);
    const named = ledger.look([peer(1, 10), peer(2, 900), peer(3, 500)]);
    expect(named.map(({ status }) => status.name)).toEqual(["host2", "host3"]);
    // What host3 carried before it was named is with the others.
    expect(named.map(({ traffic }) => traffic.sentBytes)).toEqual([900, 0]);
    expect(ledger.others.sentBytes).toBe(500);
    expect(ledger.look([peer(2, 901), peer(3, 507)]).map(({ traffic }) => traffic.sentBytes)).toEqual([901, 7]);
  });

  test("keep their series against those that carry a little more, and lose them to those that carry much more", () => {
    const ledger = new PeerLedger(1);
    ledger.look([peer(1, 0), peer(2, 0)]);
    expect(names(ledger, [peer(1, 100), peer(2, 150)])).toEqual(["host1"]);
    expect(names(ledger, [peer(1, 100), peer(2, 500)])).toEqual(["host2"]);
  });

  test("together are told as everything that there was, whoever is named when", () => {
    const ledger = new PeerLedger(3);
    let random = 7;
    const draw = (below: number): number => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      return random % below;
    };
    const carried = Array.from({ length: 10 }, () => 0);
    const before = new Map<string, number>();
    let others = 0;
    for (let round = 0; round < 200; round++) {
      for (let at = 0; at < 5; at++) carried[draw(10)]! += draw(1_000);
      const named = ledger.look(carried.map((bytes, i) => peer(i, bytes)));
      expect(named).toHaveLength(3);
      expect(ledger.others.sentBytes).toBeGreaterThanOrEqual(others);
      others = ledger.others.sentBytes;
      const shown = new Set(named.map(({ status }) => status.name ?? ""));
      for (const { status, traffic } of named)
        expect(traffic.sentBytes).toBeGreaterThanOrEqual(before.get(status.name ?? "") ?? 0);
      for (const name of before.keys()) if (!shown.has(name)) before.delete(name);
      for (const { status, traffic } of named) before.set(status.name ?? "", traffic.sentBytes);
    }
  });

  test("that come back after a pause go on where they were, though their own counters begin anew", () => {
    const ledger = new PeerLedger(1);
    ledger.look([peer(1, 0)]);
    ledger.look([peer(1, 100)]);
    expect(ledger.look([peer(1, 30)])[0]?.traffic.sentBytes).toBe(130);
  });

  test("without a name have nothing to be called by", () => {
    expect(new PeerLedger(1).look([peerStatus({ name: undefined })])).toEqual([]);
  });
});

function names(ledger: PeerLedger, peers: readonly PeerStatus[]): readonly (string | undefined)[] {
  return ledger.look(peers).map(({ status }) => status.name);
}

function peer(n: number, sentBytes: number): PeerStatus {
  const traffic = { sentPackets: 0, sentBytes, receivedPackets: 0, receivedBytes: 0 };
  return peerStatus({ name: `host${n}`, addresses: [`10.77.1.${n}` as IpAddress], traffic });
}

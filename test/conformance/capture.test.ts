import { expect, test } from "vitest";
import type { CaptureStep } from "../../src/core/dataplane/contract.ts";
import { type Driver, describeDataPlanes } from "./data-planes.ts";
import { OWN_4, PEER, PEER_4, policies, programOf, ruleOf } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import type { Comparable, Observed } from "./step.ts";

/** The peer may reach port 443 of this host, this host everything. */
describeDataPlanes("a capture", (open) => {
  const capturing = async (filter: readonly CaptureStep[], snapBytes = 0) => {
    const plane = await open();
    const peer = await plane.join();
    await plane.command(policies([programOf(1, [ruleOf({ portFirst: 443, portLast: 443 })], [ruleOf()])], true));
    await plane.command({ kind: "start-capture", filter, snapBytes });
    const out = (toPort: number, to: string = PEER_4) =>
      plane.tun(udpPacket({ from: OWN_4, to, fromPort: 9, toPort, data: new Uint8Array(20) }));
    const into = (toPort: number, from: string = PEER_4) =>
      plane.udp(PEER, peer.message(udpPacket({ from, to: OWN_4, fromPort: 9, toPort, data: new Uint8Array(20) })));
    const all = async () => {
      await out(53);
      await out(53, "192.0.2.1");
      await into(443);
      await into(80);
      await into(443, "10.77.0.9");
    };
    return { plane, all, into };
  };
  const told = async (plane: Driver) =>
    packetsOf(await plane.advance(100)).map(({ inbound, refused }) => [inbound, refused]);

  test("shows what passes and what does not, with why, in one go a tenth of a second after the first", async () => {
    const { plane, all } = await capturing([]);
    await all();
    expect(packetsOf(await plane.advance(99))).toEqual([]);
    expect(packetsOf(await plane.advance(1))).toMatchObject([
      { inbound: false, refused: undefined, localIndex: 1, length: 48, agoMs: 100 },
      { inbound: false, refused: "no-route", localIndex: undefined },
      { inbound: true, refused: undefined, localIndex: 1 },
      { inbound: true, refused: "no-matching-rule", localIndex: 1 },
      { inbound: true, refused: "remote-address", localIndex: 1 },
    ]);
  });

  test("shows the first bytes only, if that is asked for, and how long the packet was", async () => {
    const { plane, into } = await capturing([], 20);
    await into(443);
    const [packet] = packetsOf(await plane.advance(100));
    expect([String(packet?.["packet"]).length / 2, packet?.["length"]]).toEqual([20, 48]);
  });

  test.each<[string, readonly CaptureStep[], number]>([
    ["what comes in", [{ op: "inbound" }], 3],
    ["what is refused", [{ op: "refused" }], 3],
    ["what comes in and is let through", [{ op: "inbound" }, { op: "refused" }, { op: "not" }, { op: "and" }], 1],
    ["what goes to a port", [{ op: "destination-port", first: 50, last: 80 }], 3],
    ["what comes from an address", [{ op: "source", prefix: { address: PEER_4, bits: 32 } }], 2],
    [
      "what goes to an address, or in",
      [{ op: "destination", prefix: { address: PEER_4, bits: 32 } }, { op: "inbound" }, { op: "or" }],
      4,
    ],
    ["another protocol", [{ op: "protocol", protocol: 6 }], 0],
  ])("shows only what is meant: %s", async (_, filter, count) => {
    const { plane, all } = await capturing(filter);
    await all();
    expect(await told(plane)).toHaveLength(count);
  });

  test("is over when it is said, and what came before is told", async () => {
    const { plane, into } = await capturing([]);
    await into(443);
    await plane.command({ kind: "stop-capture" });
    await into(443);
    expect(await told(plane)).toEqual([[true, undefined]]);
    await into(443);
    expect(await told(plane)).toEqual([]);
  });

  test.each<[string, readonly CaptureStep[]]>([
    ["joins nothing", [{ op: "and" }]],
    ["denies nothing", [{ op: "not" }]],
    ["leaves two verdicts", [{ op: "inbound" }, { op: "refused" }]],
    ["is too long", Array(65).fill({ op: "inbound" })],
  ])("refuses a filter that %s, and goes on as before", async (_, filter) => {
    const { plane, into } = await capturing([]);
    expect(await plane.command({ kind: "start-capture", filter, snapBytes: 0 })).toEqual([
      { out: "refused", code: "bad-request" },
    ]);
    await into(443);
    expect(await told(plane)).toHaveLength(1);
  });

  test("holds so much and no more, and counts the rest", async () => {
    const { plane, into } = await capturing([]);
    for (let packet = 0; packet < 4_700; packet++) await into(443);
    const events = await plane.advance(100);
    const kept = Math.floor((512 * 1024) / (48 + 64));
    expect([packetsOf(events).length, lostOf(events)]).toEqual([kept, 4_700 - kept]);
  });
});

function packetsOf(observed: readonly Observed[]): readonly Comparable[] {
  return observed.flatMap((each) =>
    each.out === "event" && each.event["kind"] === "captured" ? (each.event["packets"] as readonly Comparable[]) : [],
  );
}

function lostOf(observed: readonly Observed[]): number {
  return observed.reduce((sum, each) => sum + (each.out === "event" ? Number(each.event["lost"] ?? 0) : 0), 0);
}

import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { type FlowPacket, FlowTable } from "../../../../src/core/dataplane/reference/flow-table.ts";
import { parseAddress } from "../../../../src/core/netip/address.ts";
import { anyRule, programOf } from "./joined.ts";

const open = programOf(1, [anyRule()], [anyRule()]);
const closed = programOf(1, [], []);
const start = instant(0);

function flow(localPort: number): FlowPacket {
  const localAddress = parseAddress("10.77.0.1")!;
  return {
    localAddress,
    remoteAddress: parseAddress("10.77.0.2")!,
    protocol: 17,
    localPort,
    remotePort: 53,
    length: 60,
  };
}

describe("the flow table", () => {
  test("pushes out the flow that was used longest ago", () => {
    const table = new FlowTable(2);
    expect(table.judge(flow(1), "outbound", open, start)).toMatchObject({ allowed: true, opened: { evicted: false } });
    table.judge(flow(2), "outbound", open, start);
    table.judge(flow(1), "inbound", closed, start);
    expect(table.judge(flow(3), "outbound", open, start)).toMatchObject({ allowed: true, opened: { evicted: true } });
    expect(table.judge(flow(1), "inbound", closed, start).allowed).toBe(true);
    expect(table.judge(flow(2), "inbound", closed, start).allowed).toBe(false);
  });

  test("sweeps 256 flows at most, once a second", () => {
    const table = new FlowTable();
    for (let port = 0; port < 600; port++) table.judge(flow(port), "outbound", open, start);
    table.sweep(start);
    expect(table.size).toBe(600);
    table.sweep(instant(500_000));
    expect(table.size).toBe(344);
    table.sweep(instant(500_999));
    expect(table.size).toBe(344);
    table.sweep(instant(501_000));
    expect(table.size).toBe(88);
  });

  test("refuses what the new rules refuse in its own direction, and does not let it open anew from the other side", () => {
    const table = new FlowTable();
    const onlyInbound = programOf(1, [anyRule()], []);
    table.judge(flow(1), "outbound", open, start);
    table.raiseEpoch();
    expect(table.judge(flow(1), "inbound", onlyInbound, start).allowed).toBe(false);
    expect(table.judge(flow(1), "inbound", onlyInbound, start).allowed).toBe(false);
    expect(table.judge(flow(1), "inbound", onlyInbound, instant(start + 720_001)).allowed).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { IdentifiedProgram } from "../../../../src/core/dataplane/contract.ts";
import { CountedProgram } from "../../../../src/core/dataplane/reference/counted-program.ts";
import { FlowLog } from "../../../../src/core/dataplane/reference/flow-log.ts";
import { type FlowPacket, type FlowSession, FlowTable } from "../../../../src/core/dataplane/reference/flow-table.ts";
import { parseAddress } from "../../../../src/core/netip/address.ts";
import { anyRule, programOf } from "./joined.ts";

const open = programOf(1, [anyRule()], [anyRule()]);
const closed = programOf(1, [], []);
const start = instant(0);

const peer = parseAddress("10.77.0.2")!;
const other = parseAddress("10.77.0.3")!;
const of = ({ policyId, ...program }: IdentifiedProgram, who = peer): FlowSession => ({
  peer: who,
  program: new CountedProgram(policyId, program),
});

function flow(localPort: number, remoteAddress = peer): FlowPacket {
  const localAddress = parseAddress("10.77.0.1")!;
  return {
    localAddress,
    remoteAddress,
    icmpIn: 0,
    isRest: false,
    tcpFlags: 0,
    protocol: 17,
    localPort,
    remotePort: 53,
    length: 60,
  };
}

function log(): FlowLog {
  return new FlowLog(() => undefined);
}

describe("the flow table", () => {
  test("pushes out the flow that was opened longest ago and not used since", () => {
    const table = new FlowTable(log(), 2);
    expect(table.judge(flow(1), "outbound", of(open), start)).toMatchObject({
      allowed: true,
      evicts: false,
    });
    table.judge(flow(2), "outbound", of(open), start);
    table.judge(flow(1), "inbound", of(closed), start);
    expect(table.judge(flow(3), "outbound", of(open), start)).toMatchObject({
      allowed: true,
      evicts: true,
    });
    expect(table.judge(flow(1), "inbound", of(closed), start).allowed).toBe(true);
    expect(table.judge(flow(2), "inbound", of(closed), start).allowed).toBe(false);
  });

  test("spares what is used, but 16 in a row at most, and never for the flow that comes", () => {
    for (const [limit, gone] of [
      [30, 16],
      [4, 3],
    ] as const) {
      const table = new FlowTable(log(), limit);
      for (const _ of [1, 2]) {
        for (let port = 0; port < limit; port++) table.judge(flow(port), "outbound", of(open), start);
      }
      table.judge(flow(limit), "outbound", of(open), start);
      const ports = Array.from({ length: limit + 1 }, (_, port) => port);
      const forgotten = ports.filter((port) => !table.judge(flow(port), "inbound", of(closed), start).allowed);
      expect(forgotten).toEqual([gone]);
    }
  });

  test("lets a peer that fills it push out only what it opened itself", () => {
    const table = new FlowTable(log(), 20);
    table.judge(flow(1, other), "inbound", of(open, other), start);
    for (let port = 1; port <= 5; port++) table.judge(flow(port), "outbound", of(open), start);
    for (let port = 100; port < 200; port++) table.judge(flow(port), "inbound", of(open), start);
    expect(table.size).toBe(20);
    const isKnown = (packet: FlowPacket) => table.judge(packet, "inbound", of(closed), start).allowed;
    expect(isKnown(flow(1, other))).toBe(true);
    for (let port = 1; port <= 5; port++) expect(isKnown(flow(port))).toBe(true);
    expect(isKnown(flow(185))).toBe(false);
    expect(isKnown(flow(186))).toBe(true);
  });

  test("sweeps 256 flows at most, once a second", () => {
    const table = new FlowTable(log());
    for (let port = 0; port < 600; port++) table.judge(flow(port), "outbound", of(open), start);
    table.sweep(start);
    expect(table.size).toBe(600);
    table.sweep(instant(500_000));
    expect(table.size).toBe(344);
    table.sweep(instant(500_999));
    expect(table.size).toBe(344);
    table.sweep(instant(501_000));
    expect(table.size).toBe(88);
  });

  test("forgets each flow with the first sweep after its time, whenever it was opened and used, and also after other timeouts", () => {
    const table = new FlowTable(log());
    table.setTimeouts({ tcpMs: 30_000, udpMs: 10_000, otherMs: 20_000 });
    const known = new Map<number, number>([
      [17, 1],
      [6, 2],
      [1, 3],
    ]);
    for (const [protocol, port] of known)
      table.judge({ ...flow(port), protocol, tcpFlags: 0x02 }, "outbound", of(open), start);
    const sizes = new Map<number, number>();
    for (let second = 0; second <= 45; second++) {
      if (second === 5) table.judge(flow(1), "outbound", of(open), instant(5_000));
      if (second === 12) table.judge(flow(4), "outbound", of(open), instant(12_000));
      if (second === 26) table.judge(flow(5), "outbound", of(open), instant(26_000));
      if (second === 28) table.setTimeouts({ tcpMs: 30_000, udpMs: 4_000, otherMs: 20_000 });
      table.sweep(instant(second * 1_000));
      sizes.set(second, table.size);
    }
    const changes = [...sizes].filter(([second, size]) => size !== sizes.get(second - 1));
    expect(changes).toEqual([
      [0, 3],
      [12, 4],
      [16, 3],
      [21, 2],
      [23, 1],
      [26, 2],
      [31, 0],
    ]);
  });

  test("refuses what the new rules refuse in its own direction, and does not let it open anew from the other side", () => {
    const table = new FlowTable(log());
    const onlyInbound = programOf(1, [anyRule()], []);
    table.judge(flow(1), "outbound", of(open), start);
    table.raiseEpoch();
    expect(table.judge(flow(1), "inbound", of(onlyInbound), start).allowed).toBe(false);
    expect(table.judge(flow(1), "inbound", of(onlyInbound), start).allowed).toBe(false);
    expect(table.judge(flow(1), "inbound", of(onlyInbound), instant(start + 720_001)).allowed).toBe(true);
  });
});

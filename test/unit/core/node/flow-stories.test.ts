import { expect, test } from "vitest";
import type { Flow, FlowRecord, PolicyId } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const FLOW: Flow = {
  direction: "outbound",
  protocol: 6,
  localAddress: "10.77.0.1" as IpAddress,
  remoteAddress: "10.77.0.2" as IpAddress,
  localPort: 50_000,
  remotePort: 443,
  policyId: 1 as PolicyId,
  ruleId: 0,
  ageMs: 10,
  idleMs: 0,
  sentPackets: 1n,
  sentBytes: 60n,
  receivedPackets: 0n,
  receivedBytes: 0n,
};
const BEGUN: FlowRecord = { happening: "begun", flow: FLOW, peer: undefined };
const ENDED: FlowRecord = { happening: "ended", end: "closed", flow: FLOW, peer: undefined };
const REFUSED: FlowRecord = {
  happening: "refused",
  reason: "no-matching-rule",
  action: "drop",
  flow: FLOW,
  peer: undefined,
};

test("of five hundred flows that come and go each is told", () => {
  const host = alone();
  tell(host, [...times(500, BEGUN), ...times(500, ENDED)]);
  expect(host.flowStories).toHaveLength(1_000);
  expect(host.flowsUntold).toBe(0);
});

test("of more than there is time for refusals are told first, then what has ended, and the rest is counted", () => {
  const host = alone();
  tell(host, [...times(6_000, BEGUN), ...times(300, ENDED), ...times(500, REFUSED)]);
  const told = (happening: string): number => host.flowStories.filter((story) => story.happening === happening).length;
  expect(["refused", "ended", "begun"].map(told)).toEqual([500, 300, 200]);
  expect(host.flowsUntold).toBe(5_800);
});

test("a second later a thousand more are told", () => {
  const host = alone();
  tell(host, times(5_000, BEGUN));
  host.mesh.run(1_000);
  tell(host, times(5_000, BEGUN));
  expect(host.flowStories).toHaveLength(2_000);
});

function alone(): Host {
  return new Mesh().host("192.0.2.1:4242", { name: "a", networks: ["10.77.0.1/24"] });
}

function tell(host: Host, records: readonly FlowRecord[]): void {
  host.event({ kind: "flow-records", records, untold: 0 });
}

function times(count: number, record: FlowRecord): readonly FlowRecord[] {
  return Array.from({ length: count }, () => record);
}

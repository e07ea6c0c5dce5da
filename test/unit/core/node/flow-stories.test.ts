import { expect, test } from "vitest";
import type { Flow, FlowRecord, PolicyId } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { Mesh } from "../../fixtures/mesh.ts";

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

test("whatever the data plane tells of flows is told, and what it left out is counted", () => {
  const host = new Mesh().host("192.0.2.1:4242", { name: "a", networks: ["10.77.0.1/24"] });
  host.event({ kind: "flow-records", records: [BEGUN, ENDED, REFUSED], untold: 7 });
  expect(host.flowStories.map(({ happening }) => happening)).toEqual(["begun", "ended", "refused"]);
  expect(host.flowsUntold).toBe(7);
});

import type { FlowStory } from "../../../../src/core/flow-story.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";

const db = { name: "db1", address: "10.77.0.2" as IpAddress, groups: ["db"] };

/** This host (10.77.0.1) talks to db1 over TCP. */
export function story(change: Partial<FlowStory> = {}): FlowStory {
  return {
    happening: "begun",
    end: undefined,
    localAddress: "10.77.0.1" as IpAddress,
    remoteAddress: db.address,
    localPort: 50_000,
    remotePort: 5_432,
    protocol: 6,
    direction: "outbound",
    ageMs: 0,
    idleMs: 0,
    sentPackets: 0n,
    sentBytes: 0n,
    receivedPackets: 0n,
    receivedBytes: 0n,
    peer: db,
    path: { endpoint: undefined, relay: undefined },
    rule: { place: "config.yml:9:5", text: "any to any" },
    refusal: undefined,
    ...change,
  };
}

export function refused(change: Partial<FlowStory> = {}): FlowStory {
  return story({
    happening: "refused",
    direction: "inbound",
    localPort: 22,
    remotePort: 40_000,
    receivedPackets: 3n,
    rule: undefined,
    refusal: { by: "us", reason: "no-rule", drop: "no-matching-rule", action: "drop", closest: undefined },
    ...change,
  });
}

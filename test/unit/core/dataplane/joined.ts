import { type Instant, instant, later } from "../../../../src/core/base/time.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import type { Cipher } from "../../../../src/core/crypto/suite.ts";
import type {
  DataPlaneCommand,
  DataPlaneEvent,
  IdentifiedProgram,
  LocalIndex,
  PolicyId,
  PolicyRule,
  RemoteIndex,
  SessionInstallation,
} from "../../../../src/core/dataplane/contract.ts";
import { FLOWS_DEFAULT } from "../../../../src/core/dataplane/flow-limit.ts";
import { FLOW_TIMEOUTS } from "../../../../src/core/dataplane/flow-timeouts.ts";
import {
  type DataPlaneOutput,
  ReferenceDataPlane,
} from "../../../../src/core/dataplane/reference/reference-data-plane.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { type Prefix, parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { hostRoutes } from "../../../../src/core/route/host-routes.ts";

/** A data plane under test, with a clock and with names for what comes out. */
export class Bench {
  readonly plane = new ReferenceDataPlane(portableSuite);
  now: Instant = instant(1_000_000);

  advance(ms: number): void {
    this.now = later(this.now, ms);
    this.plane.tick(this.now);
  }

  command(command: DataPlaneCommand): readonly DataPlaneOutput[] {
    this.plane.command(command, this.now);
    return this.drain();
  }

  tun(packet: Uint8Array): readonly DataPlaneOutput[] {
    this.plane.fromTun(packet, this.now);
    return this.drain();
  }

  udp(source: string, datagram: Uint8Array): readonly DataPlaneOutput[] {
    this.plane.fromUdp(source as Endpoint, datagram, this.now);
    return this.drain();
  }

  drain(): readonly DataPlaneOutput[] {
    const outputs: DataPlaneOutput[] = [];
    for (let output = this.plane.poll(); output; output = this.plane.poll()) outputs.push(output);
    return outputs;
  }

  /** How often a drop has been counted. */
  dropped(reason: string): number {
    const sampled = eventsOf(this.command({ kind: "sample" })).find(({ kind }) => kind === "sampled");
    if (sampled?.kind !== "sampled") throw new Error("no sample");
    return Number(sampled.counters.drops.get(reason as never) ?? 0n);
  }
}

export function eventsOf(outputs: readonly DataPlaneOutput[]): readonly DataPlaneEvent[] {
  return outputs.flatMap((output) => (output.to === "control" ? [output.event] : []));
}

export function datagramsOf(outputs: readonly DataPlaneOutput[]): readonly Uint8Array[] {
  return outputs.flatMap((output) => (output.to === "udp" ? [output.datagram] : []));
}

export function packetsOf(outputs: readonly DataPlaneOutput[]): readonly Uint8Array[] {
  return outputs.flatMap((output) => (output.to === "tun" ? [output.packet] : []));
}

/** Two hosts, 10.77.0.1 and 10.77.0.2 (fd00:77::1 and ::2), with a session between them that A has initiated. */
export function joinedPair(
  options: { cipher?: Cipher; programs?: { a: IdentifiedProgram; b: IdentifiedProgram } } = {},
): {
  a: Bench;
  b: Bench;
} {
  const a = new Bench();
  const b = new Bench();
  const cipher = options.cipher ?? "aes";
  const toB = new Uint8Array(32).fill(1);
  const toA = new Uint8Array(32).fill(2);
  for (const [bench, host] of [
    [a, 1],
    [b, 2],
  ] as const) {
    const facts = hostFacts(`10.77.0.${host}/16`, `fd00:77::${host}/64`);
    bench.command(facts);
    bench.command({ kind: "apply-routes", routes: hostRoutes({ networks: facts.networks }).routes });
    const program = (host === 1 ? options.programs?.a : options.programs?.b) ?? everything;
    bench.command({ kind: "apply-policies", programs: [program], bindings: [], raiseEpoch: false });
  }
  a.command(installation({ local: 11, remote: 22, send: toB, receive: toA, cipher, peer: 2, confirmed: true }));
  b.command(installation({ local: 22, remote: 11, send: toA, receive: toB, cipher, peer: 1, confirmed: false }));
  return { a, b };
}

/** Underlay endpoint of host A (1) or B (2). */
export function underlay(host: number): Endpoint {
  return `192.0.2.${host}:4242` as Endpoint;
}

export const everything: IdentifiedProgram = programOf(1, [anyRule()], [anyRule()]);

export function programOf(
  id: number,
  inbound: readonly PolicyRule[],
  outbound: readonly PolicyRule[],
): IdentifiedProgram {
  return { policyId: id as PolicyId, inbound, outbound, refuse: { inbound: "drop", outbound: "drop" } };
}

export function anyRule(change: Partial<PolicyRule> = {}): PolicyRule {
  return { ruleId: 0, protocol: "any", portFirst: 0, portLast: 65_535, remote: [], local: [], ...change };
}

export function hostFacts(...networks: readonly string[]): Extract<DataPlaneCommand, { kind: "configure" }> {
  return {
    kind: "configure",
    networks: networks.map((text) => parsePrefix(text) as Prefix),
    sendRecvError: "always",
    dropLocalBroadcast: false,
    dropMulticast: false,
    answerEcho: false,
    flowTimeouts: FLOW_TIMEOUTS,
    flowLimit: FLOWS_DEFAULT,
    recordFlows: false,
    relayPeerKilobytes: 0,
    remoteAllowList: { everybody: [], ranges: [] },
    refuseNoRoute: "drop",
  };
}

export function installation(options: {
  local: number;
  remote: number;
  send: Uint8Array;
  receive: Uint8Array;
  peer: number;
  confirmed: boolean;
  cipher?: Cipher;
  change?: Partial<SessionInstallation>;
}): Extract<DataPlaneCommand, { kind: "install-session" }> {
  return {
    kind: "install-session",
    localIndex: options.local as LocalIndex,
    remoteIndex: options.remote as RemoteIndex,
    cipher: options.cipher ?? "aes",
    sendKey: options.send,
    receiveKey: options.receive,
    sendCounter: 2n,
    receiveFloor: 2n,
    path: directPath(underlay(options.peer)),
    peerAddresses: [`10.77.0.${options.peer}` as IpAddress, `fd00:77::${options.peer}` as IpAddress],
    allowedPrefixes: [],
    policyId: 1 as PolicyId,
    confirmed: options.confirmed,
    primary: true,
    memo: new Uint8Array(),
    ...options.change,
  };
}

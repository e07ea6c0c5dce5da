import { concatBytes, fromHex, writeUint64 } from "../../src/core/base/bytes.ts";
import { nonceOf } from "../../src/core/crypto/nonce.ts";
import type { Cipher } from "../../src/core/crypto/suite.ts";
import type {
  DataPlaneCommand,
  HostFacts,
  IdentifiedProgram,
  LocalIndex,
  PolicyId,
  PolicyRule,
  RemoteIndex,
  SessionInstallation,
} from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import { directPath } from "../../src/core/path/path.ts";
import { hostRoutes } from "../../src/core/route/host-routes.ts";
import type { Route, RouteTarget } from "../../src/core/route/route.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../../src/core/wire/header.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";

/** The far end of one session, played by the test: it holds the keys, so that it can seal what the data plane is to open. */
export class FarEnd {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly cipher: Cipher;
  readonly #toUs: Uint8Array;
  readonly #fromUs: Uint8Array;
  #counter: bigint;

  constructor(index: number, cipher: Cipher, counter = 2n) {
    this.localIndex = index as LocalIndex;
    this.remoteIndex = (index + 1000) as RemoteIndex;
    this.cipher = cipher;
    this.#toUs = new Uint8Array(32).fill(index & 0x7f);
    this.#fromUs = new Uint8Array(32).fill(0x80 | (index & 0x7f));
    this.#counter = counter;
  }

  /** The command that gives the data plane its half of the session. */
  installation(change: Partial<SessionInstallation> = {}): DataPlaneCommand {
    return {
      kind: "install-session",
      localIndex: this.localIndex,
      remoteIndex: this.remoteIndex,
      cipher: this.cipher,
      sendKey: this.#fromUs,
      receiveKey: this.#toUs,
      sendCounter: 2n,
      receiveFloor: 2n,
      path: directPath(PEER),
      peerAddresses: [PEER_4, PEER_6],
      allowedPrefixes: [],
      policyId: 1 as PolicyId,
      confirmed: true,
      primary: true,
      memo: new Uint8Array(),
      ...change,
    };
  }

  /** A datagram of this session to the data plane, under the next counter or the given one. */
  seal(type: number, subtype: number, body: Uint8Array, counter?: bigint): Uint8Array {
    if (counter === undefined) this.#counter++;
    const used = counter ?? this.#counter;
    const header = encodeHeader({ type: type as 1, subtype, remoteIndex: this.localIndex, counter: used });
    const aead = nodeSuite.aead(this.cipher, this.#toUs);
    return concatBytes(header, aead.seal(nonceOf(this.cipher, used), header, body));
  }

  /** An inner packet to the data plane. */
  message(packet: Uint8Array, counter?: bigint): Uint8Array {
    return this.seal(PacketType.message, 0, packet, counter);
  }

  /** A relay frame with a datagram of somebody else in it, for the relay that the data plane knows by this index. */
  wrap(relayIndex: number, inner: Uint8Array, counter?: bigint): Uint8Array {
    if (counter === undefined) this.#counter++;
    const used = counter ?? this.#counter;
    const header = encodeHeader({ type: PacketType.message, subtype: 1, remoteIndex: relayIndex, counter: used });
    const authenticated = concatBytes(header, inner);
    const aead = nodeSuite.aead(this.cipher, this.#toUs);
    return concatBytes(authenticated, aead.seal(nonceOf(this.cipher, used), authenticated, new Uint8Array()));
  }

  /** A relay frame that the data plane has sent: the index in it and the datagram; undefined when it is not of this session. */
  unwrap(frame: string): { index: number; inner: Uint8Array } | undefined {
    const bytes = fromHex(frame) ?? new Uint8Array();
    const authenticated = bytes.subarray(0, bytes.length - 16);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const aead = nodeSuite.aead(this.cipher, this.#fromUs);
    const nonce = nonceOf(this.cipher, view.getBigUint64(8));
    if (view.getUint16(0) !== 0x1101 || !aead.open(nonce, authenticated, bytes.subarray(bytes.length - 16)))
      return undefined;
    return { index: view.getUint32(4), inner: authenticated.subarray(HEADER_BYTES) };
  }

  /** What the data plane has sent: header fields and body; undefined when it is not of this session. */
  open(datagram: string): { type: number; subtype: number; counter: bigint; body: Uint8Array } | undefined {
    const bytes = fromHex(datagram) ?? new Uint8Array();
    const header = bytes.subarray(0, HEADER_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (view.getUint32(4) !== this.remoteIndex) return undefined;
    const counter = view.getBigUint64(8);
    const aead = nodeSuite.aead(this.cipher, this.#fromUs);
    const body = aead.open(nonceOf(this.cipher, counter), header, bytes.subarray(HEADER_BYTES));
    return body && { type: bytes[0]! & 15, subtype: bytes[1]!, counter, body };
  }
}

export const OWN_4 = "10.77.0.1" as IpAddress;
export const OWN_6 = "fd00:77::1" as IpAddress;
export const PEER_4 = "10.77.0.2" as IpAddress;
export const PEER_6 = "fd00:77::2" as IpAddress;
/** Underlay endpoints: where the peer is, where it goes, and somebody else. */
export const PEER = "192.0.2.2:4242" as Endpoint;
export const ELSEWHERE = "192.0.2.99:4242" as Endpoint;
export const STRANGER = "198.51.100.7:5555" as Endpoint;

/** 10.77.0.1/16 and fd00:77::1/64. */
export const NETWORKS: readonly string[] = ["10.77.0.1/16", "fd00:77::1/64"];

export function facts(change: Partial<HostFacts> = {}): DataPlaneCommand {
  return {
    kind: "configure",
    networks: prefixes(...NETWORKS),
    sendRecvError: "always",
    dropLocalBroadcast: false,
    dropMulticast: false,
    answerEcho: false,
    flowTimeouts: { tcpMs: 720_000, udpMs: 180_000, otherMs: 600_000 },
    flowLimit: 65_536,
    recordFlows: false,
    relayPeerKilobytes: 0,
    remoteAllowList: { everybody: [], ranges: [] },
    refuseNoRoute: "drop",
    ...change,
  };
}

/** Our addresses lead to us and our networks to peers, and what else is said, in the same table. */
export function routes(more: Readonly<Record<string, RouteTarget>> = {}, networks = NETWORKS): DataPlaneCommand {
  return {
    kind: "apply-routes",
    routes: [...hostRoutes({ networks: prefixes(...networks) }).routes, ...routeList(more)],
  };
}

export function routeList(targets: Readonly<Record<string, RouteTarget>>): readonly Route[] {
  return Object.entries(targets).map(([text, target]) => ({ prefix: parsePrefix(text) as Prefix, target }));
}

/** Gateways by address and weight. */
export function through(...gateways: readonly (readonly [address: string, weight: number])[]): RouteTarget {
  return {
    kind: "gateways",
    gateways: gateways.map(([address, weight]) => ({ address: address as IpAddress, weight })),
  };
}

export function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.map((text) => parsePrefix(text) as Prefix);
}

export function ruleOf(change: Partial<PolicyRule> = {}): PolicyRule {
  return { ruleId: 0, protocol: "any", portFirst: 0, portLast: 65_535, remote: [], local: [], ...change };
}

export function programOf(id: number, inbound: readonly PolicyRule[], outbound = inbound): IdentifiedProgram {
  return { policyId: id as PolicyId, inbound, outbound, refuse: { inbound: "drop", outbound: "drop" } };
}

export function policies(programs: readonly IdentifiedProgram[], raiseEpoch = false): DataPlaneCommand {
  return { kind: "apply-policies", programs, bindings: [], raiseEpoch };
}

/** A handshake message with nothing sensible in it: a data plane looks at its header only. */
export function handshake(counter: bigint, remoteIndex: number, bodyBytes = 100): Uint8Array {
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex, counter });
  return concatBytes(header, new Uint8Array(bodyBytes).fill(7));
}

/** The same datagram under another counter, with its old tag. */
export function withCounter(datagram: Uint8Array, counter: bigint): Uint8Array {
  const changed = new Uint8Array(datagram);
  writeUint64(changed, 8, counter);
  return changed;
}

export function flipped(datagram: Uint8Array, at: number): Uint8Array {
  const changed = new Uint8Array(datagram);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

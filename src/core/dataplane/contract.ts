import type { Brand } from "../base/brand.ts";
import type { Cipher } from "../crypto/suite.ts";
import type { DropReason } from "../drop-reason.ts";
import type { IpAddress } from "../netip/address.ts";
import type { RemoteAllowList } from "../netip/allow-list.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Origin, Path } from "../path/path.ts";
import type { LocalIndex, RemoteIndex } from "../path/session-index.ts";
import type { Route } from "../route/route.ts";
import type { AnswerToKeep } from "./kept-answer.ts";
import type { Standing } from "./standing.ts";

export type { LocalIndex, RemoteIndex } from "../path/session-index.ts";

/**
 * The data plane as the core sees it: `native/contract/dataplane.proto` in the core's own types. What each command does:
 * native/contract/SEMANTICS.md.
 */

/** Versions of the contract that this control plane speaks. */
export const CONTRACT_VERSIONS = { oldest: 2, newest: 2 } as const;

/** No session is awaited for longer. */
export const AWAIT_MS_MAX = 60_000;

export type PolicyId = Brand<number, "PolicyId">;

/** Of a packet: from the peer to us, or from us to the peer. */
export type Direction = "inbound" | "outbound";
export type RuleProtocol = "any" | "tcp" | "udp" | "icmp";
/** How a packet is refused that no rule allows. */
export type RefusalAction = "drop" | "reject";
export type RecvErrorPolicy = "always" | "never" | "private";

export interface PolicyRule {
  readonly ruleId: number;
  readonly protocol: RuleProtocol;
  /** Inclusive; 0..65535 is any port. */
  readonly portFirst: number;
  readonly portLast: number;
  /** Empty: any remote address. */
  readonly remote: readonly Prefix[];
  /** Empty: any local address. */
  readonly local: readonly Prefix[];
  /** Of an ICMP rule, the messages that it means, as `icmpMessage` numbers them; absent: all. */
  readonly icmpTypes?: readonly number[];
  /** It means only fragments after the first. */
  readonly fragment?: true;
}

/** What one class of peers may do, without its id. Equal programs are interned to one id. */
export interface PolicyProgram {
  readonly inbound: readonly PolicyRule[];
  readonly outbound: readonly PolicyRule[];
  readonly refuse: { readonly inbound: RefusalAction; readonly outbound: RefusalAction };
}

export interface IdentifiedProgram extends PolicyProgram {
  readonly policyId: PolicyId;
}

export interface SessionInstallation {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly cipher: Cipher;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly sendCounter: bigint;
  readonly receiveFloor: bigint;
  readonly path: Path | undefined;
  readonly peerAddresses: readonly IpAddress[];
  /** Prefixes behind the peer that its packets may come from, too. */
  readonly allowedPrefixes: readonly Prefix[];
  readonly policyId: PolicyId;
  readonly confirmed: boolean;
  readonly primary: boolean;
  readonly memo: Uint8Array;
}

export interface HostFacts {
  readonly networks: readonly Prefix[];
  readonly sendRecvError: RecvErrorPolicy;
  readonly dropLocalBroadcast: boolean;
  readonly dropMulticast: boolean;
  /** No TUN device: answer ICMP echo natively. */
  readonly answerEcho: boolean;
  readonly flowTimeouts: FlowTimeouts;
  /** Flows remembered at one time. */
  readonly flowLimit: number;
  /** It tells of flows as they begin, end and are refused. Capability `flow-records`. */
  readonly recordFlows: boolean;
  /** Thousands of bytes that one peer may have forwarded in a second; 0: as many as it likes. */
  readonly relayPeerKilobytes: number;
  /** Where peers may move to by themselves. */
  readonly remoteAllowList: RemoteAllowList;
  /** How packets of this host are refused that have no route: there is no peer whose program could say so. */
  readonly refuseNoRoute: RefusalAction;
}

/** How long a flow is remembered after its last packet. */
export interface FlowTimeouts {
  readonly tcpMs: number;
  readonly udpMs: number;
  readonly otherMs: number;
}

/** One hop of a relayed path. */
export interface Relay {
  /** The index in a message/1 that arrives. Never 0. */
  readonly relayIndex: number;
  /** The session on which it arrives. */
  readonly session: LocalIndex;
  /** The index by which the host on the other side of that session knows this hop. An end needs it; 0 where it is not known. */
  readonly remoteIndex: number;
  readonly role: RelayRole;
}

export type RelayRole =
  /** We are its end, and the other one is this peer. */
  | { readonly kind: "terminal"; readonly peer: IpAddress }
  /** It goes on in this session, to the host that knows the next hop by this index. */
  | { readonly kind: "forward"; readonly session: LocalIndex; readonly relayIndex: number };

/** What the way of a session carries, and when that matters. */
export interface PathMtu {
  /** The longest inner packet; 0: any. */
  readonly mtu: number;
  /** An inner packet that is longer is told by `large-sent`; 0: none is. */
  readonly largeAbove: number;
}

/** Commands the core gives. Opening devices, hello and shutdown belong to the runtime (`runtime/native-dataplane.ts`). */
export type DataPlaneCommand =
  | ({ readonly kind: "configure" } & HostFacts)
  | ({ readonly kind: "install-session" } & SessionInstallation)
  /** `shunLeft`: the path of before is not gone back to because the peer is heard there. Capability `shunned-paths`. */
  | { readonly kind: "set-path"; readonly localIndex: LocalIndex; readonly path: Path; readonly shunLeft?: true }
  | ({ readonly kind: "set-path-mtu"; readonly localIndex: LocalIndex } & PathMtu)
  | { readonly kind: "set-primary"; readonly localIndex: LocalIndex }
  | { readonly kind: "remove-session"; readonly localIndex: LocalIndex; readonly sendClose: boolean }
  | {
      readonly kind: "apply-policies";
      readonly programs: readonly IdentifiedProgram[];
      readonly bindings: readonly { readonly localIndex: LocalIndex; readonly policyId: PolicyId }[];
      readonly raiseEpoch: boolean;
    }
  /** Takes the place of the whole table. */
  | { readonly kind: "apply-routes"; readonly routes: readonly Route[] }
  | {
      readonly kind: "seal-and-send";
      readonly localIndex: LocalIndex;
      readonly type: number;
      readonly subtype: number;
      readonly body: Uint8Array;
      /** There instead of on the session's path, which stays as it is. */
      readonly to?: Path | undefined;
    }
  | { readonly kind: "send-datagram"; readonly to: Path; readonly datagram: Uint8Array }
  | { readonly kind: "drop-parked"; readonly destination: IpAddress }
  /** Takes the place of the relay with the same index. It goes with its sessions. */
  | ({ readonly kind: "set-relay" } & Relay)
  | { readonly kind: "remove-relay"; readonly relayIndex: number }
  /**
   * From now on `silent` is told when the peer leaves what this host sends unanswered for so long. 0: never. Capability `silence-watch`.
   */
  | { readonly kind: "watch-silence"; readonly localIndex: LocalIndex; readonly afterMs: number }
  /** A message 1 that names this index goes out: for so long its session may be installed at any moment. Capability `await-session`. */
  | { readonly kind: "await-session"; readonly localIndex: LocalIndex; readonly forMs: number }
  /** Capability `kept-answers`. */
  | ({ readonly kind: "keep-answer" } & AnswerToKeep)
  | { readonly kind: "sample" }
  /** Answered by `flows` events. */
  | { readonly kind: "list-flows" }
  /** Inner packets that the filter means are told from now on, so many bytes of each (0: all). Capability `capture`. */
  | { readonly kind: "start-capture"; readonly filter: readonly CaptureStep[]; readonly snapBytes: number }
  | { readonly kind: "stop-capture" };

/** One step of a filter, which is in postfix notation; none means every packet. */
export type CaptureStep =
  | { readonly op: "and" | "or" | "not" | "inbound" | "refused" }
  | { readonly op: "protocol"; readonly protocol: number }
  | { readonly op: "source" | "destination"; readonly prefix: Prefix }
  | { readonly op: "source-port" | "destination-port"; readonly first: number; readonly last: number };

/** An inner packet, as it came to its verdict. */
export interface CapturedPacket {
  /** Its first bytes, as many as were asked for. */
  readonly packet: Uint8Array;
  readonly length: number;
  readonly inbound: boolean;
  /** Undefined: it was let through. */
  readonly refused: DropReason | undefined;
  /** Undefined when it met no session. */
  readonly localIndex: LocalIndex | undefined;
  /** How long before it was told. */
  readonly agoMs: number;
}

export type DataPlaneEvent =
  | {
      readonly kind: "datagram";
      readonly origin: Origin;
      readonly standing: Standing;
      readonly datagram: Uint8Array;
    }
  | {
      readonly kind: "message";
      readonly localIndex: LocalIndex;
      readonly type: number;
      readonly subtype: number;
      readonly body: Uint8Array;
      /** Of a lighthouse message, which one of the session it is of those that were told. Absent from a data plane that keeps no answers. */
      readonly heard?: number;
    }
  | { readonly kind: "need-session"; readonly destination: IpAddress }
  | { readonly kind: "confirmed"; readonly localIndex: LocalIndex }
  /** An inner packet longer than `largeAbove` goes out on this session; not told of each one. */
  | { readonly kind: "large-sent"; readonly localIndex: LocalIndex }
  | { readonly kind: "roamed"; readonly localIndex: LocalIndex; readonly path: Path }
  | {
      readonly kind: "counter-high";
      readonly localIndex: LocalIndex;
      readonly sendCounter: bigint;
      readonly exhausted: boolean;
    }
  | ({ readonly kind: "drop-sample" } & DropSample)
  /** A path request with this token came to its end, and the reply came back on this way. */
  | {
      readonly kind: "path-replied";
      readonly localIndex: LocalIndex;
      readonly origin: Origin;
      readonly token: Uint8Array;
    }
  /** An inner packet was sent so long ago, and nothing authentic has been heard since. */
  | { readonly kind: "silent"; readonly localIndex: LocalIndex; readonly sinceMs: number }
  /** The operating system refused a datagram to there, by its name of the error ("ENETUNREACH"). No more than a hint. */
  | { readonly kind: "send-error"; readonly endpoint: Endpoint; readonly error: string }
  /** `more`: this is a part, and another `sample` asks for the next one. */
  | ({ readonly kind: "sampled"; readonly more?: true } & ActivitySample)
  /** Part of the answer to `list-flows`; `isLast`: there is no other. */
  | { readonly kind: "flows"; readonly flows: readonly Flow[]; readonly isLast?: true }
  /** `lost`: so many more found no room. */
  | { readonly kind: "captured"; readonly packets: readonly CapturedPacket[]; readonly lost: number }
  /** What became of flows, in no particular order. `untold`: so many more were not told of. */
  | { readonly kind: "flow-records"; readonly records: readonly FlowRecord[]; readonly untold: number }
  /**
   * A command failed. `command` is its kind; `localIndex` the session it was about, when there is one. `rulesStand`: it would have put every
   * session under other rules, and none of them is.
   */
  | {
      readonly kind: "command-failed";
      readonly command: DataPlaneCommand["kind"];
      readonly localIndex: LocalIndex | undefined;
      readonly rulesStand?: true;
      readonly code: string;
      readonly error: string;
    };

/** What a refusal says about the command that was refused. */
export function refusedCommand(
  command: DataPlaneCommand,
): Pick<Extract<DataPlaneEvent, { kind: "command-failed" }>, "command" | "localIndex" | "rulesStand"> {
  const localIndex = "localIndex" in command ? command.localIndex : undefined;
  const isNewRules = command.kind === "apply-policies" && command.raiseEpoch;
  const refused = { command: command.kind, localIndex };
  return isNewRules ? { ...refused, rulesStand: true } : refused;
}

export interface DropSample {
  readonly reason: DropReason;
  readonly inbound: boolean;
  readonly localAddress: IpAddress | undefined;
  readonly remoteAddress: IpAddress | undefined;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly localIndex: LocalIndex | undefined;
  /** Where it came from, when it met no session. */
  readonly origin: Origin | undefined;
  readonly action: RefusalAction;
}

export interface SessionActivity {
  readonly localIndex: LocalIndex;
  readonly received: boolean;
  readonly sent: boolean;
  readonly receivedPackets: bigint;
  readonly receivedBytes: bigint;
  readonly sentPackets: bigint;
  readonly sentBytes: bigint;
  /** Of the sent ones, answers that were kept, since the last sample, and the bytes of their datagrams. */
  readonly keptAnswers: number;
  readonly keptAnswerBytes: number;
}

export interface ActivitySample {
  /** Only sessions with activity since the last sample. */
  readonly activity: readonly SessionActivity[];
  readonly counters: DataPlaneCounters;
  /** Rules that allowed a flow since the last sample. */
  readonly rules: readonly RuleCounter[];
  /** Relays that something came through since the last sample. */
  readonly relays: readonly RelayActivity[];
}

/** What came through a relay since it was set: authentic frames, header and tag included. */
export interface RelayActivity {
  readonly relayIndex: number;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** What a rule has allowed since its program was applied. */
export interface RuleCounter {
  readonly policyId: PolicyId;
  readonly direction: Direction;
  readonly ruleId: number;
  /** Flows that it opened. */
  readonly flows: bigint;
  /** Inner packets that passed with the flows that it allows, both ways, and their bytes. */
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** One flow that is remembered, with what went through it. */
export interface Flow {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  readonly protocol: number;
  /** Who opened it: the peer (inbound) or this host. */
  readonly direction: Direction;
  /** The rule that allowed it. */
  readonly policyId: PolicyId;
  readonly ruleId: number;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly sentPackets: bigint;
  readonly sentBytes: bigint;
  readonly receivedPackets: bigint;
  readonly receivedBytes: bigint;
}

export type FlowHappening = "begun" | "ended" | "refused";

/** What became of one flow. */
export type FlowRecord = {
  readonly flow: Flow;
  /** Whose session it goes through: the first of its addresses; undefined when it met none. */
  readonly peer: IpAddress | undefined;
} & (
  | { readonly happening: "begun" }
  /** It is remembered no more. */
  | { readonly happening: "ended"; readonly end: FlowEnd }
  /** Packets of it, counted without their bytes and without a rule; the first was refused `ageMs` ago. */
  | { readonly happening: "refused"; readonly reason: DropReason; readonly action: RefusalAction }
);

/** "closed": its connection is over. "expired": it was not used for long. "evicted": another one took its place. */
export type FlowEnd = "closed" | "expired" | "evicted";

export interface DataPlaneCounters {
  readonly drops: ReadonlyMap<DropReason, bigint>;
  readonly tunReadPackets: bigint;
  readonly tunWrittenPackets: bigint;
  readonly udpReceivedDatagrams: bigint;
  readonly udpSentDatagrams: bigint;
  readonly flows: bigint;
  readonly parked: bigint;
  /** Test requests of peers that were answered there. */
  readonly testRequestsAnswered: bigint;
  readonly recvErrorsSent: bigint;
  /** Packets that were parked and then routed again. */
  readonly parkedReleased: bigint;
  /** Counters that left the replay window of a session unseen. */
  readonly packetsLost: bigint;
  /** Of what was dropped as `replayed`: those that the window still remembered. */
  readonly packetsDuplicate: bigint;
  /** Of what was dropped as `no-matching-rule` and `local-address`: those that were on their way out. */
  readonly outboundNoMatchingRule: bigint;
  readonly outboundLocalAddress: bigint;
  /** Messages that were answered there by what is kept for them. */
  readonly keptAnswersGiven: bigint;
}

/** One session as a running data plane remembers it, for a control plane that starts anew. */
export interface SessionSnapshot {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly path: Path | undefined;
  readonly peerAddresses: readonly IpAddress[];
  readonly allowedPrefixes: readonly Prefix[];
  readonly confirmed: boolean;
  readonly primary: boolean;
  readonly sendCounter: bigint;
  readonly memo: Uint8Array;
}

import type { Instant } from "./base/time.ts";
import type { HeldBulletin } from "./bulletin/held.ts";
import type { BulletinRefusal } from "./bulletin/verify.ts";
import type { Certificate, CertificateVersion, Fingerprint } from "./cert/certificate.ts";
import type { Claim } from "./cert/claim.ts";
import type { LiveSettings } from "./config/settings.ts";
import type {
  ActivitySample,
  DataPlaneCommand,
  DataPlaneEvent,
  Direction,
  Relay,
  SessionSnapshot,
} from "./dataplane/contract.ts";
import type { LocalPlace } from "./discovery/own-places.ts";
import type { DropReason } from "./drop-reason.ts";
import type { AskedService } from "./firewall/asked-service.ts";
import type { FlowStory, Named, SeenPacket } from "./flow-story.ts";
import type { HandshakeRefusal } from "./handshake/refusal.ts";
import type { BulletinNews } from "./machine/bulletins/events.ts";
import type { BulletinStatus } from "./machine/bulletins/status.ts";
import type { CarrierNews, CarrierOrder } from "./machine/carriers/orders.ts";
import type { RouteStatus } from "./machine/gateways/route-status.ts";
import type { RecentDrops } from "./machine/losses/drop-ledger.ts";
import type { SendTrouble } from "./machine/losses/losses.ts";
import type { NetworkPolicyStatus } from "./machine/network-policy/status.ts";
import type { OutOfNetwork } from "./machine/turned-away/turned-away.ts";
import type { NatStatus } from "./nat/nat-status.ts";
import type { IpAddress } from "./netip/address.ts";
import type { Endpoint } from "./netip/endpoint.ts";
import type { Prefix } from "./netip/prefix.ts";
import type { OperatorEvent } from "./operator/event.ts";
import type { PeerTrouble, PingFailure, WhyRelayed } from "./operator/failure.ts";
import type { Path } from "./path/path.ts";
import type { Place } from "./path/place.ts";
import type { TrafficCounts } from "./peer/traffic-counts.ts";
import type { UnsafeRoute } from "./route/route.ts";
import type { Judgement, PacketAddresses } from "./wire/explanation.ts";

/** One fact from outside. `Node.handle` takes exactly one, then the caller drains `Node.poll`. */
export type Input =
  /** A data plane is there: fresh (no sessions) or one that went on running while we were away. `udpPort` is the bound port. */
  | {
      readonly kind: "data-plane-up";
      readonly udpPort: number;
      readonly sessions: readonly SessionSnapshot[];
      readonly relays?: readonly Relay[];
      /** What it has counted may be of any age. */
      readonly ranBefore?: boolean;
      /** It ends with this process: what is noted with its sessions is read by nobody. */
      readonly isShortLived?: boolean;
    }
  /** The data plane died; every session is gone. */
  | { readonly kind: "data-plane-down" }
  | { readonly kind: "data-plane"; readonly event: DataPlaneEvent }
  /** What the data plane tells is heard so long after it happened: there is more than this host can do. 0: at once. */
  | { readonly kind: "behind"; readonly ms: number }
  /** The deadline of `pollTimeout` has come (or any other moment: harmless). */
  | { readonly kind: "tick" }
  /** Answer to a `resolve` output. Empty: it does not resolve now; what was known stays. */
  | { readonly kind: "resolved"; readonly name: string; readonly addresses: readonly IpAddress[] }
  /** Underlay addresses of this machine's interfaces, most useful first, without loopback and link-local; and the networks they are in. */
  | ({ readonly kind: "local-addresses" } & LocalPlace)
  /** What `Node.remembered` said when this host ran before. Hints: who answers there is checked as ever. */
  | { readonly kind: "recalled"; readonly hosts: readonly RememberedHost[] }
  /** This machine, or this process, stood still for so long. */
  | { readonly kind: "woke"; readonly asleepMs: number }
  /** Networks behind other hosts, as the system's routes through the device say (tun.use_system_route_table); all of them. */
  | { readonly kind: "system-routes"; readonly routes: readonly Pick<UnsafeRoute, "prefix" | "gateways">[] }
  | { readonly kind: "ping"; readonly id: number; readonly target: PingTarget; readonly timeoutMs: number }
  | { readonly kind: "inquire"; readonly id: number; readonly inquiry: Inquiry; readonly timeoutMs: number }
  /** Where in the overlay is the host with this name in its certificate? */
  | { readonly kind: "find"; readonly id: number; readonly name: string }
  /** Already checked; the networks are those of before. */
  | { readonly kind: "reload"; readonly settings: LiveSettings }
  /** What an operator wants done about one host. Nothing is said about what came of it: look. */
  | { readonly kind: "order"; readonly order: OperatorOrder }
  /** Something about what the authority tells everybody. */
  | { readonly kind: "bulletins"; readonly news: BulletinNews }
  /** Something about TCP connections that carry datagrams. */
  | { readonly kind: "carrier"; readonly news: CarrierNews }
  /** Close every tunnel; outputs after this are the last. */
  | { readonly kind: "shutdown" };

export type PingTarget =
  | { readonly by: "address"; readonly address: IpAddress }
  | { readonly by: "name"; readonly name: string };

/** What an operator wants to know: whether a packet of this service would pass between this host and another one. */
export interface Inquiry {
  readonly host: PingTarget;
  /** From here to that host, or from there to here. */
  readonly direction: Direction;
  readonly service: AskedService;
  /** This host's end, where it is another than its first address of the family. */
  readonly local: IpAddress | undefined;
}

export type InquiryResult =
  | {
      readonly outcome: "judged";
      readonly packet: PacketAddresses;
      /** In the order in which the packet goes. */
      readonly sides: readonly [JudgedSide, JudgedSide];
    }
  | {
      readonly outcome: "failed";
      readonly name: string | undefined;
      readonly address: IpAddress | undefined;
      readonly failure: PingFailure;
    };

/** What one of both hosts says. */
export interface JudgedSide {
  readonly host: Named;
  readonly isOwn: boolean;
  /** Of the packet, as this host sees it. */
  readonly direction: Direction;
  /** The other one, by the certificate that it has shown to this host. */
  readonly peer: Named & { readonly groups: readonly string[] };
  /** Undefined: it does not say. */
  readonly judgement: Judgement | undefined;
  /** Why it does not: nothing came back, as from an implementation or a version that does not know the question, or it did not want to. */
  readonly silence: "silent" | "declined" | undefined;
}

/** A flow that was refused lately, here or at the other end. */
export interface RecentRefusal {
  /** Who refused it: this host, or the peer, which has told so. */
  readonly by: "us" | "peer";
  readonly peer: Named & { readonly groups: readonly string[] };
  /** As this host sees it: "inbound" came from the peer. */
  readonly direction: Direction;
  readonly packet: PacketAddresses;
  readonly reason: DropReason;
  /** The rule that nearly allowed it, at whoever refused it. */
  readonly closest: Extract<Judgement, { allowed: false }>["closest"];
  /** Packets of the same service that were noticed; there were more. */
  readonly times: number;
  readonly firstAgoMs: number;
  readonly lastAgoMs: number;
}

export type OperatorOrder =
  /** `at`: where it may be, beside what is known. */
  | { readonly what: "create-tunnel"; readonly address: IpAddress; readonly at: Endpoint | undefined }
  /** Until the peer shows that it is somewhere else. */
  | { readonly what: "change-remote"; readonly address: IpAddress; readonly at: Endpoint }
  | { readonly what: "close-tunnel"; readonly address: IpAddress; readonly tellPeer: boolean }
  | { readonly what: "ask-where"; readonly address: IpAddress }
  /** Asks how long packets may be on the way to it, as if long ones were sent. */
  | { readonly what: "measure-mtu"; readonly address: IpAddress };

/** What should happen outside. */
export type Output =
  | { readonly to: "data-plane"; readonly command: DataPlaneCommand }
  | { readonly to: "resolver"; readonly name: string }
  | { readonly to: "operator"; readonly event: OperatorEvent }
  | { readonly to: "carrier"; readonly order: CarrierOrder }
  | { readonly to: "pinger"; readonly id: number; readonly result: PingResult }
  | { readonly to: "inquirer"; readonly id: number; readonly result: InquiryResult }
  /** None: neither this host nor a lighthouse of ours knows it. */
  | { readonly to: "finder"; readonly id: number; readonly addresses: readonly IpAddress[] }
  /** `untold`: so many more flows and refused packets were left out, because there were too many. */
  | { readonly to: "flow-log"; readonly stories: readonly FlowStory[]; readonly untold: number }
  /** What came of a bulletin that was published here; undefined: it is held. */
  | { readonly to: "publisher"; readonly id: number; readonly refusal: BulletinRefusal | undefined }
  /** Everything of the authorities that is held now, to be kept for the next start. */
  | { readonly to: "bulletins"; readonly held: readonly HeldBulletin[] }
  /** Packets that an operator wants to see; `lost`: so many more found no room. */
  | { readonly to: "capture"; readonly packets: readonly SeenPacket[]; readonly lost: number }
  /** Flows that go on, in several pieces. */
  | { readonly to: "flow-list"; readonly stories: readonly FlowStory[]; readonly isLast: boolean };

export type PingResult =
  | {
      readonly outcome: "pong";
      readonly name: string;
      readonly address: IpAddress;
      readonly path: Endpoint | undefined;
      readonly relay: Named | undefined;
      readonly roundTripMs: number;
      /** Whether a tunnel had to be built first, and how long that took. */
      readonly handshakeMs: number | undefined;
    }
  | {
      readonly outcome: "failed";
      readonly name: string | undefined;
      readonly address: IpAddress | undefined;
      readonly failure: PingFailure;
    };

/** When the core wants to be called again, and why. */
export interface Deadline {
  readonly at: Instant;
  readonly why: string;
}

/** A picture of a node for `lacis status`: plain data, stable names (it is printed as JSON). */
export interface NodeStatus {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  readonly groups: readonly string[];
  /** Of its certificate that ends first. */
  readonly certificateNotBefore: number;
  readonly certificateNotAfter: number;
  /** Whether nobody but itself has to do something about that (`pki.enrolment`). */
  readonly renewsItself: boolean;
  /** Whether its certificate is on a list of what is taken back: nobody else lets it in any more. */
  readonly isRevoked: boolean;
  /** What another host has said about that; undefined: nobody has. */
  readonly outOfNetwork: OutOfNetwork | undefined;
  /** Those that it trusts. */
  readonly authorities: readonly AuthorityStatus[];
  readonly certificateVersions: readonly number[];
  readonly amLighthouse: boolean;
  readonly cipher: string;
  readonly lighthouses: readonly {
    readonly address: IpAddress;
    readonly name: string | undefined;
    readonly up: boolean;
    /** Whether it has answered as lighthouses do; undefined while it may yet. */
    readonly serves: boolean | undefined;
  }[];
  readonly peers: readonly PeerStatus[];
  /** The address translator in front of this host. */
  readonly nat: NatStatus;
  /** Whether translators on the way are kept open (`punchy.punch`). */
  readonly punches: boolean;
  /** The policy of the network; undefined when no authority has said anything about one. */
  readonly policy: NetworkPolicyStatus | undefined;
  /** What the authorities tell everybody, and who has applied it. */
  readonly bulletins: readonly BulletinStatus[];
  /** Addresses that two hosts use. */
  readonly twins: readonly Twins[];
  /** Who called lately and was not let in, those who called last first. */
  readonly refusedCallers: readonly RefusedCallerStatus[];
  /** Hosts that find each other through this one. */
  readonly relayed: readonly RelayedPair[];
  /** Networks behind other hosts. */
  readonly routes: readonly RouteStatus[];
  readonly counters: ActivitySample["counters"] | undefined;
  /** Flows that rules refused lately, the last ones first. */
  readonly refusals: readonly RecentRefusal[];
  /** Of what was dropped, what is news. */
  readonly recentDrops: ReadonlyMap<DropReason, RecentDrops>;
  /** What this machine's system does not send. */
  readonly sendTroubles: readonly SendTrouble[];
  /** Entries of the peer table: overlay addresses that sessions lead to, sessions, calls under way, and those that have an index. */
  readonly tables: {
    readonly addresses: number;
    readonly sessions: number;
    readonly calls: number;
    readonly callIndexes: number;
  };
  /** Since this process began. */
  readonly handshakesStarted: number;
  readonly traffic: TrafficCounts;
}

export interface AuthorityStatus {
  readonly name: string;
  readonly fingerprint: Fingerprint;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether it has signed this host's own certificate. */
  readonly isOurs: boolean;
}

export interface RefusedCallerStatus extends Claim {
  readonly refusal: HandshakeRefusal;
  readonly from: Place;
  readonly times: number;
  readonly agoMs: number;
}

/** Two hosts that others cannot tell apart. */
export interface Twins {
  readonly address: IpAddress;
  /** "certificate": the same key; "address": two certificates with one address. */
  readonly share: "certificate" | "address";
  readonly hosts: readonly { readonly name: string; readonly place: Place | undefined }[];
}

/** Two hosts that find each other through this one. */
export interface RelayedPair {
  readonly hosts: readonly [Named, Named];
  /** Whether packets go through: both sides have agreed, and there is a tunnel to both. */
  readonly isUp: boolean;
  /** Of frames that came from either. */
  readonly bytes: number;
}

export interface PeerStatus {
  readonly name: string | undefined;
  readonly addresses: readonly IpAddress[];
  readonly groups: readonly string[];
  readonly state: "up" | "handshaking" | "unconfirmed" | "failed";
  /** Undefined when all is well. */
  readonly trouble: PeerTrouble | undefined;
  readonly path: Endpoint | undefined;
  /** Through whom, when the path leads through a relay. */
  readonly relay: Named | undefined;
  /** The other end of the TCP connection that the path leads over, and who is there; undefined on paths over UDP. */
  readonly carrier: (Named & { readonly remote: Endpoint | undefined }) | undefined;
  readonly roundTripMs: number | undefined;
  /** Of the last probes on the way in use, from 0 to 1; undefined while there were too few. */
  readonly loss: number | undefined;
  /** Undefined when it goes straight. */
  readonly whyRelayed: WhyRelayed | undefined;
  /** Every way that was measured, the one in use first. */
  readonly ways: readonly WayStatus[];
  /** The longest inner packet that its way is known to carry; undefined until somebody sent a long one. */
  readonly mtu: number | undefined;
  /** Milliseconds since the last authenticated packet; undefined when there was none. */
  readonly lastReceivedMs: number | undefined;
  readonly establishedMs: number | undefined;
  readonly certificateNotBefore: number | undefined;
  readonly certificateNotAfter: number | undefined;
  readonly certificateVersion: number | undefined;
  /** Whether it has seen another certificate of ours than there is now. */
  readonly hasOldOfOurs: boolean;
  /** How much later it was by the peer's clock than by ours when the session was made; undefined without a session. */
  readonly clockAheadMs: number | undefined;
  readonly sessions: number;
  /** Through the session that sends. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Through all sessions with this peer since there has been one; undefined without a session. */
  readonly traffic: TrafficCounts | undefined;
  readonly pathKind: Path["kind"] | undefined;
}

/** A way to a peer, as it was measured. */
export interface WayStatus {
  readonly place: Place;
  readonly isInUse: boolean;
  readonly roundTripMs: number | undefined;
  readonly loss: number | undefined;
  /** Milliseconds since it last brought an answer. */
  readonly answeredMs: number | undefined;
}

/** A node looked at closely: what `NodeStatus` sums up, one by one. */
export interface NodeDetails {
  readonly networks: readonly Prefix[];
  /** Ours, by version. */
  readonly certificates: readonly Certificate[];
  readonly initiatingVersion: CertificateVersion;
  readonly sessions: readonly SessionDetails[];
  readonly calls: readonly CallDetails[];
  /** Where hosts may be, by overlay address. */
  readonly places: readonly KnownPlaces[];
}

export interface SessionDetails {
  readonly addresses: readonly IpAddress[];
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** Whether it is the one that sends. */
  readonly isPrimary: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly certificate: Certificate;
  readonly sentPackets: number;
  readonly path: Endpoint | undefined;
  readonly relay: IpAddress | undefined;
}

export interface CallDetails {
  readonly address: IpAddress;
  /** 0 before there is one. */
  readonly localIndex: number;
  readonly endpoints: readonly Endpoint[];
}

/** What is worth knowing about a host at the next start, when nobody may be there to ask. */
export interface RememberedHost {
  /** Overlay addresses. */
  readonly addresses: readonly IpAddress[];
  /** Its own packets came from there, the last ones first. */
  readonly endpoints: readonly Endpoint[];
  readonly relays: readonly IpAddress[];
  /** Whether anything was said lately, so that it is worth calling at once. */
  readonly inUse: boolean;
}

export interface KnownPlaces {
  readonly host: IpAddress;
  readonly configured: readonly Endpoint[];
  /** Its own packets came from there. */
  readonly learned: readonly Endpoint[];
  /** What somebody said, by who it was. */
  readonly said: ReadonlyMap<IpAddress, readonly Endpoint[]>;
}

import type { BulletinRefusal } from "../bulletin/verify.ts";
import type { CertificateRefusal } from "../cert/ca-pool.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { Claim } from "../cert/claim.ts";
import type { ConfigError } from "../config/document/config-error.ts";
import type { DataPlaneEvent, DropSample } from "../dataplane/contract.ts";
import type { LighthouseRefusal } from "../discovery/service.ts";
import type { RulePart } from "../firewall/rule.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import type { Renewal } from "../machine/liveness/renewal.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Place } from "../path/place.ts";
import type { Judgement, PacketAddresses } from "../wire/explanation.ts";
import type { AdoptionRefusal, CallFailure, CarrierEnd, EndOfSession } from "./failure.ts";
import type { GuestNews } from "./guest-news.ts";
import type { PolicyNews } from "./policy-news.ts";

/**
 * Everything that an operator can be told about a host: data only, `code` stays for good. render.ts makes the sentence; log, `lacis events`
 * and whoever else listens read the same. Of a certificate that
 * did not verify there is its fingerprint, and what it claims, which is marked as a claim.
 */
export type OperatorEvent =
  | PeerEvent
  | HandshakeEvent
  | DataPlaneNews
  | UnderlayNews
  | DnsNews
  | PacketEvent
  | GuestNews
  | PolicyNews
  | DaemonEvent;

export type EventCode = OperatorEvent["code"];
export type EventOf<Code extends EventCode, Event = OperatorEvent> = Event extends { readonly code: EventCode }
  ? Code extends Event["code"]
    ? Event & { readonly code: Code }
    : never
  : never;

/** A peer, by its name and its first overlay address. */
interface ByName {
  readonly name: string;
  readonly address: IpAddress;
}

/** About tunnels and the sessions in them. */
export type PeerEvent =
  | (ByName & {
      readonly code: "tunnel-up" | "session-renewed";
      readonly path: Place | undefined;
      readonly role: "initiator" | "responder";
      /** Of the certificates that were shown, ours and the peer's. */
      readonly version: CertificateVersion;
      readonly peerVersion: CertificateVersion;
      /** Undefined when the peer called. */
      readonly handshakeMs: number | undefined;
    })
  | (ByName & { readonly code: "tunnel-down" | "session-ended"; readonly reason: EndOfSession })
  | (ByName & { readonly code: "recv-error"; readonly endpoint: Endpoint })
  | (ByName & { readonly code: "renewal"; readonly reason: Renewal["reason"] })
  | (ByName & { readonly code: "renewal-failed"; readonly failure: CallFailure })
  /** `routes`: how many networks lie behind it. */
  | (ByName & { readonly code: "gateway-left"; readonly routes: number })
  | (ByName & { readonly code: "gateway-back" })
  | (ByName & { readonly code: "peer-distrusted"; readonly refusal: CertificateRefusal })
  /** What the authority tells everybody has come; `from`: the peer that brought it, undefined an operator of this host. */
  | {
      readonly code: "bulletin-held";
      readonly kind: string;
      readonly number: number;
      readonly authority: string;
      readonly from: string | undefined;
    }
  /** A peer has offered one that is not good; `kind` and `number` are what it claims to be, undefined where that cannot be read. */
  | (ByName & {
      readonly code: "bulletin-refused";
      readonly kind: string | undefined;
      readonly number: number | undefined;
      readonly refusal: BulletinRefusal;
    })
  /** `reason`: a clause of the decoder. */
  | { readonly code: "lighthouse-message-malformed"; readonly name: string; readonly reason: string }
  /** What a host told or asked this lighthouse is not for it to say. */
  | (ByName & { readonly code: "lighthouse-message-refused"; readonly refusal: LighthouseRefusal })
  | { readonly code: "relay-message-malformed"; readonly name: string; readonly reason: string }
  /** This session of a tunnel goes another way. */
  | (ByName & { readonly code: "path-changed"; readonly path: Place })
  /** The peer is reached over TCP, by us or because it has come so; `remote` is the other end. */
  | (ByName & { readonly code: "carrier-up"; readonly remote: Endpoint })
  | (ByName & { readonly code: "carrier-down"; readonly remote: Endpoint; readonly why: CarrierEnd })
  /** A host whose UDP fails is not reached over TCP either. Told again for another reason only. */
  | { readonly code: "carrier-failed"; readonly address: IpAddress; readonly why: CarrierEnd }
  /** The peer finds `other` through us, or does not any more. */
  | (ByName & { readonly code: "relaying" | "relaying-ended"; readonly other: string })
  /** The peer wanted to find a host through us. */
  | {
      readonly code: "relay-refused";
      readonly name: string;
      readonly to: IpAddress;
      readonly refusal: RelayRefusal;
    }
  | { readonly code: "session-not-adopted"; readonly refusal: AdoptionRefusal };

/** Why we are no relay for this. */
export type RelayRefusal = "no-relay" | "for-somebody-else" | "through-a-relay" | "to-itself";

export type HandshakeEvent =
  | {
      readonly code: "handshake-refused";
      /** Whom we called; undefined when we were called. */
      readonly address: IpAddress | undefined;
      readonly endpoint: Place;
      readonly refusal: HandshakeRefusal;
      /** Who that says to be; undefined when it could not be read, or too many were. */
      readonly claim?: Claim | undefined;
    }
  /** The host that we call has said so itself; `via` passed it on. */
  | {
      readonly code: "refused-there";
      readonly address: IpAddress;
      readonly reason: string;
      readonly text: string;
      readonly via: string;
    }
  | { readonly code: "handshake-failed"; readonly address: IpAddress; readonly failure: CallFailure }
  /** A message 1 is shorter than our answer would be. */
  | { readonly code: "handshake-deferred"; readonly endpoint: Place }
  | {
      readonly code: "handshake-repeated" | "message-2-unreadable" | "message-2-not-read";
      readonly address: IpAddress;
      readonly endpoint: Place;
    }
  | {
      readonly code: "wrong-responder";
      readonly address: IpAddress;
      readonly endpoint: Place;
      readonly name: string;
    };

/** About the data plane: its life, what it could not do. Its error texts are its own. */
export type DataPlaneNews =
  | { readonly code: "data-plane-down"; readonly tunnels: number }
  | {
      readonly code: "data-plane-refused";
      readonly command: Extract<DataPlaneEvent, { kind: "command-failed" }>["command"];
      readonly reason: string;
      readonly error: string;
    }
  /** What keeps packets of the overlay off every way but the device: against those that leave, or those that come. */
  | { readonly code: "guard-failed"; readonly part: "routes" | "underlay"; readonly why: string }
  /** A route of somebody else's takes addresses of the overlay away from its device. */
  | { readonly code: "overlay-shadowed"; readonly prefix: string; readonly device: string }
  /** The system has no route of ours for a network; undefined: for none. */
  | { readonly code: "route-missing"; readonly prefix: string | undefined; readonly why: string }
  /** The system's routes are not learned for now. */
  | { readonly code: "route-watch-ended"; readonly why: string }
  | { readonly code: "routes-restored"; readonly routes: number }
  /** What others do to the device is not told of for now. */
  | { readonly code: "device-watch-ended"; readonly why: string }
  /** Others had changed the device: "down", "mtu", or an address that was missing. */
  | { readonly code: "device-restored"; readonly device: string; readonly repairs: readonly string[] }
  /** Somebody has removed the device; it is made anew. */
  | { readonly code: "device-gone"; readonly device: string }
  /** The device cannot have an address of the certificate. */
  | { readonly code: "overlay-address-missing"; readonly device: string; readonly why: string }
  | { readonly code: "guard-restored"; readonly part: "routes" | "underlay" }
  | { readonly code: "data-plane-lost" | "data-plane-failed"; readonly why: string }
  | { readonly code: "data-plane-up"; readonly device: string | undefined; readonly port: number }
  /** `differs`: what is not as it is wanted ("contract version", key paths). */
  | { readonly code: "data-plane-replaced"; readonly differs: readonly string[] }
  /** A newer program has taken over from the one that ran. */
  | { readonly code: "data-plane-upgraded"; readonly before: string; readonly after: string; readonly tookMs: number }
  /** The one that runs goes on, because a newer one could not take over. */
  | { readonly code: "data-plane-kept"; readonly why: string }
  | { readonly code: "socket-error" | "device-error"; readonly error: string }
  /** The system does not send datagrams, for an error of this name ("EPERM"); there was the first. Told again only after it has ended. */
  | { readonly code: "send-refused"; readonly error: string; readonly endpoint: Endpoint }
  /** From the first to the last. */
  | { readonly code: "send-refusals-ended"; readonly error: string; readonly lastedMs: number }
  /** It does without what the key asks for. */
  | { readonly code: "data-plane-lacks"; readonly capability: string; readonly key: string }
  | { readonly code: "so-mark-ignored" };

/** About what is below the overlay. */
export type UnderlayNews =
  /** `changes`: since the last time that this was told. */
  | { readonly code: "underlay-changed"; readonly changes: number; readonly addresses: readonly IpAddress[] }
  | { readonly code: "woke"; readonly asleepMs: number }
  /** Whether an interface has the address of listen.host. */
  | { readonly code: "listen-address-missing" | "listen-address-there"; readonly address: IpAddress }
  /** A network of this machine has addresses in common with the overlay; `wins`: packets for the overlay may go there. */
  | {
      readonly code: "overlay-over-lan";
      readonly device: string;
      readonly lan: string;
      readonly overlay: string;
      readonly wins: boolean;
      readonly tunnel: boolean;
    }
  /** A router leads a port outside to us. */
  | {
      readonly code: "port-mapped";
      readonly gateway: IpAddress;
      readonly protocol: "pcp" | "nat-pmp" | "upnp-igd";
      readonly endpoint: Endpoint;
      readonly lifetimeMs: number;
    }
  /** `why`: a name of ours for an answer that makes no sense, or the router's own code. */
  | {
      readonly code: "port-not-mapped";
      readonly gateway: IpAddress;
      readonly protocol: "pcp" | "nat-pmp" | "upnp-igd";
      readonly why: string;
    }
  /** Changes are looked for now and then instead. */
  | { readonly code: "underlay-watch-ended"; readonly why: string }
  /** Where peers were is not known from before. */
  | { readonly code: "places-unreadable"; readonly path: string; readonly why: string }
  | { readonly code: "places-unwritable"; readonly path: string; readonly why: string }
  /** What the authority has told before is not known. */
  | { readonly code: "bulletins-unreadable"; readonly path: string; readonly why: string }
  | { readonly code: "bulletins-unwritable"; readonly path: string; readonly why: string };

/** About the next certificate of a host that sees to it by itself. */
export type RenewalNews =
  /** Unix seconds. */
  | {
      readonly code: "certificate-renewed";
      readonly name: string;
      readonly notAfter: number;
      readonly secondsLeft: number;
    }
  /** Told when the reason is another one than before. */
  | {
      readonly code: "certificate-not-renewed";
      readonly why: string;
      readonly todo: string;
      readonly againSeconds: number;
    }
  /** Somebody has to agree first. */
  | { readonly code: "certificate-pending"; readonly id: string; readonly why: string };

/** About the DNS responder. */
export type DnsNews =
  /** The system's resolver, or whoever manages it, asks this host for names below the domain. */
  | { readonly code: "names-wired"; readonly domain: string; readonly how: string }
  | { readonly code: "names-not-wired"; readonly why: string }
  | { readonly code: "dns-listening"; readonly places: readonly string[] }
  | { readonly code: "dns-not-listening"; readonly why: string };

/** Samples of packets that were dropped, here or at the other end. */
export type PacketEvent =
  /** The peer has told so itself. */
  | (ByName & {
      readonly code: "refused-by-peer";
      readonly packet: PacketAddresses;
      readonly denial: Extract<Judgement, { allowed: false }>;
      /** What the certificate says that this host has shown there. */
      readonly own: { readonly name: string; readonly groups: readonly string[] };
    })
  | { readonly code: "packet-dropped"; readonly sample: DropSample }
  | {
      readonly code: "packet-denied";
      readonly sample: DropSample;
      /** The rule that nearly allowed it. */
      readonly closest:
        | {
            readonly place: string;
            /** In the words of the configuration. */
            readonly rule: string;
            readonly misses: readonly RulePart[];
            /** What the peer's certificate says, where the rule does not mean it. */
            readonly peer: { readonly name: string; readonly groups: readonly string[] };
          }
        | undefined;
    };

export type DaemonEvent =
  | {
      readonly code: "ready";
      readonly name: string;
      readonly addresses: readonly IpAddress[];
      readonly device: string | undefined;
      readonly port: number;
      readonly dataPlane: "native" | "typescript";
      /** Whether it ran before. */
      readonly adopted: boolean;
      readonly version: string;
      readonly pid: number;
    }
  /** The authority has taken back this host's certificate, as a host has said that goes by it. `text`: a clause. */
  | { readonly code: "out-of-network"; readonly text: string; readonly via: string }
  | { readonly code: "stopped" | "left" | "reloaded" }
  | RenewalNews
  /** Our own: 30, 7 and 1 days before its end, and once when it is over. Unix seconds. */
  | {
      readonly code: "certificate-expires";
      readonly name: string;
      readonly version: CertificateVersion;
      readonly notAfter: number;
      readonly secondsLeft: number;
      /** Whether the host sees to it, and nobody else has to. */
      readonly renewsItself: boolean;
      /** It was let in to debug something, for that long. */
      readonly isGuest: boolean;
    }
  | { readonly code: "config-warning"; readonly warning: ConfigError }
  | { readonly code: "carrier-listening"; readonly where: string }
  | { readonly code: "carrier-not-listening"; readonly why: string }
  | { readonly code: "console-served"; readonly where: string }
  | { readonly code: "console-unavailable"; readonly why: string }
  /** `user` is a name that was typed; `console-refused`: after as many keys as may be tried. */
  | { readonly code: "console-login" | "console-refused"; readonly user: string; readonly address: string }
  | { readonly code: "metrics-served"; readonly where: string }
  /** Again, after they were not. */
  | { readonly code: "metrics-sent"; readonly to: string }
  | { readonly code: "metrics-unavailable"; readonly why: string }
  /** Again, after it was not. */
  | { readonly code: "collector-reached"; readonly to: string }
  | { readonly code: "collector-unreachable"; readonly why: string }
  | { readonly code: "reload-applied"; readonly applied: readonly string[]; readonly needsRestart: readonly string[] }
  | {
      readonly code: "reload-refused";
      readonly complaint: { readonly what: string; readonly why: string; readonly todo: string };
      /** The first error, in one line. */
      readonly first: string;
    }
  /** The log left out that an event came again so many times; `text` is its own. */
  | {
      readonly code: "repeated";
      readonly of: string;
      readonly times: number;
      readonly isOver: boolean;
      readonly text: string;
    }
  /** The log left lines of one code out. */
  | { readonly code: "suppressed"; readonly of: string; readonly count: number };

import { Pace } from "../../base/pace.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { CertificateRefusal } from "../../cert/ca-pool.ts";
import type { Fingerprint } from "../../cert/certificate.ts";
import type { Claim } from "../../cert/claim.ts";
import type { HandshakeRefusal } from "../../handshake/refusal.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { RefusalThere } from "../../peer/call.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { type ExplanationMessage, encodeExplanation, type HandshakeRefused } from "../../wire/explanation.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit } from "../machine.ts";

export type TurnedAwayEvent =
  | CommonEvent
  /** A host that we call has said why it does not let us in. */
  | { readonly kind: "refused-there"; readonly target: IpAddress; readonly refusal: RefusalThere };

/** That this host was taken out of the network, as another one has said. */
export interface OutOfNetwork {
  /** A clause. */
  readonly text: string;
  readonly via: string;
}

/** Certificates that were told of, and members that tell. */
const CERTIFICATES_MAX = 256;
const TELLERS_MAX = 1_024;
/** Lighthouses that one refusal is given to. */
const LIGHTHOUSES_MAX = 2;

/** Of one certificate once in ten seconds: a caller repeats itself every few hundred milliseconds. */
const ONE_CERTIFICATE = { burst: 1, intervalMs: 10_000 };
/** Anybody can cause these who has seen a certificate. */
const ALL = { perSecond: 5, burst: 20 };
/** What one member may have passed on. */
const ONE_TELLER = { burst: 8, intervalMs: 500 };

/**
 * Why this host lets somebody in or not is told to nobody who has not proven who he is. But both may have a tunnel with the same lighthouse: then the
 * reason goes there, and on to the host whose address the refused certificate has. That one believes it only of a host that it calls itself, and
 * only about a certificate of its own; so nobody learns anything that he does not hold already.
 */
export class TurnedAway {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<TurnedAwayEvent>;
  readonly #told = new Pace<Fingerprint>(ONE_CERTIFICATE, CERTIFICATES_MAX);
  readonly #all = new TokenBucket(ALL);
  #out: RefusalThere | undefined;
  readonly #tellers = new Pace<IpAddress>(ONE_TELLER, TELLERS_MAX);

  constructor(facts: Facts, peers: Peers, emit: Emit<TurnedAwayEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#emit = emit;
  }

  /** Somebody called with this certificate and was not let in. */
  callerRefused({
    addresses,
    fingerprint,
    refusal,
  }: Claim & { fingerprint: Fingerprint; refusal: HandshakeRefusal }): void {
    const { now, settings, lighthouses } = this.#facts;
    if (!settings.live.tellsPeers) return;
    const [host] = addresses;
    if (host === undefined || !this.#told.has(fingerprint, now) || !this.#all.take(now)) return;
    this.#told.take(fingerprint, now);
    const what = { fingerprint, code: refusal.code, text: "text" in refusal ? refusal.text : "" };
    // Never straight to the host, even where a tunnel stands: whoever forges its handshakes would have us send to its address what did not come from there.
    const up = lighthouses.flatMap((address) => this.#peers.primaryOf(address) ?? []).slice(0, LIGHTHOUSES_MAX);
    for (const session of up) this.#send(session, { kind: "tell-handshake-refused", host, ...what });
  }

  /** The peer of this session is about to be cut off: it hears why in the tunnel, as long as there is one. */
  cutOff(session: Session, { code, text }: CertificateRefusal): void {
    if (session.state.at !== "live" || !this.#facts.settings.live.tellsPeers) return;
    const [host] = this.#facts.ownAddresses;
    const { fingerprint } = session.peer;
    if (host !== undefined) this.#send(session, { kind: "handshake-refused", host, fingerprint, code, text });
  }

  /** The host that this one calls has answered that it does not let it in. */
  turnedAway(target: IpAddress, refusal: RefusalThere): void {
    if (this.#tellers.take(target, this.#facts.now)) this.#believe(target, refusal);
  }

  /** Somebody lets this host in. */
  sessionUp(): void {
    this.#out = undefined;
  }

  /** Who has said that this host was taken out of the network, and how; undefined while nobody has. */
  status(): OutOfNetwork | undefined {
    return this.#out && { text: this.#out.text, via: this.#out.via };
  }

  /** A member has refused a handshake, and wants that host to know why. Only a lighthouse passes it on. */
  tell(session: Session, { host, fingerprint, code, text }: HandshakeRefused): void {
    const { settings, now } = this.#facts;
    const to = settings.boot.lighthouse.amLighthouse ? this.#peers.primaryOf(host) : undefined;
    if (!to || to === session || !this.#tellers.take(nameAddress(session), now)) return;
    this.#send(to, { kind: "handshake-refused", host: nameAddress(session), fingerprint, code, text });
  }

  /** By way of a lighthouse, of a host that is called; or by the host at the other end itself, which is about to close the tunnel. */
  told(session: Session, { host, fingerprint, code, text }: HandshakeRefused): void {
    const { settings, now } = this.#facts;
    const { certificates } = settings.live.identity.credential;
    const isOurs = Object.values(certificates).some((certificate) => certificate?.fingerprint === fingerprint);
    const isItself = session.addresses.includes(host);
    const mayTell = isItself || session.addresses.some((address) => this.#facts.isLighthouse(address));
    const peer = this.#peers.find(host);
    const isAsked = isItself || peer?.call !== undefined || peer?.failed !== undefined;
    if (!isOurs || !mayTell || !isAsked || !this.#tellers.take(host, now)) return;
    this.#believe(peer?.call?.target ?? host, { code, text, via: session.peer.name });
  }

  #believe(target: IpAddress, refusal: RefusalThere): void {
    const { code, text } = refusal;
    if (code === "revoked") {
      if (!this.#out) this.#emit({ kind: "tell", event: { code: "out-of-network", text, via: refusal.via } });
      this.#out = refusal;
    }
    const event = { code: "refused-there", address: target, reason: code, text, via: refusal.via } as const;
    this.#emit({ kind: "tell", event });
    this.#emit({ kind: "refused-there", target, refusal });
  }

  #send(session: Session, message: ExplanationMessage): void {
    this.#emit({ kind: "command", command: controlPacket(session, encodeExplanation(message)) });
  }
}

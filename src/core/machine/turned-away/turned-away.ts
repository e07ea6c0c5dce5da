import { Pace } from "../../base/pace.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
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

  /** A member has refused a handshake, and wants that host to know why. Only a lighthouse passes it on. */
  tell(session: Session, { host, fingerprint, code, text }: HandshakeRefused): void {
    const { settings, now } = this.#facts;
    const to = settings.boot.lighthouse.amLighthouse ? this.#peers.primaryOf(host) : undefined;
    if (!to || to === session || !this.#tellers.take(nameAddress(session), now)) return;
    this.#send(to, { kind: "handshake-refused", host: nameAddress(session), fingerprint, code, text });
  }

  /** By way of a lighthouse. */
  told(session: Session, { host, fingerprint, code, text }: HandshakeRefused): void {
    const { settings, now } = this.#facts;
    const { certificates } = settings.live.identity.credential;
    const isOurs = Object.values(certificates).some((certificate) => certificate?.fingerprint === fingerprint);
    const mayTell = session.addresses.some((address) => this.#facts.isLighthouse(address));
    const peer = this.#peers.find(host);
    if (!isOurs || !mayTell || !(peer?.call || peer?.failed) || !this.#tellers.take(host, now)) return;
    const refusal = { code, text, via: session.peer.name };
    const target = peer.call?.target ?? host;
    const event = { code: "refused-there", address: target, reason: code, text, via: refusal.via } as const;
    this.#emit({ kind: "tell", event });
    this.#emit({ kind: "refused-there", target, refusal });
  }

  #send(session: Session, message: ExplanationMessage): void {
    this.#emit({ kind: "command", command: controlPacket(session, encodeExplanation(message)) });
  }
}

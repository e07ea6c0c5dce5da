import { toHex } from "../../base/bytes.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import type { CarrierEnd } from "../../operator/failure.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { CarrierConnection } from "./orders.ts";
import type { Speech } from "./speech.ts";

interface AcceptedCarrier {
  readonly at: Endpoint;
  readonly remote: Endpoint;
  readonly binding: string;
  /** Who has proved to be at the other end, by its first overlay address. */
  peer: IpAddress | undefined;
}

/** Connections that others have made to us, as many as the runtime lets in. */
export class AcceptedCarriers {
  readonly #facts: Pick<Facts, "allowedRemotes">;
  readonly #speech: Speech;
  readonly #byPlace = new Map<Endpoint, AcceptedCarrier>();
  readonly #byBinding = new Map<string, AcceptedCarrier>();
  readonly #byPeer = new Map<IpAddress, AcceptedCarrier>();

  constructor(facts: Pick<Facts, "allowedRemotes">, speech: Speech) {
    this.#facts = facts;
    this.#speech = speech;
  }

  remoteOf(at: Endpoint): Endpoint | undefined {
    return this.#byPlace.get(at)?.remote;
  }

  /** The one that a host has proved to be at the other end of. */
  placeOf(peer: IpAddress): Endpoint | undefined {
    return this.#byPeer.get(peer)?.at;
  }

  up({ at, remote, binding }: CarrierConnection): void {
    const carrier: AcceptedCarrier = { at, remote, binding: toHex(binding), peer: undefined };
    this.#byPlace.set(at, carrier);
    this.#byBinding.set(carrier.binding, carrier);
  }

  down(at: Endpoint, why: CarrierEnd): void {
    const carrier = this.#byPlace.get(at);
    if (!carrier) return;
    const { binding, peer, remote } = carrier;
    this.#byPlace.delete(at);
    this.#byBinding.delete(binding);
    if (peer === undefined) return;
    if (this.#byPeer.get(peer) === carrier) this.#byPeer.delete(peer);
    this.#speech.down(peer, remote, why);
  }

  /**
   * The peer of this session says that it is at the other end of the connection with this binding. If we have none, somebody stands between us: then the
   * peer is told, over a session that whoever it is cannot write into.
   */
  claimed(session: Session, binding: Uint8Array): void {
    const peer = nameAddress(session);
    const carrier = this.#byBinding.get(toHex(binding));
    if (!carrier || (carrier.peer !== undefined && carrier.peer !== peer)) {
      this.#speech.control(session, { kind: "deny", binding });
      return;
    }
    if (!this.#facts.allowedRemotes.allows(session.addresses, endpointAddress(carrier.remote))) {
      this.#speech.close(carrier.at, "place-not-allowed");
      return;
    }
    this.#speech.control(session, { kind: "confirm", binding }, carrier.at);
    if (carrier.peer === peer) return;
    const before = this.#byPeer.get(peer);
    carrier.peer = peer;
    this.#byPeer.set(peer, carrier);
    if (before) this.#speech.close(before.at, "replaced");
    this.#speech.proven(session, carrier);
  }

  clear(): void {
    for (const { at } of this.#byPlace.values()) this.#speech.close(at, "stopped");
    for (const table of [this.#byPlace, this.#byBinding, this.#byPeer]) table.clear();
  }
}

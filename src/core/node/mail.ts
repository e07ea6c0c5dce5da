import type { CertificateVersion } from "../cert/certificate.ts";
import { announcement } from "../discovery/announcer.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Tunnel } from "../tunnel/tunnel.ts";
import { PacketType } from "../wire/header.ts";
import { encodeLighthouseMessage, type LighthouseMessage } from "../wire/lighthouse.ts";
import type { Parcel } from "./parcel.ts";
import type { Parts } from "./parts.ts";
import type { CallFailure, NodeState } from "./state.ts";

/** Control messages to peers, through tunnels; a tunnel is built where there is none. */
export class Mail {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  send(to: IpAddress, parcel: Parcel): void {
    const tunnel = this.#state.tunnels.primaryOf(to);
    if (tunnel) this.#deliver(tunnel, parcel);
    else this.#parts.calls.start(to, { parcel });
  }

  /**
   * What waited for a tunnel that we have just built. The responder waits for proof, so at least a test request goes through at once
   * (reliability R10); its reply is the first measurement of the way.
   */
  deliverFirst(tunnel: Tunnel, parcels: readonly Parcel[]): void {
    const sent = this.deliver(tunnel, parcels);
    if (!sent.some(({ kind }) => kind === "test" || kind === "ping")) this.#parts.health.probe(tunnel);
  }

  /** What waited for this tunnel; returns what went out. A lighthouse was told where we are in the moment its tunnel came up. */
  deliver(tunnel: Tunnel, parcels: readonly Parcel[]): readonly Parcel[] {
    return parcels.filter((parcel) => parcel.kind !== "announcement" && this.#deliver(tunnel, parcel));
  }

  /** The tunnel that this waited for will not come. */
  undeliverable(parcel: Parcel, failure: CallFailure): void {
    if (parcel.kind === "ping") this.#parts.pings.callFailed(parcel.id, failure);
  }

  #deliver(tunnel: Tunnel, parcel: Parcel): boolean {
    switch (parcel.kind) {
      case "test":
        return this.#parts.health.probe(tunnel);
      case "ping":
        return this.#parts.pings.tunnelReady(parcel.id, tunnel);
      case "announcement":
        return this.#post(tunnel, this.#announcement(tunnel.ownVersion), tunnel.ownVersion);
      case "query":
        return this.#post(tunnel, { kind: "host-query", target: parcel.target }, tunnel.ownVersion);
      case "answer": {
        const { message, dialect } = parcel.reply;
        return this.#post(tunnel, message, dialect === "recipient" ? tunnel.peer.version : dialect);
      }
    }
  }

  #announcement(dialect: CertificateVersion): LighthouseMessage | undefined {
    const [own] = this.#state.ownAddresses;
    return own === undefined ? undefined : announcement(dialect, own, this.#parts.whereabouts.ownEndpoints());
  }

  #post(tunnel: Tunnel, message: LighthouseMessage | undefined, dialect: CertificateVersion): boolean {
    const body = message && encodeLighthouseMessage(message, dialect);
    if (!body) return false;
    const { localIndex } = tunnel;
    this.#state.out.command({ kind: "seal-and-send", localIndex, type: PacketType.lighthouse, subtype: 0, body });
    return true;
  }
}

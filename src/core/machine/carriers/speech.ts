import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CarrierEnd } from "../../operator/failure.ts";
import { directPath } from "../../path/path.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { testPacket } from "../../peer/test-packet.ts";
import { type CarrierControl, encodeCarrierControl } from "../../wire/carrier-control.ts";
import { TestSubtype } from "../../wire/header.ts";
import type { Emit } from "../machine.ts";
import type { CarriersEvent } from "./events.ts";
import type { CarrierOrder } from "./orders.ts";

/** What both sides of a connection say: to each other, to the runtime, to the operator. */
export class Speech {
  readonly #peers: Peers;
  readonly #emit: Emit<CarriersEvent>;

  constructor(peers: Peers, emit: Emit<CarriersEvent>) {
    this.#peers = peers;
    this.#emit = emit;
  }

  order(order: CarrierOrder): void {
    this.#emit({ kind: "carrier", order });
  }

  close(at: Endpoint, why: CarrierEnd): void {
    this.order({ what: "close", at, why });
  }

  /** Goes to `to` instead of along the session's path. */
  control(session: Session, message: CarrierControl, to?: Endpoint): void {
    const command = controlPacket(session, encodeCarrierControl(message), to && directPath(to));
    this.#emit({ kind: "command", command });
  }

  /** `moves`: a request that the peer follows, for one that answers no other. */
  requestPath(session: Session, token: Uint8Array, to: Endpoint, options: { readonly moves: boolean }): void {
    const subtype = options.moves ? TestSubtype.request : TestSubtype.pathRequest;
    this.#emit({ kind: "command", command: testPacket(session, subtype, token, directPath(to)) });
  }

  proven(session: Session, { at, remote }: { readonly at: Endpoint; readonly remote: Endpoint }): void {
    const { name } = session.peer;
    this.order({ what: "proven", at });
    this.#emit({ kind: "tell", event: { code: "carrier-up", name, address: nameAddress(session), remote } });
  }

  down(address: IpAddress, remote: Endpoint, why: CarrierEnd): void {
    const name = this.#peers.find(address)?.certificate?.name ?? address;
    this.#emit({ kind: "tell", event: { code: "carrier-down", name, address, remote, why } });
  }
}

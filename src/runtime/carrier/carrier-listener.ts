import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Instant } from "../../core/base/time.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { parseAddress } from "../../core/netip/address.ts";
import { HOST, keyOf } from "../../core/netip/division.ts";
import { type Endpoint, endpoint } from "../../core/netip/endpoint.ts";
import { listenTcp } from "../listen-tcp.ts";
import { NO_TLS_TICKETS } from "../node-crypto.ts";
import { Admission, type Guest } from "./admission.ts";
import { ephemeralIdentity } from "./certificate.ts";
import type { CarrierLedger } from "./ledger.ts";

/** From the first byte of TCP until somebody has proved to be at the other end. As long for a connection that we have made, once it stands. */
export const PROOF_MS = 5_000;

/** A connection that somebody has made, with TLS. */
export interface Arrival {
  readonly tls: TLSSocket;
  readonly remote: Endpoint;
  readonly address: IpAddress;
  /** It is known who it is. */
  readonly proven: () => void;
}

export interface ListenerSurroundings {
  readonly ledger: CarrierLedger;
  readonly now: () => Instant;
  /** Whether anybody at this address may come. */
  readonly isAllowed: (address: IpAddress) => boolean;
  /** A connection stands; the answer is how it is ended when it has to leave. */
  readonly arrived: (arrival: Arrival) => (why: "unproven" | "crowded") => void;
}

/** Takes connections: before TLS stands, nothing is read but its handshake. */
export class CarrierListener {
  readonly #world: ListenerSurroundings;
  readonly #admission = new Admission();
  readonly #context = createSecureContext({
    ...ephemeralIdentity(),
    minVersion: "TLSv1.3",
    // Nobody comes back to a session of TLS: it would only be remembered.
    secureOptions: NO_TLS_TICKETS,
  });
  readonly #tcp: Server = createServer({ noDelay: true }, (socket) => this.#came(socket));

  constructor(world: ListenerSurroundings) {
    this.#world = world;
  }

  /** Rejects with Node's error when the port cannot be had. */
  async open(host: IpAddress, port: number): Promise<void> {
    await listenTcp(this.#tcp, { host, port });
  }

  /** Takes no more; those that stand are their owner's. */
  close(): void {
    this.#tcp.close();
  }

  #came(socket: Socket): void {
    const address = parseAddress(socket.remoteAddress?.split("%")[0] ?? "");
    socket.on("error", () => {});
    if (address === undefined || !this.#world.isAllowed(address)) {
      this.#refuse(socket, "place-not-allowed");
      return;
    }
    let end = (_why: "unproven" | "crowded"): void => void tls.destroy();
    const guest: Guest = { address: keyOf(HOST, address), leave: () => end("crowded") };
    const refusal = this.#admission.enter(guest, this.#world.now());
    if (refusal) {
      this.#refuse(socket, refusal);
      return;
    }
    const remote = endpoint(address, socket.remotePort ?? 0);
    // From here on only this is ended, never the socket below it.
    const tls = new TLSSocket(socket, { isServer: true, secureContext: this.#context });
    const tooLate = setTimeout(() => end("unproven"), PROOF_MS);
    tls.on("error", () => {});
    tls.once("close", () => {
      clearTimeout(tooLate);
      this.#admission.left(guest);
    });
    const proven = (): void => {
      clearTimeout(tooLate);
      this.#admission.proven(guest);
    };
    tls.once("secure", () => {
      end = this.#world.arrived({ tls, remote, address, proven });
    });
  }

  #refuse(socket: Socket, why: Parameters<CarrierLedger["drop"]>[0]): void {
    this.#world.ledger.drop(why);
    socket.destroy();
  }
}

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { Fault } from "../../core/base/fault.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { type Endpoint, endpoint } from "../../core/netip/endpoint.ts";
import type { CarrierEnd } from "../../core/operator/failure.ts";
import { BINDING_BYTES } from "../../core/wire/carrier-control.ts";
import { Deframer, frameOf } from "./framing.ts";
import type { CarrierLedger } from "./ledger.ts";

/** Where the data plane of this host takes datagrams, and nothing else is ever sent to. */
export interface DataPlanePlace {
  readonly address: IpAddress;
  readonly port: number;
}

/** What waits to be written to a connection that is slower than what is sent. What is more is dropped, as a full queue on the way drops it. */
const WAITING_BYTES_MAX = 256 * 1024;
/** The same towards the data plane, which is asked for nothing but to read its socket. */
const LOOPBACK_BYTES_MAX = 256 * 1024;
/** How long nothing of what waits may be taken. */
const STALLED_MS = 30_000;
/** After so long without a datagram a sign of life is sent: what is on the way forgets connections that are silent. */
const SIGN_OF_LIFE_MS = 15_000;
/** Without anything from the other end for so long the connection is over. */
const SILENT_MS = 60_000;
const LOOK_MS = 5_000;
const SIGN_OF_LIFE = frameOf(new Uint8Array(0));
/** RFC 8446 7.5; the first word is what RFC 5705 wants of a label. */
const BINDING_LABEL = "EXPORTER-lacis-carrier";

/** One connection and the socket on loopback that it is to the data plane: what comes by one goes by the other, and nowhere else. */
export class Link {
  readonly at: Endpoint;
  /** What both ends of this TLS connection know, and nobody else. */
  readonly binding: Uint8Array;
  readonly #tls: TLSSocket;
  readonly #udp: Socket;
  readonly #ledger: CarrierLedger;
  readonly #ended: (why: CarrierEnd) => void;
  readonly #deframer = new Deframer();
  readonly #look: NodeJS.Timeout;
  #sentAt = performance.now();
  #receivedAt = performance.now();
  #fullSince: number | undefined;
  #isCorked = false;
  #isOver = false;

  /** Over TLS that stands, from a socket that is bound to `local` and hears the data plane only. */
  static async open(
    tls: TLSSocket,
    way: { readonly local: IpAddress; readonly dataPlane: DataPlanePlace; readonly ledger: CarrierLedger },
    ended: (why: CarrierEnd) => void,
  ): Promise<Link> {
    // At once: of a connection that has ended meanwhile nothing can be exported.
    const binding = tls.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0));
    const udp = createSocket("udp4");
    try {
      udp.bind({ address: way.local, port: 0, exclusive: true });
      await once(udp, "listening");
      udp.connect(way.dataPlane.port, way.dataPlane.address);
      await once(udp, "connect");
      if (tls.destroyed || !tls.readable) throw new Fault("carrier-gone", "the connection ended before it was linked");
      return new Link(tls, udp, { ...way, binding }, ended);
    } catch (error) {
      udp.close();
      throw error;
    }
  }

  private constructor(
    tls: TLSSocket,
    udp: Socket,
    way: { readonly local: IpAddress; readonly ledger: CarrierLedger; readonly binding: Uint8Array },
    ended: (why: CarrierEnd) => void,
  ) {
    this.#tls = tls;
    this.#udp = udp;
    this.#ledger = way.ledger;
    this.#ended = ended;
    this.at = endpoint(way.local, udp.address().port);
    this.binding = way.binding;
    tls.setNoDelay(true);
    tls.on("data", (bytes: Uint8Array) => this.#fromPeer(bytes));
    tls.on("drain", () => {
      this.#fullSince = undefined;
    });
    for (const event of ["end", "close", "error"]) tls.on(event, () => this.end("closed-by-peer"));
    udp.on("message", (datagram) => this.#fromDataPlane(datagram));
    // Nobody behind the port for a moment: the data plane is started again, and then all of this is over anyway.
    udp.on("error", () => {});
    this.#look = setInterval(() => this.#lookAround(), LOOK_MS);
  }

  end(why: CarrierEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#look);
    this.#udp.close();
    this.#tls.destroySoon();
    // Whoever does not take what is left is not waited for.
    setTimeout(() => this.#tls.destroy(), LOOK_MS).unref();
    this.#ended(why);
  }

  #fromPeer(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#receivedAt = performance.now();
    const datagrams = this.#deframer.push(bytes);
    if (!datagrams) {
      this.end("bad-frame");
      return;
    }
    for (const datagram of datagrams) {
      if (datagram.length === 0) continue;
      if (this.#udp.getSendQueueSize() > LOOPBACK_BYTES_MAX) this.#ledger.drop("loopback-full");
      else {
        this.#ledger.received++;
        this.#udp.send(datagram, NOBODY_CARES);
      }
    }
  }

  #fromDataPlane(datagram: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#tls.writableLength > WAITING_BYTES_MAX) {
      this.#fullSince ??= performance.now();
      this.#ledger.drop("carrier-full");
      return;
    }
    this.#ledger.sent++;
    this.#write(frameOf(datagram));
  }

  /** All datagrams of one turn are one write: a record of TLS costs as much as a datagram. */
  #write(frame: Uint8Array): void {
    this.#sentAt = performance.now();
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#tls.cork();
      setImmediate(() => {
        this.#isCorked = false;
        this.#tls.uncork();
      });
    }
    this.#tls.write(frame);
  }

  #lookAround(): void {
    const now = performance.now();
    if (now - this.#receivedAt >= SILENT_MS) this.end("silent");
    else if (this.#fullSince !== undefined && now - this.#fullSince >= STALLED_MS) this.end("stalled");
    else if (now - this.#sentAt >= SIGN_OF_LIFE_MS) this.#write(SIGN_OF_LIFE);
  }
}

/** A datagram that is lost is lost. */
const NOBODY_CARES = (): void => {};

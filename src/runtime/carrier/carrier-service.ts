import type { TLSSocket } from "node:tls";
import type { Settings } from "../../core/config/settings.ts";
import type { Input } from "../../core/io.ts";
import type { CarrierConnection, CarrierOrder } from "../../core/machine/carriers/orders.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { AllowedRemotes } from "../../core/netip/allow-list.ts";
import { type Endpoint, endpoint, endpointAddress } from "../../core/netip/endpoint.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { CarrierEnd } from "../../core/operator/failure.ts";
import { readClock } from "../clock.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { listenAddress } from "../listen-address.ts";
import { listenRefusal } from "../listen-refusal.ts";
import type { Health, Service } from "../service.ts";
import { type Arrival, CarrierListener, PROOF_MS } from "./carrier-listener.ts";
import { type Dialled, dial } from "./dialler.ts";
import { CarrierLedger } from "./ledger.ts";
import { type DataPlanePlace, Link } from "./link.ts";
import { LoopbackAddresses } from "./loopback-addresses.ts";

export interface CarrierOptions {
  readonly feed: (input: Input) => void;
  readonly tell: (event: OperatorEvent) => void;
  /** The bound port of the data plane; undefined while there is none. */
  readonly dataPlanePort: () => number | undefined;
  /** How often it is tried again to listen where it failed. */
  readonly retryMs?: number;
}

/** What `lacis status --json` says about connections over TCP. */
export interface CarrierDescription {
  /** Where others may come; null: nowhere. */
  readonly listening: string | null;
  /** Connections that others have made and that stand, and those that we have made. */
  readonly accepted: number;
  readonly dialled: number;
  /** Datagrams, since the start. */
  readonly sent: number;
  readonly received: number;
  readonly drops: Readonly<Record<string, number>>;
}

/** A port that is taken may be given up. */
const RETRY_MS = 10_000;

/** TCP connections that carry datagrams of the data plane, where UDP is blocked: makes them as the core orders, and takes them. */
export class CarrierService implements Service {
  readonly name: string = "carrier";
  readonly #options: CarrierOptions;
  readonly #ledger = new CarrierLedger();
  readonly #addresses = new LoopbackAddresses();
  readonly #links = new Map<Endpoint, { readonly link: Link; readonly proven: () => void }>();
  /** Connections that are being made, by whom they are for. */
  readonly #dialling = new Map<IpAddress, AbortController>();
  #settings: Settings;
  #allowed: AllowedRemotes;
  #listener: CarrierListener | undefined;
  #trouble: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #dialled = 0;

  constructor(settings: Settings, options: CarrierOptions) {
    this.#settings = settings;
    this.#allowed = new AllowedRemotes(settings.live.lighthouse.remoteAllowList);
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#listen();
  }

  reload({ settings }: Pick<LoadedSettings, "settings">): void {
    const before = this.#settings.live.carrier.listenPort;
    this.#settings = { ...this.#settings, live: settings.live };
    this.#allowed = new AllowedRemotes(settings.live.lighthouse.remoteAllowList);
    if (settings.live.carrier.listenPort === before) return;
    this.#deafen();
    void this.#listen();
  }

  stop(): void {
    this.#deafen();
    for (const abort of this.#dialling.values()) abort.abort();
    for (const { link } of [...this.#links.values()]) link.end("stopped");
  }

  health(): readonly Health[] {
    const { listenPort: port } = this.#settings.live.carrier;
    if (port === 0 || this.#trouble === undefined) return [];
    return [
      {
        code: "carrier-not-listening",
        severity: "warning",
        text: `hosts whose UDP is blocked cannot come over TCP: port ${port} cannot be had, because ${this.#trouble}`,
        todo: `end what uses it, or give the daemon CAP_NET_BIND_SERVICE for a port below 1024 (docs/CLI.md, "Under systemd"); it is tried again by itself`,
      },
    ];
  }

  describe(): CarrierDescription {
    const { sent, received, drops } = this.#ledger;
    const listening = this.#listener ? this.#place() : null;
    const accepted = this.#links.size - this.#dialled;
    return { listening, accepted, dialled: this.#dialled, sent, received, drops };
  }

  /** What the core wants. */
  order(order: CarrierOrder): void {
    switch (order.what) {
      case "open":
        this.#open(order.host, order.places);
        return;
      case "cancel":
        this.#dialling.get(order.host)?.abort();
        this.#dialling.delete(order.host);
        return;
      case "proven":
        this.#links.get(order.at)?.proven();
        return;
      case "close":
        this.#links.get(order.at)?.link.end(order.why);
    }
  }

  #open(host: IpAddress, places: readonly Endpoint[]): void {
    if (this.#dialling.has(host)) return;
    const abort = new AbortController();
    this.#dialling.set(host, abort);
    dial(places, abort.signal, (dialled) => {
      if ("why" in dialled) this.#failed(host, dialled.why);
      else void this.#dialledTo(host, abort, dialled);
    });
  }

  async #dialledTo(
    host: IpAddress,
    abort: AbortController,
    { tls, place }: Extract<Dialled, { readonly tls: TLSSocket }>,
  ): Promise<void> {
    let tooLate: NodeJS.Timeout | undefined;
    this.#dialled++;
    const proven = (): void => clearTimeout(tooLate);
    const gone = (): void => {
      proven();
      this.#dialled--;
    };
    const link = await this.#link(tls, endpointAddress(place), proven, gone);
    const isWanted = this.#dialling.get(host) === abort;
    if (!link) {
      gone();
      if (isWanted) this.#failed(host, this.#dataPlane() ? "closed-by-peer" : "stopped");
      return;
    }
    if (!isWanted) {
      link.end("udp-works");
      return;
    }
    this.#dialling.delete(host);
    tooLate = setTimeout(() => link.end("unproven"), PROOF_MS);
    const { at, binding } = link;
    this.#up({ at, remote: place, binding, host });
  }

  #up(connection: CarrierConnection): void {
    this.#options.feed({ kind: "carrier", news: { is: "up", connection } });
  }

  #failed(host: IpAddress, why: CarrierEnd): void {
    this.#dialling.delete(host);
    this.#options.feed({ kind: "carrier", news: { is: "failed", host, why } });
  }

  #arrived({ tls, remote, address, proven }: Arrival): (why: CarrierEnd) => void {
    let link: Link | undefined;
    void this.#link(tls, address, proven, () => {}).then((made) => {
      link = made;
      if (!made) tls.destroy();
      else {
        const { at, binding } = made;
        this.#up({ at, remote, binding, host: undefined });
      }
    });
    return (why) => (link ? link.end(why) : tls.destroy());
  }

  /** Undefined when there is no data plane to link to, or no address left. */
  async #link(tls: TLSSocket, remote: IpAddress, proven: () => void, gone: () => void): Promise<Link | undefined> {
    const dataPlane = this.#dataPlane();
    const local = dataPlane && this.#addresses.take(remote);
    if (!dataPlane || local === undefined) {
      tls.destroy();
      return undefined;
    }
    try {
      const link = await Link.open(tls, { local, dataPlane, ledger: this.#ledger }, (why) => {
        this.#links.delete(link.at);
        this.#addresses.giveBack(remote);
        gone();
        this.#options.feed({ kind: "carrier", news: { is: "down", at: link.at, why } });
      });
      this.#links.set(link.at, { link, proven });
      return link;
    } catch {
      this.#addresses.giveBack(remote);
      tls.destroy();
      return undefined;
    }
  }

  /** Where the data plane is for whoever is on this machine. */
  #dataPlane(): DataPlanePlace | undefined {
    const port = this.#options.dataPlanePort();
    const host = listenAddress(this.#settings.boot.listen.host);
    if (port === undefined) return undefined;
    if (host === "0.0.0.0" || host === "::") return { address: LOOPBACK, port };
    // One that is bound to an IPv6 address cannot be spoken to from 127.0.0.0/8.
    return host.includes(":") ? undefined : { address: host, port };
  }

  async #listen(): Promise<void> {
    const { listenPort: port } = this.#settings.live.carrier;
    if (port === 0) return;
    const listener = new CarrierListener({
      ledger: this.#ledger,
      now: () => readClock().now,
      isAllowed: (address) => this.#allowed.allowsAnybody(address),
      arrived: (arrival) => this.#arrived(arrival),
    });
    this.#listener = listener;
    try {
      await listener.open(listenAddress(this.#settings.boot.listen.host), port);
      this.#trouble = undefined;
      this.#options.tell({ code: "carrier-listening", where: this.#place() });
    } catch (error) {
      if (this.#listener !== listener) return;
      this.#listener = undefined;
      this.#cannotListen(listenRefusal(error));
    }
  }

  #cannotListen(why: string): void {
    const before = this.#trouble;
    this.#trouble = why;
    if (before !== why) this.#options.tell({ code: "carrier-not-listening", why });
    this.#retry = setTimeout(() => void this.#listen(), this.#options.retryMs ?? RETRY_MS);
    this.#retry.unref();
  }

  #deafen(): void {
    clearTimeout(this.#retry);
    this.#trouble = undefined;
    this.#listener?.close();
    this.#listener = undefined;
  }

  #place(): string {
    return endpoint(listenAddress(this.#settings.boot.listen.host), this.#settings.live.carrier.listenPort);
  }
}

const LOOPBACK = "127.0.0.1" as IpAddress;

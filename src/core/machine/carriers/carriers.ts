import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { isOverTcp } from "../../path/carried.ts";
import type { Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { Peers } from "../../peer/peer.ts";
import type { Session } from "../../peer/session.ts";
import { decodeCarrierControl } from "../../wire/carrier-control.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine, StopReason } from "../machine.ts";
import { AcceptedCarriers } from "./accepted.ts";
import { Dialling } from "./dialling.ts";
import type { CarriersEvent, CarriersPorts } from "./events.ts";
import type { CarrierNews } from "./orders.ts";
import { Servers } from "./servers.ts";
import { Speech } from "./speech.ts";

/**
 * Ways over TCP to lighthouses and relays, where UDP is blocked. To the data plane such a connection is one more endpoint. TLS hides what is carried, and
 * no more: who is at the other end is shown by the session inside, in which both ends say that they see the same TLS connection.
 */
export class Carriers implements Machine {
  readonly waitsFor = "ways over TCP";
  readonly #servers: Servers;
  readonly #dialling: Dialling;
  readonly #accepted: AcceptedCarriers;

  constructor(facts: Facts, peers: Peers, ports: CarriersPorts, emit: Emit<CarriersEvent>) {
    const speech = new Speech(peers, emit);
    this.#servers = new Servers(facts);
    this.#dialling = new Dialling(facts, peers, ports, speech, emit);
    this.#accepted = new AcceptedCarriers(facts, speech);
  }

  /** What connections are for the data plane by which this host is reached, or has come. */
  placesOf(target: IpAddress): readonly Endpoint[] {
    const places = [this.#dialling.placeOf(target), this.#accepted.placeOf(target)];
    return places.filter((at) => at !== undefined);
  }

  /** Where the TCP connection leads to, or comes from, that is this endpoint. */
  remoteOf(at: Endpoint): Endpoint | undefined {
    return this.#accepted.remoteOf(at) ?? this.#dialling.remoteOf(at);
  }

  /** Hosts that are reached over TCP now: through them others may be. */
  relays(): readonly IpAddress[] {
    return this.#dialling.carried();
  }

  /** A relay of somebody is wanted. */
  sought(relay: IpAddress): void {
    this.#servers.sought(relay);
  }

  /** A host that has no session is called. */
  called(target: IpAddress): void {
    if (this.#servers.has(target)) this.#dialling.doubt(target, { itself: true });
  }

  /** What is sent on this session brings nothing back. Perhaps it is the peer; perhaps no UDP comes through. */
  silent(session: Session): void {
    if (isOverTcp(session.path)) return;
    const own = this.#servers.of(session);
    for (const host of this.#servers.all()) this.#dialling.doubt(host, { itself: host === own });
  }

  /** We are somewhere else. */
  moved(): void {
    for (const host of this.#servers.all()) this.#dialling.doubt(host, { itself: false });
  }

  /** The peer of this session has just answered. */
  heard(session: Session): void {
    const host = this.#servers.of(session);
    if (host !== undefined) this.#dialling.heard(host, isOverTcp(session.path));
  }

  /** A path request came back this way. */
  pathReplied(session: Session, origin: Path, token: Uint8Array): void {
    const host = this.#servers.of(session);
    if (host !== undefined && origin.kind === "direct") this.#dialling.pathReplied(host, session, origin, token);
  }

  /** The peer's packets come this way now. */
  roamed(session: Session, path: Path): void {
    const host = this.#servers.of(session);
    if (host !== undefined && path.kind === "direct") this.#dialling.roamed(host, path.endpoint);
  }

  sessionUp(session: Session): void {
    const host = this.#servers.of(session);
    if (host !== undefined) this.#dialling.sessionUp(host, isOverTcp(session.path));
  }

  /** A session that outlived us may lead over a connection that did not. */
  adopted(session: Session): void {
    const host = this.#servers.of(session);
    if (host !== undefined && isOverTcp(session.path)) this.#dialling.open(host);
  }

  /** Somebody else than this host has answered there. */
  wrongResponder(target: IpAddress, at: Place): void {
    this.#dialling.wrongResponder(target, at);
  }

  /** Something has become of connections. */
  told(news: CarrierNews): void {
    if (news.is === "failed") this.#dialling.failed(news.host, news.why);
    else if (news.is === "down") {
      this.#accepted.down(news.at, news.why);
      this.#dialling.down(news.at, news.why);
    } else {
      const { connection } = news;
      if (connection.host === undefined) this.#accepted.up(connection);
      else this.#dialling.up(connection.host, connection);
    }
  }

  /** A control message; false when it is none about connections. */
  received(session: Session, body: Uint8Array): boolean {
    const message = decodeCarrierControl(body);
    if (!message) return false;
    const { kind, binding } = message;
    const host = this.#servers.of(session);
    if (kind === "claim") this.#accepted.claimed(session, binding);
    else if (host !== undefined && kind === "confirm") this.#dialling.confirmed(host, session, binding);
    else if (host !== undefined) this.#dialling.denied(host, binding);
    return true;
  }

  /** This machine was asleep. */
  woke(): void {
    this.#dialling.woke();
  }

  reload(): void {
    this.#dialling.reload();
  }

  /** Farewells still go over what stands. */
  stop(why: StopReason): void {
    if (why === "shutting-down") return;
    this.#dialling.clear();
    this.#accepted.clear();
  }

  nextAt(): Instant | undefined {
    return this.#dialling.nextAt();
  }

  tick(): void {
    this.#dialling.tick();
  }
}

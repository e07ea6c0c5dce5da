import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { PacketType, TestSubtype } from "../../../src/core/wire/header.ts";
import { Violation } from "./violation.ts";

/** What passed between one host and one address, but for what went to those who are known there. */
interface Account {
  receivedBytes: number;
  sentBytes: number;
}

/** Of everything, and of handshakes alone. */
type Accounts = Readonly<Record<"all" | "handshakes", Account>>;

/**
 * Bytes between hosts and endpoints where nobody is known to be. Holds that nothing from inside the mesh goes there, and that no host is
 * a reflector: what it sends to an address is at most what came from there, and handshake answers and probes are at most the handshake questions.
 */
export class Strangers {
  readonly #known = new Set<Endpoint>();
  /** Addresses of those who are known: their routers give other ports, and those may be looked for. */
  readonly #addresses = new Set<IpAddress>();
  readonly #searched = new Map<string, number>();
  /** By host and address. */
  readonly #accounts = new Map<string, Map<IpAddress, Accounts>>();

  /** A member is, or authenticated from, here. */
  know(at: Endpoint): void {
    this.#known.add(at);
    this.#addresses.add(endpointAddress(at));
  }

  isKnown(at: Endpoint): boolean {
    return this.#known.has(at);
  }

  received(host: string, source: Endpoint, datagram: Uint8Array): void {
    const { all, handshakes } = this.#accountsOf(host, source);
    all.receivedBytes += datagram.length;
    if (isHandshake(datagram, 1)) handshakes.receivedBytes += datagram.length;
  }

  sent(host: string, destination: Endpoint, datagram: Uint8Array): void {
    if (this.#known.has(destination)) return;
    const type = datagram[0] ?? 0;
    if (insideTypes.has(type))
      throw new Violation(`${host} sent a packet of a session to ${destination}, a stranger who never authenticated`);
    if (datagram.length === 1 && this.#addresses.has(endpointAddress(destination))) {
      this.#search(host, destination);
      return;
    }
    this.#spend(host, destination, "all", datagram);
    if (handshakeTypes.has(type) && !isPathReply(datagram)) this.#spend(host, destination, "handshakes", datagram);
  }

  #search(host: string, at: Endpoint): void {
    const key = `${host} ${endpointAddress(at)}`;
    const count = (this.#searched.get(key) ?? 0) + 1;
    this.#searched.set(key, count);
    if (count > SEARCHED_MAX) throw new Violation(`${host} looked for a peer ${count} times at ${endpointAddress(at)}`);
  }

  #spend(host: string, stranger: Endpoint, of: keyof Accounts, datagram: Uint8Array): void {
    const account = this.#accountsOf(host, stranger)[of];
    account.sentBytes += datagram.length;
    if (account.sentBytes <= account.receivedBytes) return;
    throw new Violation(
      `${host} sent ${account.sentBytes} bytes to ${stranger}, a stranger who sent ${account.receivedBytes} (${of})`,
    );
  }

  #accountsOf(host: string, stranger: Endpoint): Accounts {
    const ofHost = this.#accounts.get(host) ?? new Map<IpAddress, Accounts>();
    this.#accounts.set(host, ofHost);
    const address = endpointAddress(stranger);
    const known = ofHost.get(address);
    if (known) return known;
    const accounts = { all: { receivedBytes: 0, sentBytes: 0 }, handshakes: { receivedBytes: 0, sentBytes: 0 } };
    ofHost.set(address, accounts);
    return accounts;
  }
}

/** Bytes to one router, where a peer may come out next: 512 at once and 17 a second, for as long as a world lasts. */
const SEARCHED_MAX = 2_000;

/** First bytes of what only a peer gets. Test requests probe, closes end, recv_errors answer: those may go to a stranger. */
const insideTypes: ReadonlySet<number> = new Set(
  [PacketType.message, PacketType.lighthouse, PacketType.control].map((type) => 0x10 | type),
);

/** First bytes of what answers a message 1. */
const handshakeTypes: ReadonlySet<number> = new Set([PacketType.handshake, PacketType.test].map((type) => 0x10 | type));

/** It goes to where a path request of the peer came from, whoever passed that on, and is no longer. */
export function isPathReply(datagram: Uint8Array): boolean {
  return datagram[0] === (0x10 | PacketType.test) && datagram[1] === TestSubtype.pathReply;
}

function isHandshake(datagram: Uint8Array, counter: number): boolean {
  return datagram.length > 16 && datagram[0] === (0x10 | PacketType.handshake) && datagram[15] === counter;
}

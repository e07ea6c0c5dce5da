import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { PacketType } from "../../../src/core/wire/header.ts";
import { Violation } from "./violation.ts";

/** What passed between one host and one endpoint that never authenticated towards it. */
interface Account {
  receivedBytes: number;
  sentBytes: number;
  questions: number;
  answers: number;
}

/**
 * Bytes between hosts and endpoints where nobody is known to be. Holds that nothing from inside the mesh goes there, and that no host is
 * a reflector: what it sends there is at most what came from there, and one handshake answer for each handshake question.
 */
export class Strangers {
  readonly #known = new Set<Endpoint>();
  readonly #accounts = new Map<string, Account>();

  /** A member is, or authenticated from, here. */
  know(at: Endpoint): void {
    this.#known.add(at);
  }

  received(host: string, source: Endpoint, datagram: Uint8Array): void {
    if (this.#known.has(source)) return;
    const account = this.#account(host, source);
    account.receivedBytes += datagram.length;
    if (isHandshake(datagram, 1)) account.questions++;
  }

  sent(host: string, destination: Endpoint, datagram: Uint8Array): void {
    if (this.#known.has(destination)) return;
    if (insideTypes.has(datagram[0] ?? 0)) {
      throw new Violation(`${host} sent a packet of a session to ${destination}, a stranger who never authenticated`);
    }
    const account = this.#account(host, destination);
    if (isHandshake(datagram, 2)) account.answers++;
    else account.sentBytes += datagram.length;
    if (account.answers > account.questions) throw new Violation(`${host} answered ${destination}, who had not asked`);
    if (account.sentBytes <= account.receivedBytes) return;
    throw new Violation(
      `${host} sent ${account.sentBytes} bytes to ${destination}, a stranger who sent ${account.receivedBytes}`,
    );
  }

  #account(host: string, stranger: Endpoint): Account {
    const key = `${host} ${stranger}`;
    const account = this.#accounts.get(key) ?? { receivedBytes: 0, sentBytes: 0, questions: 0, answers: 0 };
    this.#accounts.set(key, account);
    return account;
  }
}

/** First bytes of what only a peer gets. Test requests probe, closes end, recv_errors answer: those may go to a stranger. */
const insideTypes: ReadonlySet<number> = new Set(
  [PacketType.message, PacketType.lighthouse, PacketType.control].map((type) => 0x10 | type),
);

function isHandshake(datagram: Uint8Array, counter: number): boolean {
  return datagram.length > 16 && datagram[0] === (0x10 | PacketType.handshake) && datagram[15] === counter;
}

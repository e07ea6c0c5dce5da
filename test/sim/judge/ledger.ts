import { equalBytes } from "../../../src/core/base/bytes.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Role } from "../cast/cast.ts";
import { type InnerFlow, idOf, innerPacket, sourceOf } from "../world/inner.ts";
import type { Conversation, RuleBook } from "./rule-book.ts";
import { Violation } from "./violation.ts";

/** One packet that somebody put into a tunnel, and what became of it. */
export interface Sent {
  readonly id: number;
  readonly sender: Role;
  readonly flow: InnerFlow;
  /** Until it is delivered: nobody compares it again. */
  packet: Uint8Array;
  readonly bytes: number;
  readonly at: number;
  /** As the sender's data plane knew it then. */
  readonly conversation: Conversation;
  deliveredAt: number | undefined;
  /** A lighthouse without a TUN device answers an echo itself, with the same payload. */
  echoedAt: number | undefined;
}

/**
 * Every inner packet of a world. Holds that what is delivered was sent, by the host whose address it carries, to this host, unchanged,
 * once, and as both hosts' rules allow.
 */
export class Ledger {
  readonly #sent: Sent[] = [];
  readonly #rules: RuleBook;
  readonly #owners = new Map<IpAddress, Role>();

  constructor(rules: RuleBook) {
    this.#rules = rules;
  }

  /** These overlay addresses belong to this role. */
  own(role: Role, addresses: readonly IpAddress[]): void {
    for (const address of addresses) this.#owners.set(address, role);
  }

  ownerOf(address: IpAddress): Role | undefined {
    return this.#owners.get(address);
  }

  /** Makes a packet that `sender` will send now. `flow.from` may be a lie. */
  issue(sender: Role, flow: InnerFlow, payloadBytes: number, now: number): Sent {
    const id = this.#sent.length;
    const packet = innerPacket(flow, id, payloadBytes);
    const conversation = this.#rules.conversation(sender.name, flow);
    conversation.offered();
    const bytes = packet.length;
    const sent = {
      id,
      sender,
      flow,
      packet,
      bytes,
      at: now,
      conversation,
      deliveredAt: undefined,
      echoedAt: undefined,
    };
    this.#sent.push(sent);
    return sent;
  }

  /** What came out of the TUN device of `host`, now known to be right. */
  delivered(host: Role, packet: Uint8Array, now: number): Sent {
    const sent = this.#sent[idOf(packet) ?? -1];
    if (!sent) throw new Violation(`${host.name} delivered ${packet.length} bytes that nobody sent`);
    const what = (): string => `packet ${sent.id} of ${sent.sender.name} (${describeFlow(sent.flow)})`;
    if (this.#isEcho(host, sent, packet)) {
      if (sent.echoedAt !== undefined) throw new Violation(`${host.name} delivered the echo of ${what()} twice`);
      sent.echoedAt = now;
      return sent;
    }
    if (this.ownerOf(sent.flow.to) !== host) throw new Violation(`${host.name} delivered ${what()}, meant for another`);
    if (sent.deliveredAt !== undefined) throw new Violation(`${host.name} delivered ${what()} twice`);
    if (!equalBytes(packet, sent.packet)) throw new Violation(`${host.name} delivered ${what()} with other bytes`);
    if (this.ownerOf(sent.flow.from) !== sent.sender) {
      throw new Violation(`${host.name} believed the false source of ${what()}`);
    }
    const passing = { flow: sent.flow, now };
    const outbound = { ...passing, host: sent.sender.name, direction: "outbound", peer: host, since: sent.at } as const;
    if (!this.#rules.allows(outbound, sent.conversation)) {
      throw new Violation(`${sent.sender.name} sent ${what()}, which its own rules forbid, to ${host.name}`);
    }
    const conversation = this.#rules.conversation(host.name, sent.flow);
    const inbound = { ...passing, host: host.name, direction: "inbound", peer: sent.sender, since: now } as const;
    if (!this.#rules.allows(inbound, conversation)) {
      throw new Violation(`${host.name} delivered ${what()}, which its rules forbid`);
    }
    sent.conversation.passed("outbound");
    conversation.passed("inbound");
    sent.deliveredAt = now;
    sent.packet = FORGOTTEN;
    return sent;
  }

  get issued(): number {
    return this.#sent.length;
  }

  get deliveries(): number {
    return this.#sent.filter(({ deliveredAt, echoedAt }) => (deliveredAt ?? echoedAt) !== undefined).length;
  }

  #isEcho(host: Role, sent: Sent, packet: Uint8Array): boolean {
    const answerer = this.ownerOf(sent.flow.to);
    return sent.sender === host && answerer?.lighthouse === true && sourceOf(packet) === sent.flow.to;
  }
}

const FORGOTTEN = new Uint8Array();

export function describeFlow(flow: InnerFlow): string {
  return `${flow.protocol} ${flow.from}:${flow.fromPort} -> ${flow.to}:${flow.toPort}`;
}

import type { Instant } from "../src/core/base/time.ts";
import type {
  LighthouseAnswer,
  LighthousePeer,
  LighthouseReply,
  LighthouseRequest,
  LighthouseService,
} from "../src/core/discovery/service.ts";
import type { IpAddress } from "../src/core/netip/address.ts";
import type { Endpoint } from "../src/core/netip/endpoint.ts";
import type { Prefix } from "../src/core/netip/prefix.ts";
import type { LighthouseMessage } from "../src/core/wire/lighthouse.ts";
import { acceptUpdate, answerFor, answerQuery, plausible, waysOf } from "./answers.ts";
import { Directory } from "./directory.ts";
import { Referrals } from "./referrals.ts";
import { Unanswered } from "./unanswered.ts";

/** What a lighthouse needs to know about the host it runs on. */
export interface LighthouseOptions {
  /** This host's overlay networks: nothing inside them is an underlay address. */
  readonly ownNetworks: readonly Prefix[];
}

/**
 * A lighthouse: remembers where hosts are, from their reports and their packets, and tells whoever asks. It holds no secret and decides
 * nothing; anybody with a valid certificate may ask. For hosts that it does not know it asks the lighthouses that it names itself, if they name it:
 * so two hosts find each other that have none in common. A question is passed on once, never further. Whoever asks for a host just before it
 * reports is answered when it does: hosts that start together find each other without asking again.
 */
export function createLighthouse(options: LighthouseOptions): LighthouseService {
  return new Lighthouse(options.ownNetworks);
}

type Update = Extract<LighthouseMessage, { kind: "host-update" }>;
type Query = Extract<LighthouseMessage, { kind: "host-query" }>;
type Reply = Extract<LighthouseMessage, { kind: "host-query-reply" }>;

class Lighthouse implements LighthouseService {
  readonly #directory: Directory;
  readonly #referrals = new Referrals();
  readonly #unanswered = new Unanswered();

  constructor(ownNetworks: readonly Prefix[]) {
    this.#directory = new Directory(ownNetworks);
  }

  answer(
    from: LighthousePeer,
    request: LighthouseRequest,
    now: Instant,
    others: readonly IpAddress[] = [],
  ): LighthouseAnswer {
    const { message } = request;
    const isFromOther = from.addresses.some((address) => others.includes(address));
    if (message.kind === "host-update") return this.#reported(from, message, request, now);
    if (message.kind === "host-query-reply") return isFromOther ? this.#heard(message, now) : [];
    if (message.kind !== "host-query") return [];
    const known = this.#directory.find(message.target);
    const { asker, target } = message;
    const { dialect } = request;
    if (asker && !isFromOther) return "asks-for-another";
    if (known && asker) return answerFor(this.#directory, from, known, { target, dialect, asker });
    if (known) return answerQuery(this.#directory, from, known, { target, dialect });
    return asker || isFromOther ? [] : this.#passOn(from, message, dialect, now, others);
  }

  learned(peer: readonly IpAddress[], at: Endpoint): void {
    this.#directory.learned(peer, at);
  }

  closed(peer: readonly IpAddress[]): void {
    this.#directory.forget(peer);
  }

  /** A report, and the answers to those who asked for the host before it came. */
  #reported(from: LighthousePeer, update: Update, request: LighthouseRequest, now: Instant): LighthouseAnswer {
    const accepted = acceptUpdate(this.#directory, from, update, request);
    if (typeof accepted === "string") return accepted;
    return [...accepted, ...from.addresses.flatMap((target) => this.#answersTo(target, now))];
  }

  #answersTo(target: IpAddress, now: Instant): readonly LighthouseReply[] {
    return this.#unanswered.answered(target, now).flatMap(({ asker, dialect }) => {
      const known = this.#directory.find(target);
      const addresses = this.#directory.find(asker)?.addresses ?? [asker];
      return known ? answerQuery(this.#directory, { addresses }, known, { target, dialect }) : [];
    });
  }

  #passOn(
    { addresses: [name] }: LighthousePeer,
    { target }: Query,
    dialect: LighthouseRequest["dialect"],
    now: Instant,
    others: readonly IpAddress[],
  ): LighthouseAnswer {
    if (name === undefined || others.includes(target)) return [];
    const isWaiting = this.#unanswered.add(target, { asker: name, dialect }, now);
    if (others.length === 0) return [];
    if (!isWaiting || !this.#referrals.take(name, now)) return "asks-too-much";
    const asker = { address: name, ...waysOf(this.#directory.find(name)) };
    return others.map((to) => ({ to, dialect: "recipient", message: { kind: "host-query", target, asker } }));
  }

  /** What another lighthouse knows, for whoever asked here: in its own dialect, and nothing that could not be. */
  #heard(reply: Reply, now: Instant): readonly LighthouseReply[] {
    const { target } = reply;
    const ways = plausible(this.#directory, reply);
    return this.#unanswered
      .answered(target, now)
      .map(({ asker, dialect }) => ({ to: asker, dialect, message: { kind: "host-query-reply", target, ...ways } }));
  }
}

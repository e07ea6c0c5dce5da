import { lookup } from "node:dns/promises";
import type { LiveSettings } from "../core/config/settings.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import type { Health, Service } from "./service.ts";

export interface ResolverOptions {
  /** `static_map` as it is now: a reload may change it. */
  readonly settings: () => LiveSettings["staticMap"];
  readonly resolved: (name: string, addresses: readonly IpAddress[]) => void;
  readonly lookup?: (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;
}

/** Names asked for at once. The system's resolver has four threads for the whole process; more would only queue there. */
const LOOKUPS_MAX = 64;

/** Addresses taken from one answer. A host is tried at all of them. */
const ADDRESSES_MAX = 16;

/**
 * Names to addresses through the system's resolver, so that /etc/hosts counts. Each question gets an answer within the timeout, empty when
 * there is none; an answer that comes later is passed on too, because a slow resolver is better than a deaf one.
 */
export class Resolver implements Service {
  readonly name: string = "resolver";
  readonly #options: Required<ResolverOptions>;
  readonly #asked = new Set<string>();

  constructor(options: ResolverOptions) {
    this.#options = { lookup: systemLookup, ...options };
  }

  resolve(name: string): void {
    if (this.#asked.has(name)) return;
    if (this.#asked.size >= LOOKUPS_MAX) {
      this.#options.resolved(name, []);
      return;
    }
    const { lookupTimeoutMs, network } = this.#options.settings();
    this.#asked.add(name);
    const timer = setTimeout(() => this.#options.resolved(name, []), lookupTimeoutMs);
    void this.#ask(name, FAMILY[network], timer);
  }

  health(): readonly Health[] {
    if (this.#asked.size < LOOKUPS_MAX) return [];
    const text = `${LOOKUPS_MAX} names wait for an answer of the system's resolver, and no more are asked for`;
    return [
      { code: "resolver-stuck", severity: "warning", text, todo: "see why names do not resolve: resolvectl status" },
    ];
  }

  async #ask(name: string, family: 0 | 4 | 6, timer: NodeJS.Timeout): Promise<void> {
    let addresses: readonly string[] = [];
    try {
      addresses = await this.#options.lookup(name, family);
    } catch {
      // No such name, no network, no resolver: all of them mean that nothing is known now.
    }
    clearTimeout(timer);
    this.#asked.delete(name);
    this.#options.resolved(name, addresses.flatMap((address) => parseAddress(address) ?? []).slice(0, ADDRESSES_MAX));
  }
}

/** What getaddrinfo is asked for; 0 is both. */
const FAMILY = { ip4: 4, ip6: 6, ip: 0 } as const;

async function systemLookup(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  return (await lookup(name, { all: true, family })).map(({ address }) => address);
}

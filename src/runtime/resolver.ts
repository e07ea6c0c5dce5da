import { lookup } from "node:dns/promises";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";

export interface ResolverOptions {
  /** Record types asked for (`static_map.network`). */
  readonly network: "ip4" | "ip6" | "ip";
  readonly timeoutMs: number;
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
export class Resolver {
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
    this.#asked.add(name);
    const timer = setTimeout(() => this.#options.resolved(name, []), this.#options.timeoutMs);
    void this.#ask(name, timer);
  }

  async #ask(name: string, timer: NodeJS.Timeout): Promise<void> {
    const family = ({ ip4: 4, ip6: 6, ip: 0 } as const)[this.#options.network];
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

async function systemLookup(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  return (await lookup(name, { all: true, family })).map(({ address }) => address);
}

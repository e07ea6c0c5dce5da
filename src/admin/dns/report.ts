import type { HostNamesDescription } from "../../runtime/dns/host-names.ts";

/** How programs on this host find names of the overlay, as the daemon sees it: the answer to the verb "dns". */
export interface DnsReport {
  /** Null: `dns.domain` is not set, or there is no device. */
  readonly domain: string | null;
  readonly mode: string;
  readonly wired: {
    readonly how: string;
    readonly server: string;
    readonly device: string;
    readonly answered: boolean;
    /** Null: it could not be looked at. */
    readonly stands: boolean | null;
  } | null;
  readonly why: string | null;
  readonly resolver: {
    readonly file: string;
    readonly manager: string | null;
    readonly servers: readonly string[];
    readonly others: readonly string[];
  };
  /** A name that is always there: this host's own. Null without a domain. */
  readonly ownName: string | null;
  readonly ownAddresses: readonly string[];
}

export function dnsReport(
  { domain, mode, wired, why, machine }: HostNamesDescription,
  own: { readonly name: string; readonly addresses: readonly string[] },
): DnsReport {
  return {
    domain: domain ?? null,
    mode,
    wired: wired
      ? {
          how: wired.how,
          server: wired.server,
          device: wired.device,
          answered: wired.isAnswered,
          stands: wired.stands ?? null,
        }
      : null,
    why: why ?? null,
    resolver: { ...machine, manager: machine.manager ?? null },
    ownName: domain === undefined ? null : `${own.name}.${domain}`.toLowerCase(),
    ownAddresses: own.addresses,
  };
}

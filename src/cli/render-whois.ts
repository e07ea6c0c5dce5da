import type { WhoisReport } from "../admin/whois.ts";
import { harmless } from "../runtime/log/log-text.ts";

/** A line for each host that has the address. */
export function whoisLines({ address, hosts }: WhoisReport): readonly string[] {
  return hosts.map(({ name, addresses, groups, behind, isThisHost, certificate }) => {
    const who = `${harmless(name)} (${addresses.join(", ")})`;
    const where = behind === null ? who : `${address} is behind ${who}, which may carry ${behind}`;
    const member = groups.length === 0 ? "no groups" : `groups ${groups.map((group) => harmless(group)).join(", ")}`;
    const until = `until ${certificate.notAfter.slice(0, 10)}`;
    return [where, ...(isThisHost ? ["this host"] : []), member, until].join(", ");
  });
}

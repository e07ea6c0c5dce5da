import type { Findings } from "../document/findings.ts";
import type { BootSettings } from "../settings.ts";
import type { ConfigReader } from "./reader.ts";
import { TOP_LEVEL_DOMAINS } from "./top-level-domains.ts";

/** Last labels that are somebody's already, and whose. */
const TAKEN: Readonly<Record<string, string>> = {
  local: "names below .local are asked of the whole network by multicast (RFC 6762), not of a DNS server",
  localhost: "names below .localhost are this machine itself (RFC 6761)",
  onion: "names below .onion are Tor's (RFC 7686)",
  alt: "names below .alt are for what is not DNS (RFC 9476)",
  invalid: "names below .invalid are for what does not exist (RFC 6761)",
};

const WAY_OUT =
  "choose one that is nobody else's, such as mesh, lab.internal, or a subdomain of a domain that is yours";

/** `dns.domain`: below which the system's resolver finds the names of the overlay. Nobody's names may be hidden by it. */
export function checkDomain({ names, tun }: BootSettings, reader: ConfigReader, findings: Findings): void {
  const path = "dns.domain";
  const place = reader.given(path)?.node.place;
  const { domain } = names;
  if (domain === undefined) return;
  const what = domainRefusal(domain);
  if (what !== undefined) findings.error({ code: "CONFIG_VALUE", place, path, what, todo: WAY_OUT });
  else if (tun.disabled) {
    const without = "has no effect on a host without a device, which has no address of the overlay to ask at";
    findings.warn({ code: "CONFIG_CONFLICT", place, path, what: without, todo: "remove it, or remove tun.disabled" });
  }
}

/** In lower case and without the dot at its end; undefined for none. */
export function domainOf(text: string): string | undefined {
  const domain = text.toLowerCase().replace(/\.$/, "");
  return domain === "" ? undefined : domain;
}

/** Why a domain cannot be the overlay's; undefined: it can. */
export function domainRefusal(domain: string): string | undefined {
  const labels = domain.split(".");
  const last = labels.at(-1) ?? "";
  if (domain === "arpa" || (last === "arpa" && domain !== "home.arpa" && !domain.endsWith(".home.arpa")))
    return `${domain} belongs to the machinery of the Internet; only names below home.arpa are for private networks (RFC 8375)`;
  const whose = TAKEN[last];
  if (whose !== undefined) return `${domain} is taken: ${whose}`;
  if (/^\d+$/.test(last)) return `${domain} ends with a number, and would be taken for an address`;
  if (labels.length > 1) return undefined;
  const isOfTheInternet = TOP_LEVEL_DOMAINS.has(domain) || domain.length === 2 || domain.startsWith("xn--");
  return isOfTheInternet
    ? `${domain} is a domain of the Internet: none of its names would be found any more`
    : undefined;
}

import type { DnsReport } from "../admin/dns/report.ts";
import type { NameLookup } from "./name-lookups.ts";

export interface DnsVerdict {
  readonly ok: boolean;
  /** One sentence. */
  readonly verdict: string;
  /** Null when there is nothing to do. */
  readonly todo: string | null;
}

/** What follows from what was seen: the first thing in the way, from the daemon outward. */
export function judgeDns(report: DnsReport, lookups: readonly NameLookup[]): DnsVerdict {
  const { domain, wired, why, ownAddresses, resolver } = report;
  const [overlay, direct, outside] = (["overlay", "overlay-direct", "outside"] as const).map((asked) =>
    lookups.find((one) => one.asked === asked),
  );
  const isOutsideLost = outside !== undefined && outside.outcome !== "found";
  if (domain === null) {
    if (isOutsideLost) return worldLost(outside, resolver.others, "lacis has told no resolver anything");
    const todo = "to find them: dns: {domain: mesh} in the configuration, and start again";
    return { ok: true, verdict: "Names of the overlay are not looked up here: dns.domain is not set.", todo };
  }
  if (!wired) {
    const text = `Names below ${domain} are not found by programs: ${why ?? "the device is not there yet"}.`;
    return {
      ok: false,
      verdict: text,
      todo: "it is tried again by itself; dns.mode says who is told (lacis config explain dns.mode)",
    };
  }
  if (!wired.answered) {
    const text = `This host does not answer at ${wired.server}, port 53, where names below ${domain} are asked for.`;
    return { ok: false, verdict: text, todo: "lacis status says under Health why (dns-not-listening)" };
  }
  if (direct?.outcome === "no-answer") {
    const text = `This host listens at ${wired.server}, port 53, and questions do not come there (${direct.code}).`;
    return { ok: false, verdict: text, todo: "let UDP port 53 through on this machine: nft list ruleset" };
  }
  if (wired.stands === false) {
    const text = `What ${wired.how} was told is not there any more: somebody else has written it.`;
    const by = resolver.manager ?? "whoever writes it";
    return {
      ok: false,
      verdict: text,
      todo: `it is told again by itself; where it goes on, tell ${by} to leave it, or choose another dns.mode`,
    };
  }
  if (isOutsideLost)
    return worldLost(
      outside,
      resolver.others,
      "lacis refuses what is not below its domain, and the next server is asked",
    );
  if (overlay?.outcome !== "found") {
    const text = `${overlay?.name} is answered by this host, but programs do not find it (${overlay?.code}).`;
    return {
      ok: false,
      verdict: text,
      todo: `see who is asked before it: getent ahosts ${overlay?.name}; cat ${resolver.file}; grep hosts: /etc/nsswitch.conf`,
    };
  }
  if (!overlay.addresses.some((address) => ownAddresses.includes(address))) {
    const text = `${overlay.name} leads to ${overlay.addresses.join(", ")}, which is not this host: somebody else answers below ${domain}.`;
    return {
      ok: false,
      verdict: text,
      todo: "choose a dns.domain that nobody else has, or remove the name from /etc/hosts",
    };
  }
  return { ok: true, verdict: `Names below ${domain} are found, and those of the world are as before.`, todo: null };
}

function worldLost({ name, code }: NameLookup, others: readonly string[], aside: string): DnsVerdict {
  const verdict = `${name}, a name of the world, is not found (${code}); ${aside}.`;
  const [first] = others;
  const todo =
    first === undefined
      ? "no other server is configured on this machine: see your network's DHCP, or write one into /etc/resolv.conf"
      : `see whether the server that was there before answers: dig @${first} ${name}`;
  return { ok: false, verdict, todo };
}

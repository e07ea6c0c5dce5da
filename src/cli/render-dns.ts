import type { DnsReport } from "../admin/dns/report.ts";
import { harmless } from "../runtime/log/log-text.ts";
import type { DnsVerdict } from "./judge-dns.ts";
import type { NameLookup } from "./name-lookups.ts";
import { table } from "./table.ts";

/** For people: what was told to whom, what there is beside it, what was found, and what to do. */
export function dnsText(
  { domain, mode, wired, why, resolver }: DnsReport,
  lookups: readonly NameLookup[],
  { verdict, todo }: DnsVerdict,
): string {
  const rows = [
    ["domain", domain ?? "none (dns.domain)"],
    [
      "told",
      wired
        ? `${wired.how} (dns.mode ${mode}): ${wired.server}, device ${wired.device}`
        : `nobody${why ? `: ${why}` : ""}`,
    ],
    ...(wired ? [["stands", STANDS.get(wired.stands) ?? ""]] : []),
    ["resolver", `${resolver.file}, ${resolver.manager ? `by ${resolver.manager}` : "by hand as far as it says"}`],
    ["asked now", resolver.servers.join(", ") || "nobody"],
    ["without us", resolver.others.join(", ") || "nobody"],
    ...lookups.map((one) => [HEADINGS[one.asked], found(one)]),
  ];
  return [...table(rows).map((row) => harmless(row)), "", verdict, ...(todo === null ? [] : [`→ ${todo}`])].join("\n");
}

const STANDS: ReadonlyMap<boolean | null, string> = new Map([
  [true, "as it was left"],
  [false, "somebody else has changed it"],
  [null, "whoever was told cannot be asked"],
]);

const HEADINGS: Readonly<Record<NameLookup["asked"], string>> = {
  overlay: "overlay name",
  "overlay-direct": "asked here",
  outside: "outside name",
};

function found({ name, outcome, addresses, ms, code }: NameLookup): string {
  if (outcome === "found") return `${name} is ${addresses.slice(0, 4).join(", ")} (${ms} ms)`;
  return `${name}: ${outcome === "not-found" ? "no such name" : "no answer"} (${code}, ${ms} ms)`;
}

import { lookup, Resolver } from "node:dns/promises";
import type { DnsReport } from "../admin/dns/report.ts";
import { systemCode } from "../runtime/operator-error.ts";

/** What came of one name. */
export interface NameLookup {
  readonly name: string;
  /** A name of the overlay, as programs ask for it; the same, asked of this host itself; one of the world. */
  readonly asked: "overlay" | "overlay-direct" | "outside";
  readonly outcome: "found" | "not-found" | "no-answer";
  readonly addresses: readonly string[];
  readonly ms: number;
  /** What the system says; null when it was found. */
  readonly code: string | null;
}

/** A C library with two servers gives up after 20 s; whoever asks has seen enough before. */
const LOOKUP_MS = 6_000;

/** Looks up this host's own name, through the system and at the host itself, and a name of the world. */
export function tryNames({ ownName, wired }: DnsReport, outside: string): Promise<readonly NameLookup[]> {
  const own =
    ownName === null
      ? []
      : [
          looked(ownName, "overlay", () => throughSystem(ownName)),
          ...(wired ? [looked(ownName, "overlay-direct", () => at(wired.server, ownName))] : []),
        ];
  return Promise.all([...own, looked(outside, "outside", () => throughSystem(outside))]);
}

async function looked(
  name: string,
  asked: NameLookup["asked"],
  look: () => Promise<readonly string[]>,
): Promise<NameLookup> {
  const begun = performance.now();
  const result = await Promise.race([look().catch(systemCode), tooLate()]);
  const ms = Math.round(performance.now() - begun);
  const common = { name, asked, ms };
  if (typeof result !== "string") return { ...common, outcome: "found", addresses: result, code: null };
  const outcome = NOT_FOUND.has(result) ? "not-found" : "no-answer";
  return { ...common, outcome, addresses: [], code: result };
}

const NOT_FOUND: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

function tooLate(): Promise<"ETIMEOUT"> {
  return new Promise((resolve) => setTimeout(resolve, LOOKUP_MS, "ETIMEOUT").unref());
}

/** As programs do: getaddrinfo(3). */
async function throughSystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

async function at(server: string, name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([server]);
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [v4, v6].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (found.length === 0 && v4.status === "rejected") throw v4.reason;
  return found;
}

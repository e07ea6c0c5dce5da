import { type PaperEndpoint, type PaperSite, PaperUnderlay } from "./paper-nat.ts";

/** A host for the predicate. */
export interface Party {
  readonly name: string;
  readonly site: string | undefined;
}

/**
 * Whether two hosts can become direct with what the product does: both are known to a lighthouse on the internet by where their packets come from and
 * by what they say about themselves; the caller calls at all of these places; the called host is told, and sends a byte to all of the caller's.
 * True when the call of either gets through and packets then flow both ways; with `portsPredicted` also when one is looked for at the ports that its
 * translator gives next, which takes a quiet one.
 */
export function canBecomeDirect(
  sites: readonly PaperSite[],
  a: Party,
  b: Party,
  { portsPredicted = false }: { readonly portsPredicted?: boolean } = {},
): boolean {
  if (succeeds(sites, a, b) || succeeds(sites, b, a)) return true;
  return portsPredicted && (isFoundByCounting(sites, a, b) || isFoundByCounting(sites, b, a));
}

/**
 * Whether two that `canBecomeDirect` keeps apart may find each other all the same: they would become direct if translators whose next port can be
 * foreseen, because they keep it or count, gave each host one port for everybody. It then depends on who else is behind them, and on who is first.
 */
export function mayFindEachOther(sites: readonly PaperSite[], a: Party, b: Party): boolean {
  const foreseen = sites.map((site) =>
    isForeseeable(site.nat) ? { ...site, nat: { ...site.nat, mapping: "endpoint-independent" as const } } : site,
  );
  return canBecomeDirect(foreseen, a, b);
}

function isForeseeable({ portAssignment }: PaperSite["nat"]): boolean {
  return portAssignment !== undefined && portAssignment !== "random";
}

/** One port of the one is like another outside, and those of the other's only translator count up. */
function isFoundByCounting(sites: readonly PaperSite[], counted: Party, stable: Party): boolean {
  const [only, ...more] = around(sites, counted.site);
  const counts = only?.nat.portAssignment === "sequential" && more.length === 0;
  const outside = around(sites, stable.site);
  return counts && outside.every(({ nat, name }) => nat.mapping === "endpoint-independent" && name !== only.name);
}

/** The site, and those around it. */
function around(sites: readonly PaperSite[], name: string | undefined): readonly PaperSite[] {
  const site = sites.find((other) => other.name === name);
  return site ? [site, ...around(sites, site.within)] : [];
}

function succeeds(sites: readonly PaperSite[], caller: Party, called: Party): boolean {
  const paper = new PaperUnderlay(sites);
  const ends = new Map<Party, PaperEndpoint>(
    [caller, called].map((party) => [party, paper.endpointOf(party.name, party.site)]),
  );
  const send = (from: Party, to: PaperEndpoint): ReturnType<PaperUnderlay["send"]> => {
    const own = ends.get(from);
    return own && paper.send(own, from.site, to);
  };
  const candidates = new Map<Party, readonly PaperEndpoint[]>(
    [caller, called].map((party) => {
      const learned = send(party, LIGHTHOUSE)?.source;
      const own = ends.get(party);
      return [party, [learned, own].filter((place) => place !== undefined)];
    }),
  );
  const arrivesAt = (from: Party, to: PaperEndpoint, target: Party): PaperEndpoint | undefined => {
    const arrived = send(from, to);
    return arrived?.at === ends.get(target) ? arrived?.source : undefined;
  };

  for (const place of candidates.get(caller) ?? []) send(called, place);
  // The first attempt is too early, a later one comes after the punch; each opens the caller's own filters.
  for (let attempt = 1; attempt <= 2; attempt++) {
    for (const place of candidates.get(called) ?? []) {
      const from = arrivesAt(caller, place, called);
      const answeredFrom = from && arrivesAt(called, from, caller);
      if (from && answeredFrom && flows(arrivesAt, caller, called, answeredFrom)) return true;
    }
  }
  return false;
}

/** A session stands and the caller sends to `path`: each follows where the other's packets come from, until both arrive for good. */
function flows(
  arrivesAt: (from: Party, to: PaperEndpoint, target: Party) => PaperEndpoint | undefined,
  caller: Party,
  called: Party,
  path: PaperEndpoint,
): boolean {
  let towardsCalled = path;
  for (let round = 1; round <= ROUNDS; round++) {
    const source = arrivesAt(caller, towardsCalled, called);
    const back = source && arrivesAt(called, source, caller);
    if (!back) return false;
    if (back.address === towardsCalled.address && back.port === towardsCalled.port) return true;
    towardsCalled = back;
  }
  return true;
}

const LIGHTHOUSE: PaperEndpoint = { address: "internet/lighthouse", port: "own" };
/** Roaming settles after one change at each end. */
const ROUNDS = 4;

import type { Site } from "../lab/nat/nat-mesh.ts";
import type { NatKind } from "../lab/nat/recipe.ts";

/** Where a host of the grid is: the rows and the columns. */
export interface Position {
  readonly name: string;
  readonly site: Site;
}

/** Behind home routers, all of these; without guard their names end in a star. */
const HOME: readonly NatKind[] = ["full", "addr", "port", "shift", "sym", "symseq"];

/** Translators of carriers: home routers are behind these, so that there are two translators in a row. */
export const CARRIERS = { "cg-plain": "port", "cg-hairpin": "hairpin" } as const;

/** All rows and columns. */
export const POSITIONS: readonly Position[] = [
  { name: "none", site: { nat: "none" } },
  ...HOME.flatMap((nat) => [
    { name: nat, site: { nat } },
    { name: `${nat}*`, site: { nat, guard: false } },
  ]),
  { name: "carrier", site: { nat: "port", carrier: "cg-plain" } },
  { name: "hairpin", site: { nat: "port", carrier: "cg-hairpin" } },
];

/** What two hosts have to become, and how soon. */
export interface Expectation {
  readonly path: "direct" | "relayed" | "any";
  /** For direct ones until both send straight, for others until the first answer. */
  readonly withinMs: number;
}

const DIRECT_MS = 1_000;
const ONE_SYMMETRIC_MS = 3_000;
const RELAYED_MS = 500;

/** Who lets in only what comes from the very port that was called. */
const STRICT = new Set(["port", "shift", "carrier", "hairpin"]);

/** What a pair can become: `sym` draws ports that nobody can foretell, `symseq` ones that can be foretold. */
export function expectation(a: string, b: string): Expectation {
  const [one, other] = [a, b].map((name) => name.replace("*", ""));
  const symmetric = [one, other].filter((name) => name === "sym" || name === "symseq");
  const strict = [one, other].filter((name) => STRICT.has(name!));
  if (symmetric.length === 0) {
    // Same carrier twice: without a hairpin none of their addresses leads to the other.
    if (one === "carrier" && other === "carrier") return { path: "relayed", withinMs: RELAYED_MS };
    // The stranger's packet that a call begins with may cost either of them its port (guard.nft).
    if (strict.length === 2 && (a.endsWith("*") || b.endsWith("*"))) return { path: "any", withinMs: RELAYED_MS };
    return { path: "direct", withinMs: DIRECT_MS };
  }
  if (symmetric.length === 2) return { path: symmetric.includes("sym") ? "relayed" : "any", withinMs: RELAYED_MS };
  if (strict.length === 0) return { path: "direct", withinMs: ONE_SYMMETRIC_MS };
  if (symmetric[0] === "sym") return { path: "relayed", withinMs: RELAYED_MS };
  return a.endsWith("*") || b.endsWith("*")
    ? { path: "any", withinMs: RELAYED_MS }
    : { path: "direct", withinMs: ONE_SYMMETRIC_MS };
}

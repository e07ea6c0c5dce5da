import { join } from "node:path";
import { PROJECT } from "../implementation.ts";

/**
 * What a router does with the addresses of the hosts behind it; each is a script of the same name in `recipes/`, and nat-recipes.test.ts shows by
 * experiment that it is what it says:
 *
 * | | mapping | filtering | port kept |
 * |---|---|---|---|
 * | full | endpoint-independent | endpoint-independent | yes |
 * | addr | endpoint-independent | address | yes |
 * | port | endpoint-independent | address and port | yes |
 * | shift | endpoint-independent | address and port | no |
 * | sym | address and port, at random | address and port | no |
 * | symseq | address and port, one after the other | address and port | no |
 * | hairpin | as full, and its own customers reach each other through it | | |
 */
export type NatKind = "full" | "addr" | "port" | "shift" | "sym" | "symseq" | "hairpin";

/** Recipes that stand beside those of a translator. */
export type Extra = "guard" | "udpblock" | "blackhole";

const PORTS_OF_SYMSEQ = { first: 20_000, count: 1_000 } as const;

/** A script for `nft -f -`: the recipes, with what they ask for. */
export function nftScript(
  recipes: readonly (NatKind | Extra)[],
  values: { readonly wan: string; readonly limit?: number },
): string {
  const ports = Array.from({ length: PORTS_OF_SYMSEQ.count }, (_, i) => `${i} : ${PORTS_OF_SYMSEQ.first + i}`);
  return [
    `define WAN = ${values.wan}`,
    `define LIMIT = ${values.limit ?? 0}`,
    `define PORTS = { ${ports.join(", ")} }`,
    ...recipes.map((recipe) => `include "${join(PROJECT, "test/netns/lab/nat/recipes", `${recipe}.nft`)}"`),
    "",
  ].join("\n");
}

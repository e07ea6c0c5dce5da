import type { Random } from "../world/random.ts";
import { type Role, roles } from "./cast.ts";

/** Who plays in a world: one to three lighthouses, and hosts that have the rules of the four we know; few of them, or perhaps many. */
export function growCast(random: Random, areFew: boolean): readonly Role[] {
  const [lighthouse, ...characters] = roles;
  if (!lighthouse) throw new RangeError("no lighthouse to begin with");
  const lighthouses = random.pick([1, 1, 1, 2, 2, 3]);
  const hosts =
    areFew || random.chance(0.7)
      ? random.between(2, 5)
      : random.chance(0.8)
        ? random.between(6, 11)
        : random.between(12, 22);
  return [
    ...Array.from({ length: lighthouses }, (_, i) =>
      i === 0 ? lighthouse : sibling(lighthouse, `${lighthouse.name}${i + 1}`, 60 + i),
    ),
    ...Array.from({ length: hosts }, (_, i) => {
      const character = characters[i % characters.length] ?? lighthouse;
      return i < characters.length ? character : sibling(character, names[i] ?? `host${i}`, 2 + i);
    }),
  ];
}

/** Somebody else with the same rules and groups. */
function sibling(role: Role, name: string, number: number): Role {
  return { ...role, name, number };
}

const names =
  "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor".split(
    " ",
  );

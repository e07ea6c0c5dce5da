// Configurations as people get them wrong: keys with a slip, at home elsewhere, values of another form or another key.

/** A configuration without types, as it would be written. */
export type Tree = string | Tree[] | Map<string, Tree>;

/** Whole numbers from 0 to below its argument. */
export type Dice = (below: number) => number;

/** The same sequence for the same seed (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Makes a tree of plain data. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return value.map(treeOf);
  if (typeof value !== "object" || value === null) return String(value);
  return new Map(Object.entries(value).map(([key, item]) => [key, treeOf(item)]));
}

/** Changes one thing, and says what. */
export function mutate(root: Map<string, Tree>, dice: Dice): string {
  const mutations = [slip, move, otherValue, otherValue, otherForm, drop, copyElsewhere];
  return (mutations[dice(mutations.length)] ?? slip)(root, dice);
}

interface Spot {
  readonly map: Map<string, Tree>;
  readonly key: string;
}

function spots(tree: Tree): readonly Spot[] {
  if (typeof tree === "string") return [];
  if (Array.isArray(tree)) return tree.flatMap(spots);
  return [...tree].flatMap(([key, value]) => [{ map: tree, key }, ...spots(value)]);
}

function pick<Item>(items: readonly Item[], dice: Dice): Item {
  return items[dice(items.length)] as Item;
}

function slip(root: Map<string, Tree>, dice: Dice): string {
  const { map, key } = pick(spots(root), dice);
  const at = dice(key.length);
  const letter = String.fromCharCode(97 + dice(26));
  const wrong = pick(
    [
      key.slice(0, at) + key.slice(at + 1),
      key.slice(0, at) + letter + key.slice(at),
      key.slice(0, at) + letter + key.slice(at + 1),
      key.slice(0, at) + (key[at + 1] ?? "") + (key[at] ?? "") + key.slice(at + 2),
      key.replaceAll("_", "-"),
      `${key}s`,
    ],
    dice,
  );
  if (wrong === key || map.has(wrong)) return "nothing";
  rename(map, key, wrong);
  return `${key} is written ${wrong}`;
}

function move(root: Map<string, Tree>, dice: Dice): string {
  const from = pick(spots(root), dice);
  const to = pick(sections(root), dice);
  const value = from.map.get(from.key);
  if (value === undefined || to.has(from.key) || holds(value, to)) return "nothing";
  from.map.delete(from.key);
  to.set(from.key, value);
  return `${from.key} stands elsewhere`;
}

function copyElsewhere(root: Map<string, Tree>, dice: Dice): string {
  const from = pick(spots(root), dice);
  const to = pick(sections(root), dice);
  const value = from.map.get(from.key);
  if (value === undefined || to.has(from.key) || holds(value, to)) return "nothing";
  to.set(from.key, copyOf(value));
  return `${from.key} stands elsewhere, too`;
}

function drop(root: Map<string, Tree>, dice: Dice): string {
  const { map, key } = pick(spots(root), dice);
  map.delete(key);
  return `${key} is left out`;
}

function otherValue(root: Map<string, Tree>, dice: Dice): string {
  const all = scalars(root);
  const { text, write } = pick(all, dice);
  const wrong = pick(
    [
      `${text}/24`,
      `${text}:4242`,
      text.replace(/:\d+$/, ""),
      text.replace(/\/\d+$/, ""),
      `[${text}]`,
      ` ${text}`,
      text.toUpperCase(),
      `${text}, ${text}`,
      pick(all, dice).text,
      ...WRONG,
    ],
    dice,
  );
  write(wrong);
  return `${JSON.stringify(wrong)} for ${JSON.stringify(text)}`;
}

const WRONG = [
  "on",
  "off",
  "10s",
  "10",
  "1d",
  "any",
  "*",
  "0.0.0.0:4242",
  "[2001:db8::1]",
  "2001:db8::1:4242",
  "",
  "Any",
  "99999999",
];

function otherForm(root: Map<string, Tree>, dice: Dice): string {
  const { map, key } = pick(spots(root), dice);
  const value = map.get(key) ?? "";
  if (typeof value === "string") map.set(key, [value]);
  else if (Array.isArray(value))
    map.set(key, value.length > 0 && dice(2) === 0 ? (value[0] ?? "") : value.map(String).join(", "));
  else map.set(key, [...value.keys()]);
  return `${key} has another form`;
}

function scalars(tree: Tree): readonly { readonly text: string; readonly write: (text: string) => void }[] {
  if (typeof tree === "string") return [];
  const entries: readonly (readonly [Tree, (text: string) => void])[] = Array.isArray(tree)
    ? tree.map((item, at) => [item, (text: string) => tree.splice(at, 1, text)] as const)
    : [...tree].map(([key, item]) => [item, (text: string) => tree.set(key, text)] as const);
  return entries.flatMap(([item, write]) => (typeof item === "string" ? [{ text: item, write }] : scalars(item)));
}

/** The root and every map below it that stands in maps alone. */
function sections(tree: Map<string, Tree>): readonly Map<string, Tree>[] {
  return [tree, ...[...tree.values()].flatMap((value) => (value instanceof Map ? sections(value) : []))];
}

function holds(tree: Tree, inner: Tree): boolean {
  if (tree === inner) return true;
  if (typeof tree === "string") return false;
  return [...tree.values()].some((value) => holds(value as Tree, inner));
}

export function copyOf(tree: Tree): Tree {
  if (typeof tree === "string") return tree;
  if (Array.isArray(tree)) return tree.map(copyOf);
  return new Map([...tree].map(([key, value]) => [key, copyOf(value)]));
}

/** In its place among the others. */
export function rename(map: Map<string, Tree>, from: string, to: string): void {
  const entries = [...map];
  map.clear();
  for (const [key, value] of entries) if (key !== to) map.set(key === from ? to : key, value);
}

import type { ImportOf } from "./sources.ts";

/**
 * Groups of files that reach each other through their imports (Tarjan's strongly connected components), each as one circle through it,
 * shortest first found: "a.ts -> b.ts -> a.ts". A type-only import counts too: whoever reads one file of a circle has to read all of it.
 */
export function circlesOf(imports: readonly ImportOf[]): readonly (readonly string[])[] {
  const targets = new Map<string, string[]>();
  for (const { from, target, ours } of imports) if (ours) targets.set(from, [...(targets.get(from) ?? []), target]);
  return components(targets)
    .filter((files) => files.length > 1 || targets.get(files[0] ?? "")?.includes(files[0] ?? ""))
    .map((files) => shortestCircle([...files].sort(), targets));
}

export function describeCircle(files: readonly string[]): string {
  return `${[...files, files[0]].join(" -> ")}: take what they share into a file below them all, or pass it in as an argument`;
}

function components(targets: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = [];
  const number = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    number.set(file, number.size);
    lowest.set(file, number.size - 1);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!number.has(target)) visit(target);
      if (stack.includes(target)) lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(target) ?? 0));
    }
    if (lowest.get(file) === number.get(file)) found.push(stack.splice(stack.indexOf(file)));
  };
  for (const file of targets.keys()) if (!number.has(file)) visit(file);
  return found;
}

/** Breadth first from the first file of the group back to it. */
function shortestCircle(group: readonly string[], targets: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const [start = ""] = group;
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of targets.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return way;
      if (!group.includes(next) || seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return group;
}

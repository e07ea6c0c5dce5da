/** The candidate nearest to a mistyped word, or undefined when none is near enough to be what was meant. */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  // A third of the letters may be wrong: "firewal", "lightouse", "tunels" find their key; "foo" finds none.
  mistakesMax: number = Math.max(1, Math.floor(word.length / 3)),
): string | undefined {
  let limit = mistakesMax;
  let best: string | undefined;
  const normal = normalize(word);
  for (const candidate of candidates) {
    const other = normalize(candidate);
    const distance = isCutShort(normal, other) ? 1 : editDistance(normal, other, limit);
    if (distance > limit || (distance === limit && best !== undefined)) continue;
    best = candidate;
    limit = distance;
  }
  return best;
}

/** "device" for "dev", "interval" for "interval_ms": one is the beginning of the other. */
function isCutShort(word: string, candidate: string): boolean {
  if (word === candidate || Math.min(word.length, candidate.length) < CUT_LETTERS_MIN) return false;
  return word.startsWith(candidate) || candidate.startsWith(word);
}

/** Fewer letters begin too many names. */
const CUT_LETTERS_MIN = 3;

function normalize(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}

/**
 * Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment); anything above `limit` is
 * reported as limit + 1.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return Math.min(last[b.length] ?? 0, limit + 1);
}

import type { HealthReport } from "../admin/health/history.ts";

/** A trouble that stands for itself, and how many follow from it. */
export interface Folded {
  readonly trouble: HealthReport;
  readonly followers: number;
}

/** One cause, one line: what follows from another trouble is counted there. What follows only from itself in a circle stands for itself. */
export function folded(health: readonly HealthReport[]): readonly Folded[] {
  const effects = effectsOf(health);
  const roots = new Map<HealthReport, number>();
  const taken = new Set<HealthReport>();
  const stand = (trouble: HealthReport): void => {
    if (taken.has(trouble)) return;
    taken.add(trouble);
    const all = [trouble];
    for (const { code, about } of all) {
      for (const one of [...(effects.get(code) ?? []), ...(effects.get(`${code} ${about}`) ?? [])]) {
        if (taken.has(one)) continue;
        taken.add(one);
        all.push(one);
      }
    }
    roots.set(trouble, all.length - 1);
  };
  for (const one of health) if (causesOf(one).length === 0) stand(one);
  for (const one of health) stand(one);
  return health.flatMap((trouble) => {
    const followers = roots.get(trouble);
    return followers === undefined ? [] : [{ trouble, followers }];
  });
}

/** What names each cause: a host may have ten thousand troubles. */
function effectsOf(health: readonly HealthReport[]): ReadonlyMap<string, readonly HealthReport[]> {
  const effects = new Map<string, HealthReport[]>();
  for (const one of health) {
    for (const cause of causesOf(one)) {
      const named = effects.get(cause);
      if (named) named.push(one);
      else effects.set(cause, [one]);
    }
  }
  return effects;
}

/** A daemon of an older version knows no causes. */
function causesOf({ because = [] }: Partial<HealthReport>): readonly string[] {
  return because;
}

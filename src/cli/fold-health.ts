import type { HealthReport } from "../admin/health/history.ts";

/** A trouble that stands for itself, and how many follow from it. */
export interface Folded {
  readonly trouble: HealthReport;
  readonly followers: number;
}

/** One cause, one line: what follows from another trouble is counted there. What follows only from itself in a circle stands for itself. */
export function folded(health: readonly HealthReport[]): readonly Folded[] {
  const roots: { trouble: HealthReport; followers: number }[] = [];
  const taken = new Set<HealthReport>();
  const stand = (trouble: HealthReport): void => {
    if (taken.has(trouble)) return;
    const root = { trouble, followers: 0 };
    roots.push(root);
    taken.add(trouble);
    for (let heads = [trouble]; heads.length > 0; ) {
      const followers = health.filter((one) => !taken.has(one) && heads.some((head) => follows(one, head)));
      for (const one of followers) taken.add(one);
      root.followers += followers.length;
      heads = followers;
    }
  };
  for (const one of health) if (causesOf(one).length === 0) stand(one);
  for (const one of health) stand(one);
  return roots.sort((a, b) => health.indexOf(a.trouble) - health.indexOf(b.trouble));
}

function follows(one: HealthReport, { code, about }: HealthReport): boolean {
  return causesOf(one).some((cause) => cause === code || cause === `${code} ${about}`);
}

/** A daemon of an older version knows no causes. */
function causesOf({ because = [] }: Partial<HealthReport>): readonly string[] {
  return because;
}

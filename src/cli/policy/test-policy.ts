import type { Policy } from "../../core/policy/policy.ts";
import { runTests, type TestOutcome } from "../../core/policy/run-tests.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Failures that are shown of many. */
const SHOWN_MAX = 100;

/** What became of a policy's tests. */
export interface TestedPolicy {
  /** Things asked: each host with each, for each service. */
  readonly asked: number;
  readonly failures: readonly TestOutcome[];
}

export function testPolicy(policy: Policy): TestedPolicy {
  const failures: TestOutcome[] = [];
  let asked = 0;
  for (const outcome of runTests(policy)) {
    asked++;
    if (!outcome.holds) failures.push(outcome);
  }
  return { asked, failures };
}

/** Nothing is sent to anybody that does not do what its own tests ask. */
export function demandTests(path: string, policy: Policy): TestedPolicy {
  const tested = testPolicy(policy);
  if (tested.failures.length === 0) return tested;
  const { failures } = tested;
  throw new OperatorError("policy-tests-failed", {
    what: `cannot use the policy ${path}`,
    why: `${failures.length} of ${tested.asked} things that its tests ask for do not hold`,
    todo: "correct the rules or the tests",
    details: failureLines(failures),
  });
}

export function failureLines(failures: readonly TestOutcome[]): readonly string[] {
  const lines = failures.slice(0, SHOWN_MAX).map(({ place, from, to, service, wanted, why }) => {
    const asked = wanted === "allow" ? "is to reach" : "is not to reach";
    return `${place}: ${from} ${asked} ${service} on ${to}, but ${why}`;
  });
  return failures.length > SHOWN_MAX ? [...lines, `and ${failures.length - SHOWN_MAX} more`] : lines;
}

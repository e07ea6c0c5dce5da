import type { PolicyBulletin } from "../../core/policy/body.ts";
import type { PolicyBody } from "../../core/policy/policy.ts";

/** One step on the way from one policy to the next. */
export interface Stage {
  /** Who goes by the next policy from this step on; undefined: everybody. */
  readonly hosts: readonly string[] | undefined;
  readonly bulletin: PolicyBulletin;
  /** Whether it is given back by each host that hears of no further step in time. */
  readonly isTrial: boolean;
}

/** How long a step holds without the next one: hosts undo it by themselves when whoever made it is gone. */
const TRIAL_SECONDS = 60;

/**
 * One host, a tenth of them, everybody, each for a trial; then for good. `hosts`: those that can be asked to go first, in the order in which they are
 * to. `ahead`: for how many seconds they may wait to be begun, where they are signed elsewhere.
 */
export function stagesOf(
  before: PolicyBody | undefined,
  after: PolicyBody | undefined,
  hosts: readonly string[],
  ahead?: number,
): readonly Stage[] {
  const trial = (some: readonly string[] | undefined): Stage => ({
    hosts: some,
    bulletin: {
      policy: after,
      stage: { hosts: some, before, seconds: TRIAL_SECONDS, ...(ahead !== undefined && { ahead }) },
    },
    isTrial: true,
  });
  const tenth = Math.ceil(hosts.length / 10);
  return [
    ...(hosts.length > 0 ? [trial(hosts.slice(0, 1))] : []),
    ...(tenth > 1 ? [trial(hosts.slice(0, tenth))] : []),
    trial(undefined),
    forGood(after),
  ];
}

/** Of a policy that was signed ahead, what it is a step of. */
export function stageOf(bulletin: PolicyBulletin): Stage {
  const { stage } = bulletin;
  return { hosts: stage?.hosts, bulletin, isTrial: stage !== undefined };
}

export function forGood(policy: PolicyBody | undefined): Stage {
  return { hosts: undefined, bulletin: { policy, stage: undefined }, isTrial: false };
}

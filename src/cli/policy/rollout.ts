import type { BulletinStatus } from "../../core/machine/bulletins/status.ts";
import type { Stage } from "./stages.ts";

/** What is done with a network while a policy is applied. */
export interface RolloutPorts {
  /** How long hosts have to apply a step. */
  readonly patienceMs: number;
  /** Gives the signed bulletin of this step to the network. */
  readonly publish: (step: number) => Promise<void>;
  /** Who has applied the newest one. */
  readonly count: () => Promise<Count | undefined>;
  /** What is wrong with these hosts, now that they go by the policy; undefined: with some of all. */
  readonly probe: (hosts: readonly string[] | undefined) => Promise<readonly string[]>;
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds. */
  readonly now: () => number;
  /** A step is over. */
  readonly passed: (step: StepReport) => void;
}

export type Count = Pick<BulletinStatus, "hosts" | "applied" | "pending" | "refused" | "silent">;

export interface StepReport {
  readonly step: number;
  /** Those that were to go by it; null: everybody. */
  readonly wanted: number | null;
  readonly applied: number;
  readonly hosts: number;
  readonly pending: readonly string[];
  readonly ms: number;
}

export type Outcome =
  | { readonly ok: true; readonly last: StepReport | undefined }
  /** A clause that says why it was taken back. */
  | { readonly ok: false; readonly step: number; readonly why: string };

/** How often hosts are asked who has applied a step. */
const ASKED_EVERY_MS = 300;
/** Names in a sentence. */
const NAMES_SHOWN_MAX = 5;

/**
 * One step after the other, each once the one before has been applied by those that it was for and they still answer. It ends with the first that fails: whoever
 * calls takes the policy back.
 */
export async function rollOut(stages: readonly Stage[], ports: RolloutPorts): Promise<Outcome> {
  let last: StepReport | undefined;
  for (const [step, stage] of stages.entries()) {
    const beganAt = ports.now();
    await ports.publish(step);
    const reached = await settle(stage, last?.applied ?? 0, ports);
    if (!reached.count) return { ok: false, step, why: reached.why };
    const complaints = stage.isTrial ? await ports.probe(stage.hosts) : [];
    if (complaints.length > 0) return { ok: false, step, why: listed(complaints, "; ") };
    const { applied, hosts, pending, silent } = reached.count;
    const wanted = stage.hosts?.length ?? null;
    last = { step, wanted, applied, hosts, pending: [...pending, ...silent], ms: ports.now() - beganAt };
    ports.passed(last);
  }
  return { ok: true, last };
}

/** Until all have applied it that were to; of everybody, those that are asleep are not waited for, as long as nobody who had applied it falls behind. */
async function settle(
  stage: Stage,
  before: number,
  { count, sleep, now, patienceMs }: RolloutPorts,
): Promise<{ readonly count: Count } | { readonly count: undefined; readonly why: string }> {
  const until = now() + patienceMs;
  for (;;) {
    const found = await count();
    const wanted = stage.hosts?.length ?? found?.hosts;
    if (found && found.refused.length > 0)
      return { count: undefined, why: `it is refused by ${listed(found.refused)}` };
    if (found && wanted !== undefined && found.applied >= wanted) return { count: found };
    if (now() >= until) {
      if (found && !stage.hosts && found.applied > 0 && found.applied >= before) return { count: found };
      return { count: undefined, why: lateText(stage, found, patienceMs) };
    }
    await sleep(ASKED_EVERY_MS);
  }
}

function lateText({ hosts }: Stage, found: Count | undefined, patienceMs: number): string {
  const late = hosts
    ? hosts.filter((name) => !found || found.pending.includes(name) || found.silent.includes(name))
    : [];
  const who = late.length > 0 ? listed(late) : `all but ${found?.applied ?? 0}`;
  return `${who} had not applied it after ${patienceMs / 1_000} s (do they go by it, firewall.policy: network?)`;
}

function listed(names: readonly string[], separator = ", "): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(separator);
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

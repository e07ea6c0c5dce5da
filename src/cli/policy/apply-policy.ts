import type { StatusReport } from "../../admin/status-report.ts";
import { STAGE_SECONDS_MAX } from "../../core/policy/body.ts";
import { lockedOut } from "../../core/policy/lockout.ts";
import type { Policy, PolicyBody } from "../../core/policy/policy.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { keepApplied } from "./applied-policies.ts";
import { type PolicyNetwork, type Settled, signAll, signingRequest } from "./network.ts";
import { probeHosts } from "./probe-hosts.ts";
import { rollOut, type StepReport } from "./rollout.ts";
import { type SignedSteps, signedAhead } from "./signed-ahead.ts";
import { forGood, type Stage, stagesOf } from "./stages.ts";

/** What is to be applied, and how. */
export interface ApplyRequest {
  /** Undefined: there is to be none any more. */
  readonly policy: Policy | undefined;
  /** As it was written. */
  readonly text: string;
  /** Folder of the authority. */
  readonly authority: string;
  readonly passphraseFile?: string | undefined;
  /** A host that is to go first. */
  readonly first?: string | undefined;
  /** Everywhere, at once. */
  readonly isImmediate: boolean;
  readonly allowsLockout: boolean;
  /** How long hosts have to apply a step. */
  readonly patienceMs: number;
  /** What was signed elsewhere, as text; undefined: the key is here. */
  readonly signed?: string | undefined;
  readonly passed: (step: StepReport, count: number) => void;
}

/** What came of it. */
export interface ApplyReport {
  /** Of the policy from now on. */
  readonly number: number;
  readonly steps: readonly StepReport[];
  readonly applied: number;
  readonly hosts: number;
  readonly pending: readonly string[];
}

/** Applies a policy step by step; takes it back, everywhere, when a step fails. Throws an OperatorError then. */
export async function applyPolicy(network: PolicyNetwork, request: ApplyRequest): Promise<ApplyReport> {
  const { policy, authority } = request;
  const [status, before] = [await network.status(), await network.settled()];
  if (policy && !request.allowsLockout) refuseLockout(policy, before.policy, status);
  const { first, stages, signed } =
    request.signed === undefined
      ? await signHere(request, status, before)
      : signedAhead(request.signed, request, { status, before });
  const steps: StepReport[] = [];
  const outcome = await rollOut(stages, {
    patienceMs: request.patienceMs,
    publish: async (step) => network.publish(signed[step] ?? ""),
    count: async () => network.count(),
    probe: async (hosts) =>
      probeHosts(policy, await network.status(), hosts, async (to, service) => network.why(to, service)),
    sleep: async (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    now: () => performance.now(),
    passed: (step) => {
      steps.push(step);
      request.passed(step, stages.length);
    },
  });
  if (!outcome.ok) {
    // A policy that goes to everybody at once has no way back of its own when it was signed elsewhere.
    if (signed.length > stages.length) await network.publish(signed.at(-1) ?? "");
    throw takenBack(stages, outcome.step, outcome.why);
  }
  const number = first + stages.length - 1;
  if (policy) keepApplied(authority, number, request.text);
  const { applied = 0, hosts = 0, pending = [] } = outcome.last ?? {};
  return { number, steps, applied, hosts, pending };
}

async function signHere(request: ApplyRequest, status: StatusReport, before: Settled): Promise<SignedSteps> {
  const { policy, authority, passphraseFile } = request;
  const stages = request.isImmediate
    ? [forGood(policy)]
    : stagesOf(before.policy, policy, candidates(status, request.first));
  const first = before.number + 1;
  const bulletins = [...stages, forGood(before.policy)].map(({ bulletin }) => bulletin);
  return { first, stages, signed: await signAll(authority, first, bulletins, passphraseFile) };
}

/** What the authority is to sign on another machine: every step, and the way back. */
export async function requestSteps(
  network: PolicyNetwork,
  policy: Policy | undefined,
  { first, isImmediate }: Pick<ApplyRequest, "first" | "isImmediate">,
): Promise<{ readonly number: number; readonly steps: number; readonly text: string }> {
  const [status, before] = [await network.status(), await network.settled()];
  const stages = isImmediate
    ? [forGood(policy)]
    : stagesOf(before.policy, policy, candidates(status, first), STAGE_SECONDS_MAX);
  const all = isImmediate ? stages : [...stages, forGood(before.policy)];
  const number = before.number + 1;
  const text = signingRequest(
    number,
    all.map(({ bulletin }) => bulletin),
  );
  return { number, steps: stages.length, text };
}

/** Hosts with a tunnel that could go first: none that the others find each other by, as long as there are others. */
function candidates({ peers, lighthouses }: StatusReport, first: string | undefined): readonly string[] {
  const names = peers.flatMap(({ name, state }) => (name !== null && state === "up" ? [name] : [])).sort();
  if (first !== undefined && !names.includes(first))
    throw new OperatorError("policy-first", {
      what: `cannot begin with ${first}`,
      why: "this host has no tunnel with it",
      todo: `lacis ping ${first}, or begin with another one`,
    });
  const isLighthouse = (name: string): boolean => lighthouses.some((each) => each.name === name);
  const rank = (name: string): number => (name === first ? 0 : isLighthouse(name) ? 2 : 1);
  return names.toSorted((a, b) => rank(a) - rank(b));
}

/** Nobody should apply a policy under which he could not repair it. */
function refuseLockout(policy: Policy, before: PolicyBody | undefined, { host }: StatusReport): void {
  const old = before && { ...before, groups: policy.groups, hosts: policy.hosts, tests: [], keep: undefined };
  const lost = lockedOut(host, old, policy);
  if (lost.length === 0) return;
  throw new OperatorError("policy-lockout", {
    what: "this policy locks you out",
    why: `from ${host.name} tcp/22 could not be reached any more on ${lost.slice(0, 5).join(", ")}${lost.length > 5 ? ` and ${lost.length - 5} more` : ""}`,
    todo: "add a rule that allows it, or, if these are reached in another way, --allow-lockout",
  });
}

function takenBack(stages: readonly Stage[], step: number, why: string): OperatorError {
  return new OperatorError("policy-taken-back", {
    what: `the policy was taken back in step ${step + 1} of ${stages.length}`,
    why,
    todo: "lacis policy status says who goes by what; correct what is wrong, and apply it again",
  });
}

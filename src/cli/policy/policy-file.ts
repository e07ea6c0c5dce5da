import type { ConfigError } from "../../core/config/document/config-error.ts";
import { Findings } from "../../core/config/document/findings.ts";
import { doubtPolicy } from "../../core/policy/doubts.ts";
import { parsePolicy } from "../../core/policy/parse/parse-policy.ts";
import type { Policy } from "../../core/policy/policy.ts";
import { runKeep } from "../../core/policy/run-tests.ts";
import { readText } from "../../runtime/config/config-sources.ts";
import { parseYaml } from "../../runtime/config/config-yaml.ts";
import { refused } from "../../runtime/config/refusable.ts";

/** A file of a policy, read: with everything that is wrong with it, or that may be. */
export interface CheckedPolicy {
  /** Undefined when there are errors. */
  readonly policy: Policy | undefined;
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigError[];
  readonly text: string;
}

export function checkPolicy(path: string): CheckedPolicy {
  const read = readText(path);
  return read.ok
    ? checkPolicyText(path, read.value)
    : { policy: undefined, errors: [read.reason], warnings: [], text: "" };
}

/** `name`: what places in it begin with. */
export function checkPolicyText(name: string, text: string): CheckedPolicy {
  const yaml = parseYaml(name, text);
  if (!yaml.ok) return { policy: undefined, errors: yaml.errors, warnings: [], text };
  const findings = new Findings();
  const policy = parsePolicy(yaml.root, findings);
  if (!findings.hasErrors) {
    doubtPolicy(policy, findings);
    checkKept(policy, yaml.root.entries.get("keep")?.keyPlace, findings);
  }
  const errors = findings.errors();
  return { policy: errors.length > 0 ? undefined : policy, errors, warnings: findings.warnings(), text };
}

/** The policy in a file; refused with all its errors. */
export function loadPolicy(path: string): {
  readonly policy: Policy;
  readonly text: string;
  readonly warnings: readonly ConfigError[];
} {
  const { policy, errors, warnings, text } = checkPolicy(path);
  if (policy) return { policy, text, warnings };
  throw refused("policy", path, errors);
}

function checkKept(policy: Policy, place: ConfigError["place"], findings: Findings): void {
  for (const { from, to, service, holds, why } of runKeep(policy)) {
    if (holds) continue;
    const what = `${from} could not reach ${service} on ${to}: ${why}`;
    findings.error({ code: "CONFIG_CONFLICT", place, path: "keep", what, todo: "add a rule, or ask for less" });
  }
}

import { formatConfigError } from "../../../src/core/config/document/config-error.ts";
import { Findings } from "../../../src/core/config/document/findings.ts";
import { parsePolicy } from "../../../src/core/policy/parse/parse-policy.ts";
import type { Policy } from "../../../src/core/policy/policy.ts";
import { parseYaml } from "../../../src/runtime/config/config-yaml.ts";

/** A policy that is right. */
export function policyOf(text: string): Policy {
  const { policy, errors } = readPolicy(text);
  if (!policy) throw new Error(errors.join("\n"));
  return policy;
}

/** A policy, or what is wrong with it, in lines. */
export function readPolicy(text: string): {
  readonly policy: Policy | undefined;
  readonly errors: readonly string[];
  readonly findings: Findings;
} {
  const findings = new Findings();
  const yaml = parseYaml("policy.yaml", text);
  if (!yaml.ok) return { policy: undefined, errors: yaml.errors.map(formatConfigError), findings };
  const policy = parsePolicy(yaml.root, findings);
  const errors = findings.errors().map(formatConfigError);
  return { policy: errors.length > 0 ? undefined : policy, errors, findings };
}

import { nearest } from "../../core/base/suggest.ts";
import { exportFirewall } from "../../core/policy/export.ts";
import type { HostFacts, Policy } from "../../core/policy/policy.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";

export interface ExportedHost {
  readonly host: string;
  /** YAML. */
  readonly firewall: string;
}

/** The hosts that are asked for, with their own rules. */
export function exportedHosts(
  policy: Policy,
  asked: { readonly host?: string; readonly groups?: string; readonly json?: boolean },
): readonly ExportedHost[] {
  const hosts =
    asked.host === undefined ? everyHost(policy, asked.json === true) : [oneHost(policy, asked.host, asked.groups)];
  return hosts.map((host) => ({ host: host.name, firewall: exportFirewall(policy, host) }));
}

function everyHost({ hosts }: Policy, isJson: boolean): readonly HostFacts[] {
  if (isJson) return hosts;
  throw mistaken("of which host is not said", "add --host NAME, or --json for all of them");
}

function oneHost({ hosts, groups: known }: Policy, name: string, list: string | undefined): HostFacts {
  const host = hosts.find((each) => each.name === name);
  if (host && list === undefined) return host;
  if (list === undefined) {
    const meant = nearest(
      name,
      hosts.map((each) => each.name),
    );
    throw mistaken(
      `${name} is no host below hosts:`,
      meant === undefined
        ? "say its groups: --groups a,b"
        : `did you mean ${meant}? otherwise say its groups: --groups a,b`,
    );
  }
  const groups = list.split(",").filter((group) => group !== "");
  const unknown = groups.find((group) => !known.includes(group));
  if (unknown !== undefined) throw mistaken(`the policy has no group ${unknown}`, `it has ${known.join(", ")}`);
  return { name, groups, addresses: host?.addresses ?? [], behind: host?.behind ?? [] };
}

function mistaken(why: string, todo: string): OperatorError {
  return new OperatorError("usage", { what: "cannot export the rules of a host", why, todo }, ExitCode.usage);
}

import { Command } from "commander";
import type { PolicyReport } from "../../../admin/bulletins/policy-verb.ts";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { say, sayJson } from "../../output.ts";
import { type TargetOptions, withTarget } from "../../target.ts";

/** `lacis policy status`. */
export function statusCommand(): Command {
  return withTarget(new Command("status"))
    .description("Say what this host goes by, and who has applied the policy of the network.")
    .option("--json", "print JSON")
    .action(async (options: TargetOptions & { readonly json?: boolean }) => {
      const { PolicyNetwork } = await import("../../policy/network.ts");
      const network = new PolicyNetwork(options, "reader");
      const [report, count] = [await network.report(), await network.count()];
      const { applied = 0, hosts = 0, pending = [], refused = [], silent = [] } = count ?? {};
      if (options.json) {
        sayJson({ ...report, schema: ADMIN_SCHEMA, applied, hosts, pending, refused, silent });
        return;
      }
      say(hereText(report));
      if (count) say(`policy ${count.number}: applied on ${applied} of ${hosts}`);
      for (const [word, names] of Object.entries({ pending, refused, "say nothing": silent }))
        if (names.length > 0) say(`  ${word}: ${names.join(", ")}`);
    });
}

function hereText({ number, state, mode, place, endsInMs }: PolicyReport): string {
  const own = "this host goes by its own rules";
  if (number === null) return `${own}: the network has no policy`;
  const inForce =
    mode === null
      ? own
      : `this host goes by ${place?.replace(/:\d+$/, "")}${mode === "audit" ? ", which is merely audited" : ""}`;
  switch (state) {
    case "off":
      return `${own}, not by policy ${number}: set firewall.policy: network`;
    case "waiting":
      return `${inForce}; policy ${number} is tried by others first`;
    case "reverted":
      return `${inForce}; policy ${number} was not confirmed in time`;
    case "refused":
      return `${inForce}; policy ${number} makes no sense to this version`;
    default:
      return endsInMs === null
        ? `${inForce} (policy ${number})`
        : `${inForce} (policy ${number}, on trial for ${Math.ceil(endsInMs / 1_000)} s more)`;
  }
}

import { Command, InvalidArgumentError } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { authorityHere, authorityWithKey } from "../../../enrol/authority-here.ts";
import { OperatorError } from "../../../runtime/operator-error.ts";
import { thisPlatform } from "../../../runtime/platform/this-platform.ts";
import { say, sayJson } from "../../output.ts";
import { withTarget } from "../../target.ts";
import { type ApplyOptions, appliedText, BY_HAND, PATIENCE_MS, writeRequest } from "./apply.ts";

interface RollbackOptions extends ApplyOptions {
  readonly to?: number;
  readonly none?: boolean;
}

/** `lacis policy rollback`. */
export function rollbackCommand(): Command {
  return withTarget(new Command("rollback"))
    .description("Go back to the policy that was applied before, everywhere at once.")
    .option("--to <number>", "the policy with this number", wholeNumber)
    .option("--none", "no policy at all: every host goes by its own rules")
    .option("--dir <dir>", `where the network's files are; without it: ${thisPlatform().places.configBase}`)
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option(
      "--request <path>",
      "change nothing: write what the authority is to sign where its key is, for lacis publish",
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nWhat was applied from here lies in the folder policies of the authority's. It gets a new number: numbers only rise.\n\nExample: sudo lacis policy rollback",
    )
    .action(async (options: RollbackOptions) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { applyPolicy } = await import("../../policy/apply-policy.ts");
      const { appliedPolicies } = await import("../../policy/applied-policies.ts");
      const { PolicyNetwork } = await import("../../policy/network.ts");
      const folder = options.dir ?? thisPlatform().places.configBase;
      const what = "cannot go back to a policy";
      const authority = authorityHere(folder, what, BY_HAND);
      const kept = options.none ? undefined : wanted(appliedPolicies(authority), authority, options.to);
      const loaded = kept && loadPolicy(kept.file);
      const network = new PolicyNetwork(options);
      if (options.request !== undefined) {
        const { request, json = false } = options;
        return writeRequest(network, loaded?.policy, { request, json, now: true, next: "lacis publish signed" });
      }
      authorityWithKey(folder, what, "sign it where that is: lacis policy rollback --request request.json", BY_HAND);
      const report = await applyPolicy(network, {
        policy: loaded?.policy,
        text: loaded?.text ?? "",
        authority,
        passphraseFile: options.passphraseFile,
        isImmediate: true,
        allowsLockout: true,
        patienceMs: PATIENCE_MS,
        passed: () => {},
      });
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report, ...(kept && { restored: kept.number }) });
      else say(`${kept ? `as policy ${kept.number} was: ` : ""}${appliedText(report)}`);
    });
}

type Kept = readonly { readonly number: number; readonly file: string }[];

function wanted(kept: Kept, authority: string, to: number | undefined): Kept[number] {
  const found = to === undefined ? kept.at(-2) : kept.find(({ number }) => number === to);
  if (found) return found;
  const numbers = kept.map(({ number }) => number).join(", ");
  throw new OperatorError("policy-not-kept", {
    what: to === undefined ? "there is no policy to go back to" : `policy ${to} was not applied from here`,
    why: kept.length === 0 ? `${authority} keeps none` : `${authority} keeps ${numbers}`,
    todo: "apply an older file, from version control say: lacis policy apply FILE --now; or --none",
  });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("a number is needed.");
  return Number(text);
}

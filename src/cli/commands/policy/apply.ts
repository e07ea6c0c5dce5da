import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { ADMIN_SCHEMA } from "../../../admin/protocol.ts";
import { formatConfigError } from "../../../core/config/document/config-error.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { authorityWithKey } from "../../../enrol/authority-here.ts";
import { hostFilesIn } from "../../../enrol/host-files.ts";
import { ExitCode, OperatorError, systemCode } from "../../../runtime/operator-error.ts";
import { thisPlatform } from "../../../runtime/platform/this-platform.ts";
import { complain, say, sayJson } from "../../output.ts";
import type { ApplyReport } from "../../policy/apply-policy.ts";
import type { PolicyNetwork } from "../../policy/network.ts";
import type { StepReport } from "../../policy/rollout.ts";
import { secondsOption } from "../../seconds.ts";
import { type TargetOptions, withTarget } from "../../target.ts";
import { readBulletin } from "../publish.ts";

/** How long hosts have to apply a step. */
export const PATIENCE_MS = 15_000;
/** What does it where `lacis init` never ran. */
export const BY_HAND = "lacis policy export FILE --host NAME prints the rules of each host";
/** Steps that are being tried last for a minute. */
const PATIENCE_SECONDS_MAX = 50;

export interface ApplyOptions extends TargetOptions {
  readonly dir?: string;
  readonly passphraseFile?: string;
  readonly first?: string;
  readonly now?: boolean;
  readonly allowLockout?: boolean;
  readonly patience: number;
  readonly request?: string;
  readonly signed?: string;
  readonly json?: boolean;
}

/** `lacis policy apply`. */
export function applyCommand(): Command {
  return withTarget(new Command("apply"))
    .description(
      "Make a policy that of the whole network: one host first, then a tenth, then everybody; back when one fails.",
    )
    .argument("<file>", "the policy")
    .option("--dir <dir>", `where the network's files are; without it: ${thisPlatform().places.configBase}`)
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--first <host>", "the host that goes first")
    .addOption(secondsOption("--patience <seconds>", "how long hosts have to apply a step", PATIENCE_MS, patience))
    .option("--now", "everywhere at once, without trying it")
    .option("--allow-lockout", "also when this host could not reach tcp/22 everywhere any more")
    .option("--request <path>", "apply nothing: write what the authority is to sign where its key is, the way back too")
    .option("--signed <path>", "apply what was signed there")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Its tests run first. Each step holds for a minute unless the next one comes: when this command is killed, or cut off by what it applies, hosts
go back by themselves. Exit code 0: everybody that is awake goes by it; 1: it was refused, or taken back.

Example: lacis policy plan policy.yaml --before last.yaml && sudo lacis policy apply policy.yaml
With the key elsewhere: lacis policy apply policy.yaml --request request.json, there lacis-cert bulletin -in request.json -out signed, and here
within a day lacis policy apply policy.yaml --signed signed`,
    )
    .action(async (file: string, options: ApplyOptions) => {
      const { loadPolicy } = await import("../../policy/policy-file.ts");
      const { demandTests } = await import("../../policy/test-policy.ts");
      const { applyPolicy } = await import("../../policy/apply-policy.ts");
      const { PolicyNetwork } = await import("../../policy/network.ts");
      const { policy, text, warnings } = loadPolicy(file);
      demandTests(file, policy);
      for (const warning of warnings) complain(`warning: ${formatConfigError(warning)}`);
      const network = new PolicyNetwork(options);
      if (options.request !== undefined) {
        const again = `lacis policy apply ${file} --signed signed`;
        await writeRequest(network, policy, { ...options, request: options.request, next: again });
        return;
      }
      const folder = options.dir ?? thisPlatform().places.configBase;
      const report = await applyPolicy(network, {
        policy,
        text,
        ...authorityFor(file, folder, options.signed),
        passphraseFile: options.passphraseFile,
        first: options.first,
        isImmediate: options.now === true,
        allowsLockout: options.allowLockout === true,
        patienceMs: options.patience,
        passed: (step, count) => {
          if (!options.json) say(stepText(step, count));
        },
      });
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, ...report });
      else say(appliedText(report));
      if (options.signed !== undefined && report.steps.length > 1)
        complain(`lacis: ${options.signed} holds the way back to the policy of before as well - remove it`);
    });
}

/** Where the policy is kept and who signs: the key here, or what was signed elsewhere. */
function authorityFor(file: string, folder: string, signed: string | undefined) {
  const what = "cannot apply a policy";
  if (signed !== undefined) return { signed: readBulletin(signed), authority: hostFilesIn(folder).authority };
  const elsewhere = `sign it where that is: lacis policy apply ${file} --request request.json`;
  return { authority: authorityWithKey(folder, what, elsewhere, BY_HAND) };
}

interface RequestOptions {
  readonly request: string;
  readonly first?: string;
  readonly now?: boolean;
  readonly json?: boolean;
  /** What is to be done with what was signed. */
  readonly next: string;
}

/** Writes what the authority is to sign on another machine. */
export async function writeRequest(
  network: PolicyNetwork,
  policy: Policy | undefined,
  { request, first, now, json, next }: RequestOptions,
): Promise<void> {
  const { requestSteps } = await import("../../policy/apply-policy.ts");
  const { number, steps, text } = await requestSteps(network, policy, { first, isImmediate: now === true });
  try {
    writeFileSync(request, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const why = systemCode(error) === "EEXIST" ? "it exists and is never overwritten" : systemCode(error);
    throw new OperatorError("request-unwritable", { what: request, why, todo: "give another path" }, ExitCode.usage);
  }
  if (json) return sayJson({ schema: ADMIN_SCHEMA, number, steps, request });
  const what =
    steps === 1
      ? `policy ${number} is`
      : `policies ${number} to ${number + steps}, of which the last is the way back, are`;
  say(`${what} to be signed: lacis-cert bulletin -in ${request} -out signed; here then, within a day: ${next}`);
}

export function stepText({ step, wanted, applied, hosts, ms }: StepReport, count: number): string {
  return `step ${step + 1} of ${count}: applied on ${applied} of ${wanted ?? hosts} in ${(ms / 1_000).toFixed(1)} s`;
}

export function appliedText({ number, applied, hosts, pending }: ApplyReport): string {
  const rest = pending.length === 0 ? "" : `; pending: ${pending.join(", ")}`;
  return `policy ${number} applied on ${applied} of ${hosts}${rest}`;
}

function patience(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= PATIENCE_SECONDS_MAX))
    throw new InvalidArgumentError(`1 to ${PATIENCE_SECONDS_MAX} seconds are possible.`);
  return Math.round(value * 1_000);
}

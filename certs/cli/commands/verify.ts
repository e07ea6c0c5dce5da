import { Command } from "commander";
import { printable } from "../../../src/core/base/printable.ts";
import { Failure } from "../failure.ts";
import { readText, refuseSharedStream } from "../files.ts";
import { now } from "../now.ts";
import { orFail } from "../values.ts";

interface VerifyFlags {
  readonly ca: string;
  readonly crt: string;
  readonly json?: boolean;
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description(
      "Ask whether hosts that trust these authorities would accept these certificates now. Exit 0: all of them; 1: not.",
    )
    .requiredOption("--ca <path>", "file with the trusted authorities; - for standard input")
    .requiredOption("--crt <path>", "file with the certificates to judge; - for standard input")
    .option("--json", "print the verdicts as JSON")
    .action(verifyCertificates);
}

async function verifyCertificates(flags: VerifyFlags): Promise<void> {
  refuseSharedStream("read", { "-ca": flags.ca, "-crt": flags.crt });
  const { readCertificates, verify, toJson } = await import("../../index.ts");
  const authorities = { certificates: orFail(readCertificates(readText(flags.ca), flags.ca)), file: flags.ca };
  const certificates = orFail(readCertificates(readText(flags.crt), flags.crt));
  const verdicts = orFail(verify(certificates, authorities, now().wall));

  const report = verdicts.map((verdict, i) => ({
    name: certificates[i]?.name ?? "",
    version: certificates[i]?.version ?? 0,
    fingerprint: certificates[i]?.fingerprint ?? "",
    valid: verdict.ok,
    code: verdict.ok ? null : verdict.reason.code,
    reason: verdict.ok ? null : verdict.reason.text,
  }));
  if (flags.json) process.stdout.write(`${toJson(report)}\n`);
  else
    for (const { name, version } of report.filter(({ valid }) => valid))
      process.stdout.write(`${printable(titleOf(name, version))} is valid\n`);
  const refusals = report.flatMap(({ name, version, reason }) =>
    reason === null
      ? []
      : [{ what: titleOf(name, version), why: reason, todo: "sign it again with an authority of this file" }],
  );
  if (refusals.length > 0) throw new Failure(refusals);
}

function titleOf(name: string, version: number): string {
  return `${JSON.stringify(name)} (version ${version})`;
}

import { Command } from "commander";
import { formatDuration } from "../../../src/core/base/duration.ts";
import type { SigningBatch } from "../../enrolment/signing/batch.ts";
import { refuseExisting, writeFiles } from "../files.ts";
import { sayMade } from "../made.ts";
import { withRemote } from "../remote.ts";
import { localOperator, withStore } from "../service-files.ts";
import { type SigningDeskFlags, type Waiting, withSigningDesk } from "../signing-desk.ts";
import { orFail } from "../values.ts";

interface PendingFlags extends SigningDeskFlags {
  readonly export?: string;
  readonly json?: boolean;
}

export function pendingCommand(): Command {
  return withRemote(withStore(new Command("pending")))
    .description(
      "Hosts that wait for somebody to approve them, oldest first. The key's fingerprint is what lacis join prints there.",
    )
    .option(
      "--export <path>",
      "instead: write all that waits for the authority's key, the revocation list and debug access too, as a file for sign-batch",
    )
    .option("--json", "print the list as JSON")
    .action(pending);
}

async function pending(flags: PendingFlags): Promise<void> {
  const { export: file, json } = flags;
  if (file !== undefined) {
    refuseExisting(file);
    const batch = await withSigningDesk(flags, async (desk) => orFail(await desk.waiting()));
    return exportTo(file, batch, json);
  }
  const waiting = await withSigningDesk(flags, async (desk) => orFail(await desk.list()));
  if (json) process.stdout.write(`${JSON.stringify(waiting.hosts)}\n`);
  else tell(waiting);
}

async function exportTo(file: string, batch: SigningBatch, json: boolean | undefined): Promise<void> {
  const { formatBatch } = await import("../../enrolment/signing/batch.ts");
  writeFiles({ file, content: formatBatch(batch) });
  const count = batch.certificates.length;
  const list = batch.revocations?.number;
  const debugAccess = batch.debugAccess?.number;
  const lists = [
    ...(list === undefined ? [] : [`the revocation list ${list}`]),
    ...(debugAccess === undefined ? [] : [`the debug access ${debugAccess}`]),
  ];
  const what = [...(count > 0 || lists.length === 0 ? [`${count} hosts that wait`] : []), ...lists];
  sayMade(`a batch to be signed: ${what.join(" and ")}`, [file]);
  const made = { file, hosts: count, list: list ?? null, debugAccess: debugAccess ?? null };
  if (json) process.stdout.write(`${JSON.stringify(made)}\n`);
}

function tell({ hosts, isListDue }: Waiting): void {
  const { nowSeconds } = localOperator();
  if (hosts.length === 0) process.stdout.write("nobody waits\n");
  for (const { id, name, groups, keyFingerprint: key, source, askedAt } of hosts) {
    const since = formatDuration(BigInt(Math.max(0, nowSeconds - askedAt)));
    process.stdout.write(`${id}  ${name}  ${groups.join(",") || "-"}  key ${key}  from ${source}  for ${since}\n`);
  }
  if (isListDue) process.stderr.write(LIST_IS_DUE);
}

const LIST_IS_DUE =
  "lacis-cert: the revocation list - somebody was revoked who is not on the one that was signed last - sign it: pending -export, or where the key is here lacis revoke\n";

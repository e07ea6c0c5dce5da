import { Command } from "commander";
import { formatDuration } from "../../../src/core/base/duration.ts";
import { localOperator, type StoreFlags, withDatabase, withStore } from "../service-files.ts";

interface PendingFlags extends StoreFlags {
  readonly json?: boolean;
}

/** More than anybody decides about one by one. */
const ROWS_MAX = 10_000;

export function pendingCommand(): Command {
  return withStore(new Command("pending"))
    .description(
      "Hosts that wait for somebody to approve them, oldest first. The key's fingerprint is what lacis join prints there.",
    )
    .option("--json", "print the list as JSON")
    .action(pending);
}

async function pending(flags: PendingFlags): Promise<void> {
  const { waitingHosts } = await import("../../enrolment/requests.ts");
  const { nowSeconds } = localOperator();
  await withDatabase(flags, async (database) => {
    const rows = await waitingHosts(database, ROWS_MAX);
    if (flags.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
    else if (rows.length === 0) process.stdout.write("nobody waits\n");
    for (const { id, name, groups, keyFingerprint: key, source, askedAt } of flags.json ? [] : rows) {
      const since = formatDuration(BigInt(Math.max(0, nowSeconds - askedAt)));
      process.stdout.write(`${id}  ${name}  ${groups.join(",") || "-"}  key ${key}  from ${source}  for ${since}\n`);
    }
  });
}

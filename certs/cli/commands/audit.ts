import { Command } from "commander";
import { printable } from "../../../src/core/base/printable.ts";
import { Failure, usage } from "../failure.ts";
import { type StoreFlags, withDatabase, withStore } from "../service-files.ts";
import { parseCount } from "../values.ts";

interface AuditFlags extends StoreFlags {
  readonly after?: string;
  readonly head?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  return withStore(new Command("audit"))
    .description(
      "What was done by whom, oldest first. audit verify follows the chain of hashes from its beginning: a line that was changed or taken out is named. Keep the head that it prints elsewhere, and give it back with -head to miss no lines at the end.",
    )
    .argument("[action]", "verify, or nothing to list")
    .option("--after <line>", "only lines after this one")
    .option("--head <hash>", "with verify: a hash that was printed before, and must still be there")
    .option("--json", "print a JSON object a line")
    .action(audit);
}

async function audit(action: string | undefined, flags: AuditFlags): Promise<void> {
  if (action !== undefined && action !== "verify")
    throw usage(JSON.stringify(action), "audit does not know it", "give verify, or nothing");
  const after = flags.after === undefined ? 0 : parseCount(flags.after, "-after");
  await withDatabase(flags, (database) =>
    action === "verify" ? verify(database, flags) : list(database, after, flags),
  );
}

type Database = Parameters<Parameters<typeof withDatabase>[1]>[0];

async function verify(database: Database, { head, json }: AuditFlags): Promise<void> {
  const { verifyAudit } = await import("../../enrolment/audit.ts");
  const verdict = await verifyAudit(database, head);
  if (!verdict.ok) {
    const todo = "compare with a backup: somebody had the storage in their hands";
    throw new Failure({ what: "the audit log", why: verdict.reason, todo });
  }
  const { lines } = verdict.value;
  process.stdout.write(
    json ? `${JSON.stringify(verdict.value)}\n` : `${lines} lines, whole; head ${verdict.value.head}\n`,
  );
}

/** Lines that are read at once. */
const PAGE = 1_000;

async function list(database: Database, after: number, { json }: AuditFlags): Promise<void> {
  const { readAudit } = await import("../../enrolment/audit.ts");
  for (let last = after; ; ) {
    const lines = await readAudit(database, last, PAGE);
    for (const line of lines) {
      const { seq, at, who, action, subject, detail } = line;
      const facts = Object.entries(detail).filter(([, value]) => value !== "" && String(value) !== "");
      const told = facts.map(([name, value]) => `${name}=${String(value)}`).join(" ");
      process.stdout.write(
        json ? `${JSON.stringify(line)}\n` : `${seq}  ${at}  ${printable(`${who}  ${action}  ${subject}  ${told}`)}\n`,
      );
    }
    if (lines.length < PAGE) return;
    last = lines.at(-1)?.seq ?? last;
  }
}

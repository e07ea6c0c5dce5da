import { Command } from "commander";
import { printable } from "../../../src/core/base/printable.ts";
import type { Recorded } from "../../ledger/content.ts";
import { Failure } from "../failure.ts";
import { existingLedger } from "../ledger.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { now } from "../now.ts";
import { parseDuration } from "../values.ts";

interface ListFlags extends LedgerFlags {
  readonly expiring?: string;
  readonly fail?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function listCommand(): Command {
  return new Command("list")
    .description("What the authority has signed: the newest certificate of each name and version.")
    .option("--expiring <duration>", "only those that will have expired after this time: 30d, 720h")
    .option("--fail", "exit 1 when any is listed: for a timer that is to ring")
    .option("--all", "also those that are replaced, revoked or expired")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ledger <path>", "the ledger; without it: beside the authority's certificate")
    .option("--json", "print the list as JSON")
    .action(list);
}

type State = "valid" | "replaced" | "revoked" | "expired";

async function list(flags: ListFlags): Promise<void> {
  const within = flags.expiring === undefined ? undefined : Number(parseDuration(flags.expiring, "-expiring"));
  const { toJson } = await import("../../index.ts");
  const nowSeconds = Number(now().seconds);
  await using ledger = await existingLedger(flags);
  const { recorded } = await ledger.read();
  const rows = recorded
    .map((each) => ({ ...each.entry, state: stateOf(each, nowSeconds) }))
    .filter(({ state, notAfter }) =>
      within === undefined
        ? flags.all || state === "valid" || state === "expired"
        : state === "expired" || (state === "valid" && notAfter - nowSeconds <= within),
    );
  const shown = rows.map(({ event: _, at: signedAt, notBefore, notAfter, ...entry }) => ({
    ...entry,
    signedAt,
    notBefore: new Date(notBefore * 1000).toISOString(),
    notAfter: new Date(notAfter * 1000).toISOString(),
    secondsLeft: notAfter - nowSeconds,
  }));
  process.stdout.write(flags.json ? `${toJson(shown)}\n` : formatTable(shown));
  if (!flags.fail || shown.length === 0) return;
  const what = `${shown.length} of the authority's certificates`;
  throw new Failure({
    what,
    why: within === undefined ? "listed" : `expire within ${flags.expiring}`,
    todo: "resign them",
  });
}

function stateOf({ entry, isRevoked, isReplaced }: Recorded, nowSeconds: number): State {
  if (isRevoked) return "revoked";
  if (isReplaced) return "replaced";
  return entry.notAfter < nowSeconds ? "expired" : "valid";
}

interface Row {
  readonly name: string;
  readonly networks: readonly string[];
  readonly groups: readonly string[];
  readonly version: number;
  readonly state: State;
  readonly notAfter: string;
  readonly fingerprints: readonly string[];
}

/** Names and groups come from certificates. */
function formatTable(rows: readonly Row[]): string {
  const cells = rows.map(({ name, networks, groups, version, state, notAfter, fingerprints }) => [
    printable(name),
    networks.join(","),
    printable(groups.join(",")) || "-",
    `v${version}`,
    state,
    notAfter.slice(0, 10),
    fingerprints[0]?.slice(0, 16) ?? "",
  ]);
  const table = [["NAME", "NETWORKS", "GROUPS", "VERSION", "STATE", "EXPIRES", "FINGERPRINT"], ...cells];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

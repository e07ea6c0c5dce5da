import { Command } from "commander";
import { withDesk } from "../desk.ts";
import { dayOf } from "../made.ts";
import { localOperator, type StoreFlags, withStore } from "../service-files.ts";
import { orFail } from "../values.ts";

interface TokensFlags extends StoreFlags {
  readonly take?: string;
  readonly json?: boolean;
}

/** As many as anybody reads. */
const ROWS_MAX = 1_000;

export function tokensCommand(): Command {
  return withStore(new Command("tokens"))
    .description("Invitations, newest first, and what became of them. Their secrets are not kept and cannot be shown.")
    .option("--take <id>", "take back one that nobody has used")
    .option("--json", "print the list as JSON")
    .action(tokens);
}

async function tokens(flags: TokensFlags): Promise<void> {
  const { listTokens } = await import("../../enrolment/tokens.ts");
  await withDesk(flags, async ({ desk, database }) => {
    const operator = localOperator();
    if (flags.take !== undefined) orFail(await desk.withdraw(flags.take, operator));
    const all = (await listTokens(database, ROWS_MAX)).map(({ secretHash: _, ...shown }) => shown);
    if (flags.json) process.stdout.write(`${JSON.stringify(all)}\n`);
    for (const token of flags.json ? [] : all) {
      const state =
        token.withdrawnAt !== undefined
          ? "taken back"
          : token.usedName !== undefined
            ? `used by ${token.usedName}`
            : token.expires < operator.nowSeconds
              ? "expired"
              : `until ${new Date(token.expires * 1000).toISOString().slice(0, 16)}Z`;
      const made = `made ${dayOf(BigInt(token.madeAt))} by ${token.madeBy}`;
      process.stdout.write(
        `${token.id}  ${token.host || "(any name)"}  ${token.groups.join(",") || "-"}  ${state}  ${made}\n`,
      );
    }
  });
}

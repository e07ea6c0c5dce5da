import { Command } from "commander";
import { HOST_NAME } from "../../../src/core/enrolment/name.ts";
import { SCOPE_MEANINGS, SCOPES, type Scope } from "../../enrolment/scopes.ts";
import { withDesk } from "../desk.ts";
import { usage } from "../failure.ts";
import { refuseExisting, writeFiles } from "../files.ts";
import { dayOf, sayMade } from "../made.ts";
import { formatRemote } from "../remote.ts";
import { localOperator, type StoreFlags, withStore } from "../service-files.ts";
import { orFail, parseDuration, parseList } from "../values.ts";

interface AccessFlags extends StoreFlags {
  readonly scopes?: string;
  readonly ttl?: string;
  readonly take?: string;
  readonly out?: string;
  readonly json?: boolean;
}

const DEFAULT_SECONDS = 90 * 86_400;
/** More than anybody keeps an eye on. */
const ROWS_MAX = 1_000;

export function accessCommand(): Command {
  const meanings = SCOPES.map((scope) => `${scope}: ${SCOPE_MEANINGS[scope]}`).join("; ");
  return withStore(new Command("access"))
    .description(
      `Let a person or a program use the service's API, and print the secret, once; without a name, list who may. Scopes: ${meanings}.`,
    )
    .argument("[name]", "whose it is")
    .option("--scopes <list>", "what it may do; without it: read")
    .option("--ttl <duration>", "how long it is good; without it 90d")
    .option("--take <id>", "take access back")
    .option("--out <path>", "write the secret and where the service is into a file, for -remote elsewhere")
    .option("--json", "print it as JSON")
    .action(access);
}

async function access(name: string | undefined, flags: AccessFlags): Promise<void> {
  if (name !== undefined && flags.take !== undefined)
    throw usage("-take", "it is not clear what", "give a name, or -take");
  if (name !== undefined && !HOST_NAME.test(name)) {
    throw usage(JSON.stringify(name), "it is no name", "use letters, digits, dashes and dots, at most 63");
  }
  const { listAccess } = await import("../../enrolment/access.ts");
  await withDesk(flags, async ({ desk, registrar, database }) => {
    if (flags.take !== undefined) {
      const taken = orFail(await desk.takeAccess(flags.take, localOperator()));
      process.stdout.write(flags.json ? `${JSON.stringify({ taken })}\n` : `${taken} has no access any more\n`);
      return;
    }
    if (name !== undefined) {
      const wanted = { name, scopes: parseScopes(flags.scopes ?? "read"), validFor: validFor(flags.ttl) };
      refuseExisting(flags.out);
      const given = await desk.giveAccess(wanted, localOperator());
      const { id, expires } = given.access;
      if (flags.out !== undefined) {
        const { network, serviceKey } = await registrar.facts(database);
        const content = formatRemote({ endpoints: network.service, serviceKey, bearer: given.bearer });
        writeFiles({ file: flags.out, content });
        sayMade(`access for ${name} (${wanted.scopes.join(", ")}) until ${dayOf(BigInt(expires))}`, [flags.out]);
        if (flags.json) process.stdout.write(`${JSON.stringify({ id, file: flags.out, expires })}\n`);
        return;
      }
      process.stdout.write(
        flags.json ? `${JSON.stringify({ id, bearer: given.bearer, expires })}\n` : `${given.bearer}\n`,
      );
      return;
    }
    const all = (await listAccess(database, ROWS_MAX)).map(({ secretHash: _, ...shown }) => shown);
    if (flags.json) process.stdout.write(`${JSON.stringify(all)}\n`);
    for (const { id, name: whose, scopes, expires, withdrawnAt } of flags.json ? [] : all) {
      const until =
        withdrawnAt === undefined ? `until ${dayOf(BigInt(expires))}` : `taken back ${dayOf(BigInt(withdrawnAt))}`;
      process.stdout.write(`${id}  ${whose}  ${scopes.join(",")}  ${until}\n`);
    }
  });
}

function parseScopes(text: string): readonly Scope[] {
  return parseList(text).map((item) => {
    const scope = SCOPES.find((each) => each === item);
    if (scope === undefined)
      throw usage("-scopes", `there is no scope ${JSON.stringify(item)}`, `give of ${SCOPES.join(", ")}`);
    return scope;
  });
}

function validFor(ttl: string | undefined): number {
  return ttl === undefined ? DEFAULT_SECONDS : Number(parseDuration(ttl, "-ttl"));
}

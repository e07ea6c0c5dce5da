import { join } from "node:path";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { authorityHere } from "../../enrol/authority-here.ts";
import { passphraseFlags, runAuthority } from "../../enrol/authority-tool.ts";
import { answerByFile } from "../../enrol/by-file.ts";
import { readCarried, unwritable } from "../../enrol/host-files.ts";
import { replaceFile } from "../../runtime/files/atomic-file.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { type DebugMade, type LetIn, letIn, letInText } from "../debug/let-in.ts";
import { complain, say, sayJson, sayText } from "../output.ts";
import { qrText } from "../qr-text.ts";
import { type TargetOptions, withTarget } from "../target.ts";

/** What `lacis-cert invite -json` prints. */
interface Made {
  readonly token: string;
  readonly expires: number;
  readonly debug?: DebugMade;
}

interface InviteFlags extends TargetOptions {
  readonly debug?: string;
  readonly for?: string;
  readonly passphraseFile?: string;
  readonly groups?: string;
  readonly newGroup?: string;
  readonly duration?: string;
  readonly approve?: boolean;
  readonly ephemeral?: boolean;
  readonly signIn?: boolean;
  readonly ttl?: string;
  readonly reason?: string;
  readonly qr?: boolean;
  readonly request?: string;
  readonly bundle?: string;
  readonly dir?: string;
  readonly json?: boolean;
}

/** `lacis invite`: a token with which one machine may join. Made by `lacis-cert`: this program has no key to sign with. */
export function inviteCommand(): Command {
  return withTarget(new Command("invite"))
    .description("Make a token with which one machine may join, once; on the machine with the network's authority.")
    .argument("[name]", "the name that the new host is to have")
    .option("--groups <list>", "groups that it is to be in: a,b")
    .option("--new-group <list>", "groups that nobody is in yet, on purpose")
    .option("--ttl <duration>", "how long the token is good: 4h, 30m")
    .option("--duration <duration>", "how long its certificates are good; without it 30 days, and it renews them")
    .option("--approve", "whoever uses it waits until somebody says lacis-cert approve")
    .option("--ephemeral", "for lacis join --ephemeral: a host that does not stay, with a short certificate")
    .option(
      "--debug <list>",
      "let it in to debug: it reaches these, HOST:PORT, and nothing else, and nobody calls it: db1:5432,web*:22,dns:udp/53",
    )
    .option("--for <duration>", "with --debug: until when, from now on; without it 4h, and 24h at most")
    .option(
      "--passphrase-file <path>",
      "with --debug: the first line is the passphrase of an encrypted authority's key",
    )
    .option("--sign-in", "instead: the line that everybody joins with who signs in (docs/SIGN-IN.md)")
    .option("--reason <text>", "why, for the audit log")
    .option("--request <file>", "what a host asks that no way leads to: answer it here, without a token")
    .option("--bundle <file>", "where to write the answer: as secret as a token")
    .option("--qr", "print it as a QR code as well")
    .option("--dir <dir>", `where the network's files are; without it: ${thisPlatform().places.configBase}`)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExample:  sudo lacis invite laptop --groups debug --ttl 4h\n          On the laptop then: sudo lacis join lacis1-...\n          sudo lacis invite ann-laptop --debug 'db1:5432,web*:22' --for 4h --reason 'slow query'",
    )
    .action(async (name: string | undefined, flags: InviteFlags) => {
      const { dir, json, qr } = flags;
      if ((name === undefined) !== (flags.signIn ?? false)) throw nobodyMeant();
      if ((flags.request === undefined) !== (flags.bundle === undefined) || (flags.request && !name))
        throw halfByFile();
      const request = flags.request === undefined ? undefined : readCarried(flags.request);
      const authority = authorityHere(
        dir ?? thisPlatform().places.configBase,
        "cannot invite",
        "lacis-cert sign -name HOST -networks ADDRESS/BITS",
      );
      const bulletin = join(authority, "debug-access.pem");
      const printed = await runAuthority(
        authority,
        "invite",
        ...(name === undefined ? ["-sign-in"] : [name]),
        ...flagsOf(flags),
        ...(flags.debug === undefined ? [] : ["-bulletin", bulletin]),
        "-json",
      );
      const made = JSON.parse(printed) as Made;
      if (request !== undefined && flags.bundle !== undefined) await writeAnswer(request, made.token, flags.bundle);
      const told = made.debug && (await letIn(made.debug, flags, authority));
      if (told?.notTold !== undefined) process.exitCode = ExitCode.bad;
      if (json) return sayJson({ schema: ADMIN_SCHEMA, ...reported(made, flags.bundle), ...(told && plain(told)) });
      const explain = (): void => {
        for (const line of (made.debug && told && letInText(made.debug, told)) ?? []) say(line);
      };
      if (flags.bundle !== undefined) {
        say(`${flags.bundle}: carry it back, and show it to nobody else - there: sudo lacis join --bundle FILE`);
        return explain();
      }
      const ephemeral = flags.ephemeral ? "--ephemeral " : "";
      if (name === undefined) say("on every machine whose person may sign in, as often as you like:");
      else say(`on ${name}, until ${new Date(made.expires * 1_000).toISOString()}, once:`);
      sayText(`sudo lacis join ${ephemeral}${made.token}`);
      if (qr) sayText(await qrText(made.token));
      explain();
    });
}

function nobodyMeant(): OperatorError {
  const what = { what: "cannot invite", why: "either a host's name or --sign-in is needed", todo: "lacis invite NAME" };
  return new OperatorError("nobody-meant", what, ExitCode.usage);
}

/** Asks the service in the place of a host that cannot, and writes what is to be carried to it. */
async function writeAnswer(request: string, token: string, bundle: string): Promise<void> {
  const now = BigInt(Math.floor(Date.now() / 1000));
  const content = await answerByFile(request, token, now, {
    waiting: ({ id, why }) => complain(`lacis: waiting - ${why} - lacis-cert approve ${id}`),
  });
  try {
    replaceFile({ file: bundle, content });
  } catch (error) {
    throw unwritable(bundle, error);
  }
}

/** What programs are told: of an answer by file its place, and no token that is used up. */
function reported({ debug, ...made }: Made, bundle: string | undefined): object {
  const shown = debug && { group: debug.group, until: debug.until, targets: debug.targets };
  return { ...(bundle === undefined ? made : { bundle }), ...(shown && { debug: shown }) };
}

function plain({ bulletin, missing, notTold }: LetIn): object {
  return { bulletin: bulletin ?? null, missing, notTold: notTold ?? null };
}

function halfByFile(): OperatorError {
  const why = "a request is answered with a bundle: both files are needed";
  const todo = "lacis invite HOST --request FILE --bundle FILE";
  return new OperatorError("usage", { what: "cannot answer", why, todo }, ExitCode.usage);
}

/** As lacis-cert spells them. */
function flagsOf(flags: InviteFlags): readonly string[] {
  const { groups, newGroup, ttl, duration, reason, debug, approve, ephemeral, passphraseFile } = flags;
  const valued = {
    groups,
    "new-group": newGroup,
    ttl,
    duration,
    reason,
    debug,
    for: flags.for,
  };
  return [
    ...Object.entries(valued).flatMap(([flag, value]) => (value === undefined ? [] : [`-${flag}`, value])),
    ...passphraseFlags(passphraseFile),
    ...(approve ? ["-approve"] : []),
    ...(ephemeral ? ["-ephemeral"] : []),
  ];
}

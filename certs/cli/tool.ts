import { type Command, CommanderError } from "commander";
import { printable } from "../../src/core/base/printable.ts";
import { StorageFailure } from "../enrolment/storage/failure.ts";
import { formatRefusal } from "../refusal.ts";
import { ExitCode, Failure } from "./failure.ts";
import { fromGoSpelling } from "./go-flags.ts";

/** Each command is loaded when it is asked for: the tool starts before the cryptography is there. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  ca: {
    summary: "make a certificate authority",
    load: async () => (await import("./commands/ca.ts")).caCommand(),
  },
  keygen: {
    summary: "make a host's key pair, to have its public half signed",
    load: async () => (await import("./commands/keygen.ts")).keygenCommand(),
  },
  sign: {
    summary: "sign a certificate for a host",
    load: async () => (await import("./commands/sign.ts")).signCommand(),
  },
  print: {
    summary: "show what certificates say",
    load: async () => (await import("./commands/print.ts")).printCommand(),
  },
  verify: {
    summary: "ask whether certificates are accepted",
    load: async () => (await import("./commands/verify.ts")).verifyCommand(),
  },
  resign: {
    summary: "sign a host's certificates again, for a new time",
    load: async () => (await import("./commands/resign.ts")).resignCommand(),
  },
  revoke: {
    summary: "take back what a name was given; what to put on blocklists",
    load: async () => (await import("./commands/revoke.ts")).revokeCommand(),
  },
  bulletin: {
    summary: "sign what the whole network is to hear",
    load: async () => (await import("./commands/bulletin.ts")).bulletinCommand(),
  },
  list: {
    summary: "what was signed, from the ledger; what expires soon",
    load: async () => (await import("./commands/list.ts")).listCommand(),
  },
  record: {
    summary: "enter into the ledger what was signed without it",
    load: async () => (await import("./commands/record.ts")).recordCommand(),
  },
  rotate: {
    summary: "exchange the authority in three stages, none of which leaves a host behind",
    load: async () => (await import("./commands/rotate.ts")).rotateCommand(),
  },
  "next-address": {
    summary: "an address that nobody has",
    load: async () => (await import("./commands/next-address.ts")).nextAddressCommand(),
  },
  network: {
    summary: "set up an enrolment service, and say what network it is for",
    load: async () => (await import("./commands/network.ts")).networkCommand(),
  },
  serve: {
    summary: "run the enrolment service",
    load: async () => (await import("./commands/serve.ts")).serveCommand(),
  },
  invite: {
    summary: "make a token that a host joins with",
    load: async () => (await import("./commands/invite.ts")).inviteCommand(),
  },
  enrol: {
    summary: "make a host that the service renews of a key, without a token",
    load: async () => (await import("./commands/enrol.ts")).enrolCommand(),
  },
  tokens: {
    summary: "invitations, and what became of them",
    load: async () => (await import("./commands/tokens.ts")).tokensCommand(),
  },
  pending: {
    summary: "hosts that wait for somebody to approve them",
    load: async () => (await import("./commands/pending.ts")).pendingCommand(),
  },
  "sign-batch": {
    summary: "sign all that waits, where the authority's key is",
    load: async () => (await import("./commands/sign-batch.ts")).signBatchCommand(),
  },
  upload: {
    summary: "bring back what sign-batch has signed",
    load: async () => (await import("./commands/upload.ts")).uploadCommand(),
  },
  approve: {
    summary: "sign for a host that waits",
    load: async () => (await import("./commands/approve.ts")).approveCommand(),
  },
  deny: {
    summary: "deny a host that waits, with a reason",
    load: async () => (await import("./commands/approve.ts")).denyCommand(),
  },
  access: {
    summary: "let people and programs use the service's API",
    load: async () => (await import("./commands/access.ts")).accessCommand(),
  },
  audit: {
    summary: "what was done by whom; verify that nothing was changed",
    load: async () => (await import("./commands/audit.ts")).auditCommand(),
  },
};

/** Runs one command line, without the program's name. Prints what there is to say; never throws at an operator. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const [verb = "", ...rest] = args;
  if (/^--?(h|help)$/.test(verb)) return printHelp();
  if (/^--?version$/.test(verb)) return printVersion();
  const entry = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined;
  if (!entry) {
    const why = verb === "" ? "no command was given" : `there is no command ${JSON.stringify(verb)}`;
    return complain(
      [`${why} - give one of ${Object.keys(COMMANDS).join(", ")} - see lacis-cert --help`],
      ExitCode.usage,
    );
  }
  const command = await entry.load();
  command
    .name(`lacis-cert ${verb}`)
    .helpOption("-h, --help", "explain this command")
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addHelpText("after", "\nFlags may have one dash or two, as in nebula-cert.");
  const flags = new Map(command.options.map((option) => [option.name(), { takesValue: option.required }]));
  try {
    await command.parseAsync(fromGoSpelling(rest, flags.set("help", { takesValue: false })), { from: "user" });
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof Failure) return complain(error.refusals.map(formatRefusal), error.exitCode);
    if (error instanceof StorageFailure) return complain([formatRefusal(error.refusal)], ExitCode.bad);
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return ExitCode.ok;
    return complain([`${verb} - ${oneLine(error.message)} - see lacis-cert ${verb} --help`], ExitCode.usage);
  }
}

function complain(lines: readonly string[], exitCode: ExitCode): ExitCode {
  process.stderr.write(lines.map((line) => `lacis-cert: ${printable(line)}\n`).join(""));
  return exitCode;
}

/** Commander's "error: unknown option '--nam'\n(Did you mean --name?)", without its prefix and its line break. */
function oneLine(message: string): string {
  return message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
}

function printHelp(): ExitCode {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);
  process.stdout.write(
    [
      "Usage: lacis-cert COMMAND [flags]",
      "",
      "The certificates of a mesh: makes an authority, signs hosts, reads and judges what others made. Reads and writes what nebula-cert does.",
      "",
      ...commands,
      "",
      "lacis-cert COMMAND --help explains its flags. Exit codes: 0 done, 1 refused, 2 not understood.",
      "",
    ].join("\n"),
  );
  return ExitCode.ok;
}

async function printVersion(): Promise<ExitCode> {
  const { packageVersion } = await import("../../src/runtime/package-root.ts");
  process.stdout.write(`lacis-cert ${packageVersion()}\n`);
  return ExitCode.ok;
}

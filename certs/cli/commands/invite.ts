import { Command } from "commander";
import { GROUP_NAME, HOST_NAME } from "../../../src/core/enrolment/name.ts";
import type { EnrolmentToken } from "../../../src/core/enrolment/token.ts";
import { withDesk } from "../desk.ts";
import { usage } from "../failure.ts";
import { localOperator, withStore } from "../service-files.ts";
import { orFail, parseDuration, parseList } from "../values.ts";
import { type DebugFlags, inviteToDebug, refuseBesideDebug } from "./invite-to-debug.ts";

interface InviteFlags extends DebugFlags {
  readonly groups?: string;
  readonly newGroup?: string;
  readonly ttl?: string;
  readonly duration?: string;
  readonly approve?: boolean;
  readonly ephemeral?: boolean;
  readonly signIn?: boolean;
  readonly reason?: string;
  readonly qr?: boolean;
  readonly json?: boolean;
}

/** A host that is not to stay keeps its certificate for a working day. */
const EPHEMERAL_SECONDS = 8 * 3_600;
const REASON_CHARACTERS_MAX = 256;

export function inviteCommand(): Command {
  return withStore(new Command("invite"))
    .description("Invite a host: print a token that it joins with, once.")
    .argument("[name]", "the host's name; without it, whoever joins chooses")
    .option("--groups <list>", "groups that the host will be in")
    .option("--new-group <list>", "groups that nobody is in yet, on purpose")
    .option("--ttl <duration>", "how long the token may be used, a day at most; without it 4h")
    .option(
      "--duration <duration>",
      "how long the host's certificates are valid; without it 30d, or 8h with -ephemeral",
    )
    .option("--approve", "whoever uses it waits until somebody approves")
    .option("--ephemeral", "the host is not to stay")
    .option(
      "--debug <list>",
      "it is to reach these, HOST:PORT, and nothing else, and is called by nobody: db1:5432,web*:22,dns:udp/53",
    )
    .option(
      "--for <duration>",
      "with -debug, until when, from now on; without it 4h, and 24h at most (network -debug-max)",
    )
    .option("--bulletin <path>", "with -debug, sign what lets it in and write it there, for lacis publish")
    .option("--ca-key <path>", "private key of the authority, for -bulletin", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--sign-in", "print the line that any number of people join with who sign in (serve -sign-in)")
    .option("--reason <text>", "what it is for, for the audit log")
    .option("--qr", "draw the token as a QR code too")
    .option("--json", "print it as JSON")
    .action(invite);
}

async function invite(name: string | undefined, flags: InviteFlags): Promise<void> {
  const { TOKEN_SECONDS_MAX } = await import("../../enrolment/desk.ts");
  const { DEFAULT_LIFETIME_SECONDS, DEFAULT_TOKEN_SECONDS } = await import("../../enrolment/invitation.ts");
  if (name !== undefined && !HOST_NAME.test(name)) {
    throw usage(JSON.stringify(name), "it is no name for a host", "use letters, digits, dashes and dots, at most 63");
  }
  const groups = parseList(flags.groups);
  const odd = groups.find((group) => !GROUP_NAME.test(group));
  if (odd !== undefined) throw usage(JSON.stringify(odd), "it is no name for a group", "use letters, digits and ._:-");
  refuseBesideDebug({ ...flags });
  const validFor = seconds(flags.ttl, "-ttl") ?? DEFAULT_TOKEN_SECONDS;
  if (validFor > TOKEN_SECONDS_MAX)
    throw usage("-ttl", `a token lasts a day at most`, "invite when the host is at hand");
  const lifetime =
    seconds(flags.duration, "-duration") ?? (flags.ephemeral ? EPHEMERAL_SECONDS : DEFAULT_LIFETIME_SECONDS);
  const reason = flags.reason ?? "";
  if (reason.length > REASON_CHARACTERS_MAX)
    throw usage("-reason", "it is too long", `say it in ${REASON_CHARACTERS_MAX} characters`);
  const needsApproval = flags.approve ?? false;
  if (flags.debug !== undefined) {
    if (name === undefined) throw usage("-debug", "it needs a name", "say which host: invite laptop -debug db1:5432");
    const { token, access, request, file } = await inviteToDebug(
      { host: name, validFor, needsApproval, reason },
      flags,
    );
    const { plainAccess } = await import("../../../src/core/policy/debug-access.ts");
    return say(token, flags, { groups: [access.group], debug: { ...plainAccess(access), request, file } });
  }
  const token = await withDesk(flags, async ({ desk }) => {
    if (flags.signIn) return desk.signInLink(localOperator().nowSeconds);
    const newGroups = parseList(flags.newGroup);
    const isEphemeral = flags.ephemeral ?? false;
    const invitation = { host: name ?? "", groups, newGroups, validFor, lifetime, needsApproval, isEphemeral, reason };
    return orFail(await desk.invite(invitation, localOperator()));
  });
  await say(token, flags, { groups });
}

/** `more`: for programs. */
async function say(token: EnrolmentToken, { json, qr }: InviteFlags, more: object): Promise<void> {
  const { formatToken } = await import("../../../src/core/enrolment/token.ts");
  const { portableSuite } = await import("../../../src/core/crypto/portable.ts");
  const text = formatToken(token, portableSuite);
  if (json) {
    const { id, host, expires, endpoints } = token;
    process.stdout.write(
      `${JSON.stringify({ token: text, id, host, ...more, expires: Number(expires), endpoints })}\n`,
    );
    return;
  }
  process.stdout.write(`${text}\n`);
  if (!qr) return;
  const { qrOnTerminal } = await import("../qr-png.ts");
  process.stdout.write(await qrOnTerminal(text));
}

function seconds(duration: string | undefined, flag: string): number | undefined {
  return duration === undefined ? undefined : Number(parseDuration(duration, flag));
}

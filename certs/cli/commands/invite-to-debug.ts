import type { Authority } from "../../authority.ts";
import type { InvitedToDebug } from "../../enrolment/debug-access.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { withDesk } from "../desk.ts";
import { usage } from "../failure.ts";
import { replaceText } from "../files.ts";
import { now } from "../now.ts";
import { exists, localOperator, type StoreFlags } from "../service-files.ts";
import { orFail, parseDuration, parseList } from "../values.ts";

/** The flags of an invitation to debug something. */
export interface DebugFlags extends StoreFlags, CaFileFlags {
  readonly debug?: string;
  readonly for?: string;
  readonly bulletin?: string;
}

/** As long as a token is good without more being said. */
const FOR_DEFAULT = "4h";

/** What an invitation to debug has come to, as JSON. */
export interface DebugInvited extends InvitedToDebug {
  /** What is signed, for `lacis publish`; undefined: the request is to be signed where the key is. */
  readonly file: string | undefined;
}

/** Enters the invitation, and signs what lets its host in. The key comes first: nothing is left half done because it cannot be opened. */
export async function inviteToDebug(
  invitation: {
    readonly host: string;
    readonly validFor: number;
    readonly needsApproval: boolean;
    readonly reason: string;
  },
  flags: DebugFlags,
): Promise<DebugInvited> {
  const seconds = Number(parseDuration(flags.for ?? FOR_DEFAULT, "-for"));
  const debug = { targets: parseList(flags.debug), seconds };
  const isSigned = flags.bulletin !== undefined && exists(flags.caKey);
  const authority = isSigned ? await openCa(flags, now().wall) : undefined;
  const invited = await withDesk(flags, async ({ desk }) =>
    orFail(await desk.inviteToDebug({ ...invitation, debug }, localOperator())),
  );
  if (!authority || flags.bulletin === undefined) return { ...invited, file: undefined };
  replaceText(flags.bulletin, await signed(authority, invited));
  const { debugListSigned } = await import("../../enrolment/signing/debug-list.ts");
  await withDesk(flags, ({ database }) => database.exclusively((sql) => debugListSigned(sql, invited.request.number)));
  return { ...invited, file: flags.bulletin };
}

/** What says the same in another way, or makes no sense with it. */
export function refuseBesideDebug(flags: DebugFlags & Readonly<Record<string, unknown>>): void {
  if (flags.debug === undefined) {
    for (const flag of ["for", "bulletin"])
      if (flags[flag] !== undefined)
        throw usage(`-${flag}`, "it belongs to -debug", "say what is to be reached: -debug db1:5432");
    return;
  }
  const reasons = {
    groups: "a host that is let in to debug has a group of its own, and no other",
    newGroup: "a host that is let in to debug has a group of its own, and no other",
    duration: "its certificate is good as long as its access",
    signIn: "nobody signs in to debug",
  };
  for (const [flag, why] of Object.entries(reasons))
    if (flags[flag] !== undefined)
      throw usage(
        `-${flag === "newGroup" ? "new-group" : flag === "signIn" ? "sign-in" : flag}`,
        why,
        "leave it out, or leave out -debug",
      );
}

async function signed(authority: Authority, { request }: InvitedToDebug): Promise<string> {
  const { signBulletins } = await import("../../bulletin.ts");
  const { formatBulletin } = await import("../../../src/core/bulletin/armour.ts");
  return orFail(signBulletins(authority, request, Number(now().seconds)))
    .map(formatBulletin)
    .join("");
}

import { existsSync } from "node:fs";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { runAuthority } from "../../enrol/authority-tool.ts";
import { hostFilesIn } from "../../enrol/host-files.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { say, sayJson, sayText } from "../output.ts";
import { qrText } from "../qr-text.ts";

interface InviteFlags {
  readonly groups?: string;
  readonly ttl?: string;
  readonly reason?: string;
  readonly qr?: boolean;
  readonly dir?: string;
  readonly json?: boolean;
}

/** `lacis invite`: a token with which one machine may join. Made by `lacis-cert`: this program has no key to sign with. */
export function inviteCommand(): Command {
  return new Command("invite")
    .description("Make a token with which one machine may join, once; on the machine with the network's authority.")
    .argument("<name>", "the name that the new host is to have")
    .option("--groups <list>", "groups that it is to be in: a,b")
    .option("--ttl <duration>", "how long the token is good: 4h, 30m")
    .option("--reason <text>", "why, for the audit log")
    .option("--qr", "print it as a QR code as well")
    .option("--dir <dir>", `where the network's files are; without it: ${thisPlatform().places.configBase}`)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExample:  sudo lacis invite laptop --groups debug --ttl 4h\n          On the laptop then: sudo lacis join lacis1-...",
    )
    .action(async (name: string, { dir, json, qr, ...flags }: InviteFlags) => {
      const { authority } = hostFilesIn(dir ?? thisPlatform().places.configBase);
      refuseWithoutAuthority(authority);
      const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`-${flag}`, value]));
      const printed = await runAuthority("invite", "-dir", authority, "-name", name, ...given, "-json");
      const made = JSON.parse(printed) as { readonly token: string; readonly expires: string };
      if (json) return sayJson({ schema: ADMIN_SCHEMA, ...made });
      say(`on ${name}, until ${made.expires}, once:`);
      sayText(`sudo lacis join ${made.token}`);
      if (qr) sayText(await qrText(made.token));
    });
}

function refuseWithoutAuthority(authority: string): void {
  if (existsSync(authority)) return;
  throw new OperatorError("no-authority", {
    what: "cannot invite",
    why: `the network's authority is not here: there is no ${authority}`,
    todo: "run this on the machine where lacis init was run, or give its folder with --dir",
  });
}

import { readFileSync } from "node:fs";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { bulletinText } from "../../core/bulletin/text.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { systemWords } from "../../runtime/system-words.ts";
import { say, sayJson } from "../output.ts";
import { spread, spreadText } from "../spread.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";
import { waiting } from "../waiting.ts";

/** `lacis publish`: what the authority has signed elsewhere, into the network. */
export function publishCommand(): Command {
  return withTarget(new Command("publish"))
    .description("Give the network what its authority has signed: on any host of it.")
    .argument("<file>", 'a bulletin, as lacis-cert wrote it; "-" reads standard input')
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Hosts hand it to each other and check its signature; nobody goes back to a lower number. After three seconds at most it
says on how many hosts it is applied; those that are away hear of it when they come back (lacis bulletins).

Example:  lacis-cert revoke laptop -bulletin list.pem   where the authority's key is, then here:  sudo lacis publish list.pem`,
    )
    .action(async (file: string, options: TargetOptions & { json?: boolean }) => {
      const text = readBulletin(file);
      const told = await waiting("telling the network", spread(adminSocket(options), text));
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, bulletin: told });
      else say(`the ${bulletinText(told.kind, told.number)} is published: ${spreadText(told)}`);
    });
}

export function readBulletin(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new OperatorError(
      "no-bulletin",
      { what: file, why: systemWords(error), todo: "give the path of a bulletin" },
      ExitCode.usage,
    );
  }
}

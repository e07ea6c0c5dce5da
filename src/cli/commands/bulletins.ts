import { Command } from "commander";
import type { BulletinsReport } from "../../admin/bulletins/bulletin-verbs.ts";
import { askDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { bulletinText } from "../../core/bulletin/text.ts";
import type { BulletinStatus } from "../../core/machine/bulletins/status.ts";
import { say, sayJson } from "../output.ts";
import { spreadText } from "../spread.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

const TIMEOUT_MS = 5_000;

/** `lacis bulletins`: what the authority has told the network, and who has applied it. */
export function bulletinsCommand(): Command {
  return withTarget(new Command("bulletins"))
    .description("What the authority has told the whole network, and which hosts have applied it.")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:  lacis bulletins")
    .action(async (options: TargetOptions & { json?: boolean }) => {
      const report = (await askDaemon(adminSocket(options), { verb: "bulletins" }, TIMEOUT_MS)) as BulletinsReport;
      if (options.json) return sayJson({ schema: ADMIN_SCHEMA, ...report });
      if (report.bulletins.length === 0) return say("the authority has told this network nothing yet");
      for (const bulletin of report.bulletins) say(lineOf(bulletin));
    });
}

function lineOf(bulletin: BulletinStatus): string {
  const { kind, number, authority, issuedAt, state } = bulletin;
  const signed = new Date(issuedAt * 1000).toISOString().slice(0, 16).replace("T", " ");
  const here = state === "applied" ? "applied here" : state === "refused" ? "cannot be applied here" : "kept here";
  return `${bulletinText(kind, number)} of ${authority}, signed ${signed} UTC, ${here}: ${spreadText(bulletin)}`;
}

import { Command, InvalidArgumentError, Option } from "commander";
import { followDaemon } from "../../admin/client.ts";
import { ADMIN_SCHEMA, type EventReport } from "../../admin/protocol.ts";
import { EVENT_CODES } from "../../core/operator/render.ts";
import { endWithInterrupt } from "../interrupt.ts";
import { sayJson } from "../output.ts";
import { eventLine, lostLine } from "../render-event.ts";
import { adminSocket, type TargetOptions, withTarget } from "../target.ts";

interface EventsOptions extends TargetOptions {
  readonly level: EventReport["level"];
  readonly code?: readonly string[];
  readonly json?: boolean;
}

/** `lacis events`: what the daemon tells its operator, as it happens. */
export function eventsCommand(): Command {
  return withTarget(new Command("events"))
    .description("Print what happens to this host, as it happens, until Ctrl-C.")
    .addOption(
      new Option("-l, --level <level>", "the least that is told")
        .choices(["trace", "debug", "info", "warn", "error"])
        .default("info"),
    )
    .option("--code <code>", "only events with this code; may be given more than once", oneMoreCode)
    .option("--json", "print one JSON object a line")
    .addHelpText(
      "after",
      `
Begins with what happens from now on; what was before is in the log. The level is that of this command, not that of the
log (logging.level). docs/EVENTS.md lists the codes. A reader that does not keep up is told how many events it lost.
Exit code 0 after Ctrl-C, 3 when the daemon ends.

Example:  lacis events --code tunnel-up --code tunnel-down`,
    )
    .action(async ({ level, code, json, ...target }: EventsOptions) => {
      endWithInterrupt();
      const socket = adminSocket(target);
      await followDaemon(
        socket,
        { verb: "events", level },
        {
          heard: (result) => {
            const event = result as EventReport;
            if (code?.includes(event.code) === false) return;
            if (json) sayJson({ schema: ADMIN_SCHEMA, ...event });
            else process.stdout.write(eventLine(event));
          },
          lost: (lost) => {
            if (json) sayJson({ schema: ADMIN_SCHEMA, lost });
            else process.stdout.write(lostLine(lost));
          },
        },
      );
    });
}

function oneMoreCode(code: string, before: readonly string[] = []): readonly string[] {
  if (EVENT_CODES.some((known) => known === code)) return [...before, code];
  throw new InvalidArgumentError("There is no such code; docs/EVENTS.md lists them.");
}

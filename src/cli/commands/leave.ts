import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { hostFilesIn } from "../../enrol/host-files.ts";
import { leave } from "../../enrol/leave.ts";
import { refuseWithoutPrivilege } from "../../enrol/local-checks.ts";
import { ExitCode, OperatorError } from "../../runtime/operator-error.ts";
import { thisPlatform } from "../../runtime/platform/this-platform.ts";
import { AUTHORITY_SERVICE, daemonSocket, HOST_SERVICE } from "../host-start.ts";
import { complain, say, sayJson } from "../output.ts";

/** `lacis leave`: what joining did, undone. */
export function leaveCommand(): Command {
  return new Command("leave")
    .description(
      "Take this machine out of its network: stop the host, have its certificate taken back, remove its files and its key.",
    )
    .option("--dir <dir>", `where its files are; without it: ${thisPlatform().places.configBase}`)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
An authority that does not answer keeps nobody: the files go all the same, and with them the key without which the certificate is of
no use; its name stays taken there until the certificate ends, or lacis revoke NAME. An authority that is on this machine stays.

Example:  sudo lacis leave`,
    )
    .action(async ({ dir, json }: { dir?: string; json?: boolean }) => {
      if (dir === undefined) refuseWithoutPrivilege("cannot leave", "lacis leave");
      const files = hostFilesIn(dir ?? thisPlatform().places.configBase);
      await stop(dir);
      refuseRunning(daemonSocket(files), files.config);
      const left = await leave(files);
      if (left.isTold === false) {
        const name = left.name ?? "NAME";
        complain(`lacis: the authority does not know yet - ${left.why} - tell whoever runs it: lacis revoke ${name}`);
      }
      if (json) {
        const { name = null, network = null, isTold = null, removed, kept = null } = left;
        sayJson({ schema: ADMIN_SCHEMA, name, network, told: isTold, removed, kept });
        return;
      }
      say(`left ${left.network ?? "the network"} - removed ${left.removed.join(", ") || "what was begun"}`);
      if (left.kept) say(`kept ${left.kept}: the authority, and the only copy of its key`);
    });
}

async function stop(dir: string | undefined): Promise<void> {
  const { supervisor, places } = thisPlatform();
  if (!supervisor.isThere() || (dir !== undefined && dir !== places.configBase)) return;
  for (const service of [HOST_SERVICE, AUTHORITY_SERVICE])
    if (supervisor.knows(service)) await supervisor.stop(service);
}

/** Files are not taken from under a host that runs. */
function refuseRunning(socket: string | undefined, config: string): void {
  if (socket === undefined) return;
  throw new OperatorError(
    "host-runs",
    {
      what: "cannot leave",
      why: `a daemon still runs ${config}, and no service of this machine has started it`,
      todo: "end it (Ctrl-C where lacis join or lacis run stands), then run this again",
    },
    ExitCode.bad,
  );
}

import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { joinStreams } from "../../runtime/proxy/socks-session.ts";
import { parseForward, serveLoopback } from "../loopback.ts";
import { complain, complainJson, say, sayJson } from "../output.ts";
import { openStream, proxySocket } from "../proxy-client.ts";
import { type TargetOptions, withTarget } from "../target.ts";

/** `lacis forward`: a port of this machine that leads to a port of a host of the mesh. */
export function forwardCommand(): Command {
  const command = new Command("forward")
    .description("Lead a port of this machine to one of a host, where there is no device (lacis join --userspace).")
    .argument("<what>", "[ADDRESS:]PORT:HOST:PORT; ADDRESS is one of this machine's loopback (127.0.0.1)")
    .option("--json", "print where it is as JSON; what becomes of single connections, on standard error")
    .addHelpText(
      "after",
      `
Every user of this machine can connect to that port for as long as this command runs.

Example:  lacis forward 5432:db1:5432`,
    )
    .action(async (what: string, options: TargetOptions & { readonly json?: boolean }) => {
      const { at, to } = parseForward(what);
      const socket = proxySocket(options);
      const reached = await serveLoopback(at, (client) => {
        client.on("error", () => client.destroy());
        openStream(socket, to).then(
          (stream) => joinStreams(client, stream),
          (error: unknown) => {
            client.resetAndDestroy();
            tellFailure(error, options.json);
          },
        );
      });
      if (options.json) sayJson({ schema: ADMIN_SCHEMA, listen: reached, to });
      else say(`${reached} leads to port ${to.port} of ${to.host}`);
    });
  return withTarget(command);
}

/** Of one connection: the others go on. */
function tellFailure(error: unknown, asJson: boolean | undefined): void {
  if (!(error instanceof OperatorError)) complain(`lacis: ${error}`);
  else if (asJson) complainJson({ schema: ADMIN_SCHEMA, error: { code: error.code, ...error.complaint } });
  else complain(`lacis: ${error.message}`);
}

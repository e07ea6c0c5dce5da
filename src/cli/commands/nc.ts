import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { parsePort } from "../port.ts";
import { openStream, proxySocket } from "../proxy-client.ts";
import { type TargetOptions, withTarget } from "../target.ts";

/** `lacis nc`: one stream to a host of the mesh, from standard input and to standard output. */
export function ncCommand(): Command {
  const command = new Command("nc")
    .description(
      "Carry standard input and output to a TCP port of a host, where there is no device (lacis join --userspace).",
    )
    .argument("<host>", "name or overlay address")
    .argument("<port>")
    .addHelpText(
      "after",
      `
Ends when both ends have said their last byte.

Example:  ssh -o ProxyCommand="lacis nc %h %p" db1`,
    )
    .action(async (host: string, port: string, options: TargetOptions) => {
      const stream = await openStream(proxySocket(options), host, parsePort(port));
      await Promise.all([pipeline(process.stdin, stream), pipeline(stream, process.stdout)]);
    });
  return withTarget(command);
}

import { once } from "node:events";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { sayJson, takeOutput } from "../output.ts";
import { parsePort } from "../port.ts";
import { brokenOff, openStream, parseHost, proxySocket } from "../proxy-client.ts";
import { seconds } from "../seconds.ts";
import { type TargetOptions, withTarget } from "../target.ts";

interface NcOptions extends TargetOptions {
  /** Milliseconds. */
  readonly wait?: number;
  readonly json?: boolean;
}

/** `lacis nc`: one stream to a host of the mesh, from standard input and to standard output. */
export function ncCommand(): Command {
  const command = new Command("nc")
    .description(
      "Carry standard input and output to a TCP port of a host, where there is no device (lacis join --userspace).",
    )
    .argument("<host>", "name or overlay address")
    .argument("<port>")
    .option("-w, --wait <seconds>", "how long to wait for an answer; without it: 30 s", seconds)
    .option("--json", "tell on standard error, as JSON, what becomes of it: standard output is the stream")
    .addHelpText(
      "after",
      `
Ends when both ends have said their last byte: exit code 0. One that breaks off before that ends with 6, and what came may not be all.
A port that rules forbid, here or there, is told within a second, with the rule that comes closest.

Example:  ssh -o ProxyCommand="lacis nc %h %p" db1`,
    )
    .action(carry);
  return withTarget(command);
}

async function carry(host: string, port: string, options: NcOptions): Promise<void> {
  takeOutput();
  const target = { host: parseHost(host), port: parsePort(port) };
  const stream = await openStream(proxySocket(options), target, options.wait);
  const tell = (event: string, more: object = {}): void => {
    if (options.json) sayJson({ schema: ADMIN_SCHEMA, event, ...target, ...more });
  };
  tell("connected");
  const bytes = { sent: 0, received: 0 };
  process.stdin.on("data", (chunk: Buffer) => (bytes.sent += chunk.length));
  try {
    await Promise.all([
      pipeline(process.stdin, stream),
      print(stream, (count) => {
        bytes.received += count;
      }),
    ]);
  } catch {
    throw brokenOff(target);
  }
  tell("ended", bytes);
}

/** A pipeline would break standard output off as well, and that counts as a reader who has gone. */
async function print(stream: Readable, count: (bytes: number) => void): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    count(chunk.length);
    if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
  }
}

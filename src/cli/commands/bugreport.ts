import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { OperatorError, systemCode } from "../../runtime/operator-error.ts";
import { systemWords } from "../../runtime/system-words.ts";
import { collect } from "../bugreport/collect.ts";
import { tar } from "../bugreport/tar.ts";
import { say, sayJson } from "../output.ts";
import { type TargetOptions, withTarget } from "../target.ts";

/** `lacis bugreport`: what somebody else needs to understand what is wrong, as a file on this machine. */
export function bugreportCommand(): Command {
  return withTarget(new Command("bugreport"))
    .description("Write an archive about this host for whoever helps: no secrets, and sent nowhere.")
    .option("-o, --output <path>", "where to write it (default: here, with the time in its name)")
    .option("--anonymise", "replace names, groups and addresses by others, each by the same one wherever it stands")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Holds what status, rules, netcheck, metrics and doctor say, the configuration as it is understood, the log, addresses and routes. Private keys, passwords and
tokens are left out. Works without a running daemon, too, when --config says which configuration it would run. Look into it before it is passed on:
tar -xzf FILE. Exit code 0 when it was written.

Examples: sudo lacis bugreport
          sudo lacis bugreport --anonymise --output /tmp/report.tar.gz`,
    )
    .action(async (options: TargetOptions & { output?: string; anonymise?: boolean; json?: boolean }) => {
      const now = new Date();
      const path = options.output ?? `lacis-bugreport-${now.toISOString().replace(/[-:]|\..*/g, "")}.tar.gz`;
      const files = await collect(options);
      write(path, gzipSync(tar(files, now.getTime())));
      const listed = files.map(({ name, text }) => ({ name, bytes: Buffer.byteLength(text) }));
      if (options.json) {
        sayJson({ schema: ADMIN_SCHEMA, archive: path, anonymised: options.anonymise === true, files: listed });
        return;
      }
      for (const { name, bytes } of listed) say(`  ${name.padEnd(20)} ${bytes} bytes`);
      say(`${path} is written; nothing was sent. Look into it before you pass it on: tar -xzf ${path}`);
    });
}

function write(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const exists = systemCode(error) === "EEXIST";
    throw new OperatorError("cannot-write", {
      what: `cannot write ${path}`,
      why: exists ? "it is there already, and nothing is overwritten" : systemWords(error),
      todo: "say another place with --output",
    });
  }
}

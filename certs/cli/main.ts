#!/usr/bin/env node
import { ExitCode } from "./failure.ts";
import { main } from "./tool.ts";

// Whoever read the output may have gone, as in `lacis-cert list | head`; what else keeps it from being written is a failure.
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(ExitCode.ok);
  process.stderr.write(`lacis-cert: standard output - it could not be written (${code}), what is there is not whole\n`);
  process.exit(ExitCode.bad);
});

process.exitCode = await main(process.argv.slice(2));

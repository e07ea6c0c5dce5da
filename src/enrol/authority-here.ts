import { existsSync } from "node:fs";
import { OperatorError } from "../runtime/operator-error.ts";
import { hostFilesIn } from "./host-files.ts";

/** The folder of the network's authority, which is on one machine only. `what` cannot be done elsewhere. */
export function authorityHere(folder: string, what: string): string {
  const { authority } = hostFilesIn(folder);
  if (existsSync(authority)) return authority;
  throw new OperatorError("no-authority", {
    what,
    why: `the network's authority is not here: there is no ${authority}`,
    todo: "run this on the machine where lacis init was run, or give its folder with --dir",
  });
}

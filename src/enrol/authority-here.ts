import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ExitCode, OperatorError, systemCode } from "../runtime/operator-error.ts";
import { hostFilesIn } from "./host-files.ts";

/** The folder of the network's authority, which is on one machine only. `what` cannot be done elsewhere; `byHand` does it where `lacis init` never ran. */
export function authorityHere(folder: string, what: string, byHand: string): string {
  const { authority } = hostFilesIn(folder);
  try {
    statSync(authority);
    return authority;
  } catch (error) {
    if (systemCode(error) === "EACCES") throw hidden(folder, what);
  }
  throw new OperatorError("no-authority", {
    what,
    why: `the network's authority is not here: there is no ${authority}`,
    todo: `run this on the machine where lacis init was run, or give its folder with --dir - with an authority made by hand: ${byHand}`,
  });
}

/** The same where its key is needed too. `elsewhere`: what is done where that is on another machine. */
export function authorityWithKey(folder: string, what: string, elsewhere: string, byHand: string): string {
  const authority = authorityHere(folder, what, byHand);
  if (existsSync(join(authority, "ca.key"))) return authority;
  throw new OperatorError("no-authority-key", {
    what,
    why: `the authority's key is not here: there is no ${join(authority, "ca.key")}`,
    todo: elsewhere,
  });
}

function hidden(folder: string, what: string): OperatorError {
  return new OperatorError(
    "not-permitted",
    { what, why: `${folder} is closed to this user`, todo: "put sudo in front" },
    ExitCode.notPermitted,
  );
}

import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { askLeave } from "../runtime/enrolment/service-client.ts";
import { syncDirectory } from "../runtime/files/atomic-file.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type HostFiles, unwritable } from "./host-files.ts";
import { hostIn } from "./host-here.ts";

/** What became of a host that left. */
export interface Left {
  readonly name: string | undefined;
  readonly network: string | undefined;
  /** Whether the authority has taken the certificate back; undefined where there was nobody to tell. */
  readonly isTold: boolean | undefined;
  /** Why it has not. */
  readonly why: string | undefined;
  readonly removed: readonly string[];
  /** The authority's folder, which stays. */
  readonly kept: string | undefined;
}

/**
 * Takes a host out of its network: tells the authority, then removes what joining has written, the secret last, so that whoever is killed and runs it again can
 * still tell. An authority that does not answer keeps nobody: without its key the certificate is of no use.
 */
export async function leave(files: HostFiles, signal?: AbortSignal): Promise<Left> {
  const here = hostIn(files);
  const { authorities, certificate, key, config, enrolment, staging, authority, folder, identity } = files;
  if (here ? !here.isOurs : !existsSync(enrolment) && !existsSync(staging) && !isEmpty(identity)) {
    throw new OperatorError("not-a-host", {
      what: "cannot leave",
      why: here
        ? `${config} was written by somebody else than lacis join, and is not removed`
        : `this machine is in no network: there is no ${config}`,
      todo: here ? "remove it by hand where that is meant" : "give the folder of another one with --dir",
    });
  }
  const told =
    here?.enrolment && here.certificate ? await tell(here.enrolment, here.certificate.fingerprint, signal) : undefined;
  const removed: string[] = [];
  try {
    // Without its key a host is none any more; what says how to reach the service goes last.
    for (const file of [key, certificate, authorities, config, enrolment]) {
      if (!existsSync(file)) continue;
      rmSync(file);
      removed.push(file);
    }
    rmSync(staging, { recursive: true, force: true });
    if (isEmpty(identity)) rmdirSync(identity);
    syncDirectory(folder);
  } catch (error) {
    throw unwritable(folder, error);
  }
  return {
    name: here?.certificate?.name,
    network: here?.enrolment?.network,
    isTold: told === undefined ? undefined : told === "",
    why: told || undefined,
    removed,
    kept: existsSync(authority) ? authority : undefined,
  };
}

/** What is left of a run that was killed at its very end. */
function isEmpty(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).length === 0;
}

/** Why the authority does not know; empty when it does. */
async function tell(
  { endpoints, pin, secret }: { readonly endpoints: readonly string[]; readonly pin: string; readonly secret: string },
  certificate: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const reply = await askLeave({ endpoints, key: pin }, { certificate, secret }, signal);
  // Told before, by a run that was killed.
  if (reply.ok || reply.reason.code === "not-enrolled" || reply.reason.code === "revoked") return "";
  return `${reply.reason.what}: ${reply.reason.why}`;
}

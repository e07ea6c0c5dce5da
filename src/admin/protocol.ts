import type { Complaint, ExitCode } from "../runtime/operator-error.ts";

/**
 * What is said on the admin sockets: one JSON object a line, a request, then its response, then perhaps the next request. Every response
 * carries `schema`; fields are added under the same number, never changed or removed.
 */
export const ADMIN_SCHEMA = 1;

/** A request fits well into this; more is not one. */
export const REQUEST_BYTES_MAX: number = 64 * 1024;
/** A status of ten thousand peers has about four megabytes. */
export const RESPONSE_BYTES_MAX: number = 16 * 1024 * 1024;

/** Nobody waits longer for one answer, and each waiting ping holds a place. */
export const PING_TIMEOUT_MS_MAX = 60_000;

export type AdminRequest =
  | { readonly verb: "status" }
  | { readonly verb: "version" }
  /** `target`: an overlay address or the name in a certificate. */
  | { readonly verb: "ping"; readonly target: string; readonly timeoutMs: number }
  | { readonly verb: "reload" };

export type AdminResponse =
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: true; readonly result: unknown }
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: false; readonly error: AdminError };

export interface AdminError extends Complaint {
  readonly code: string;
  readonly exitCode: ExitCode;
}

/** Verbs that change nothing: for everyone who may open the control socket. */
export const readOnlyVerbs: ReadonlySet<AdminRequest["verb"]> = new Set(["status", "version", "ping"]);
export const ownerVerbs: ReadonlySet<AdminRequest["verb"]> = new Set([...readOnlyVerbs, "reload"]);

/** Reads one request line; a sentence when it is none. */
export function parseRequest(line: string): AdminRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "the request is not JSON";
  }
  if (typeof value !== "object" || value === null) return "the request is not an object";
  const { verb, target, timeoutMs } = value as Record<string, unknown>;
  switch (verb) {
    case "status":
    case "version":
    case "reload":
      return { verb };
    case "ping":
      if (typeof target !== "string" || target === "" || target.length > 253) return "ping needs a target";
      if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= PING_TIMEOUT_MS_MAX)) {
        return `ping needs a timeoutMs of 1 to ${PING_TIMEOUT_MS_MAX}`;
      }
      return { verb, target, timeoutMs };
    default:
      return "no such verb: there are status, version, ping and reload";
  }
}

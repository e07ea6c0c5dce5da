import { printableJson } from "../core/base/printable.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { ADMIN_SCHEMA, type AdminResponse, RESPONSE_BYTES_MAX } from "./protocol.ts";

/** A response as it goes over the socket. */
export function responseLine(response: AdminResponse): string {
  const text = printableJson(response, { replacer: plain });
  if (text.length <= RESPONSE_BYTES_MAX) return `${text}\n`;
  return `${JSON.stringify(refusal("response-too-long", "the answer is too long", "ask for less"))}\n`;
}

/** What is said instead of an answer that could not be made. */
export function failure(error: unknown): AdminResponse {
  if (error instanceof OperatorError) {
    const { complaint, code, exitCode } = error;
    return { schema: ADMIN_SCHEMA, ok: false, error: { ...complaint, code, exitCode } };
  }
  // A fault of ours in an answer is no reason to end the daemon.
  const why = error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 3).join(" ") : String(error);
  const complaint = { what: "the daemon could not answer", why, todo: "please report this line" };
  return { schema: ADMIN_SCHEMA, ok: false, error: { ...complaint, code: "internal", exitCode: ExitCode.crashed } };
}

export function refusal(code: string, why: string, todo: string, exitCode: ExitCode = ExitCode.bad): AdminResponse {
  return { schema: ADMIN_SCHEMA, ok: false, error: { code, what: "the daemon refused", why, todo, exitCode } };
}

/** Counters are 64 bits wide inside and far below 2^53 in practice; of a millisecond, three digits mean something. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
}

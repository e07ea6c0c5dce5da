/** Why a command was not carried out: a code of the contract, and one sentence. */
export interface Refusal {
  readonly code: "bad-request" | "unknown-session" | "unknown-policy" | "unsupported";
  readonly error: string;
}

/** It cannot be meant. */
export function bad(error: string): Refusal {
  return { code: "bad-request", error };
}

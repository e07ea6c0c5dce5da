/** Why a host is not let in, in words for whoever sits before it, and as a code for programs. */
export interface EnrolmentRefusal {
  /** One of `EnrolmentRefusalCode`, or one that a newer service has. */
  readonly code: string;
  /** What was refused: "the name nas". */
  readonly what: string;
  readonly why: string;
  /** The way out. */
  readonly todo: string;
}

/** Codes stay the same from release to release. */
export const ENROLMENT_REFUSAL_CODES = [
  // A token that its holder can judge without asking.
  "token-damaged",
  "token-newer",
  "token-expired",
  // One that only the service can judge.
  "token-unknown",
  "token-used",
  "other-network",
  "clock",
  // What was asked for.
  "name-bad",
  "name-taken",
  "group-unknown",
  "key-bad",
  "key-taken",
  "key-revoked",
  "network-full",
  // What a host that is let in to debug may reach, and for how long.
  "target-bad",
  "target-unknown",
  "debug-too-long",
  // Renewing and leaving.
  "not-renewed",
  "not-enrolled",
  "revoked",
  // What people decide.
  "denied",
  "not-pending",
  "unknown-id",
  "certificate-bad",
  "bulletin-bad",
  // The way in.
  "request-bad",
  "request-large",
  "route-unknown",
  "not-signed-in",
  "not-permitted",
  "too-many",
  // The service's own troubles, and those of whom it relies on.
  "provider",
  "authority",
  "storage-full",
  "storage-unavailable",
  "fault",
] as const;
export type EnrolmentRefusalCode = (typeof ENROLMENT_REFUSAL_CODES)[number];

export function enrolmentRefusal(
  code: EnrolmentRefusalCode,
  what: string,
  why: string,
  todo: string,
): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  return { ok: false, reason: { code, what, why, todo } };
}

/** One line: what - why - what to do. */
export function formatEnrolmentRefusal({ what, why, todo }: EnrolmentRefusal): string {
  return `${what} - ${why} - ${todo}`;
}

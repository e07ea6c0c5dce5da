import { formatDuration } from "../base/duration.ts";
import type { WallTime } from "../base/time.ts";
import type { Certificate } from "./certificate.ts";

/** Why a certificate does not hold at this moment, with by how much. */
export interface Untimely {
  readonly code: "expired" | "not-yet-valid";
  /** Goes on after a subject: "expired 3 days ago", "is not valid for another 2 h 5 min". */
  readonly text: string;
}

/** Undefined while the certificate is valid; both ends are inclusive (protocol 4.5). There is no allowance for skewed clocks. */
export function untimely(certificate: Pick<Certificate, "notBefore" | "notAfter">, at: WallTime): Untimely | undefined {
  const notBefore = certificate.notBefore * SECOND;
  const notAfter = certificate.notAfter * SECOND;
  if (at < notBefore) {
    // Rounded up: a wait of half a second is not over in 0 s.
    const wait = (notBefore - at + SECOND - 1n) / SECOND;
    return { code: "not-yet-valid", text: `is not valid for another ${formatDuration(wait)}` };
  }
  if (at <= notAfter) return undefined;
  return { code: "expired", text: `expired ${formatDuration((at - notAfter) / SECOND)} ago` };
}

/** In nanoseconds, the unit of WallTime. */
const SECOND = 1_000_000_000n;

import type { Certificate } from "../../src/core/cert/certificate.ts";
import { CLOCK_SKEW_MAX_SECONDS } from "../../src/core/enrolment/messages.ts";

type Validity = Pick<Certificate, "notBefore" | "notAfter">;

/** How long a certificate of this authority is valid that is wanted for so many seconds from now on. */
export function validity({ notBefore, notAfter }: Validity, lifetime: number, nowSeconds: number): Validity {
  const [begin, end] = [BigInt(nowSeconds - CLOCK_SKEW_MAX_SECONDS), BigInt(nowSeconds + lifetime)];
  return { notBefore: begin > notBefore ? begin : notBefore, notAfter: end < notAfter ? end : notAfter - 1n };
}

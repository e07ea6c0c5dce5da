import { parseCertificates } from "../../src/core/cert/decode.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import type { EnrolmentToken } from "../../src/core/enrolment/token.ts";
import type { ServiceFacts } from "./facts.ts";

/** The curve of the authority that signs, which a host's key has to be of, as tokens say it. */
export function curveOf({ authorities, authority }: ServiceFacts): Pick<EnrolmentToken, "curve"> {
  const certificates = parseCertificates(authorities, portableSuite);
  const signs = certificates.ok ? certificates.value.find(({ fingerprint }) => fingerprint === authority) : undefined;
  return signs ? { curve: signs.curve } : {};
}

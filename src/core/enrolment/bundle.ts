import { type IssuedAnswer, issuedAnswer } from "./messages.ts";
import { SERVICE_ENDPOINT } from "./name.ts";
import { hex, integer, list, object, type Shape, text } from "./shape.ts";

/**
 * What a host is given that does not ask the service itself: a certificate that it renews from then on, and where the service is. As secret as a token, because with
 * it that host renews.
 */
export interface BundleFile {
  readonly format: number;
  /** Fingerprint of the authority that must be among those to trust. */
  readonly authority: string;
  /** SHA-256 of the service's TLS key in hex. */
  readonly serviceKey: string;
  /** Where the service is reached, "host:port". */
  readonly endpoints: readonly string[];
  readonly answer: IssuedAnswer;
}

export const BUNDLE_FORMAT = 1;

export const bundleFile: Shape<BundleFile> = object<BundleFile>({
  format: integer("version of this file", { min: BUNDLE_FORMAT, max: BUNDLE_FORMAT }),
  authority: hex("fingerprint of the authority", [32]),
  serviceKey: hex("SHA-256 of the service's TLS key", [32]),
  endpoints: list(text("host:port", { max: 261, pattern: SERVICE_ENDPOINT }), { max: 16 }),
  answer: issuedAnswer,
});

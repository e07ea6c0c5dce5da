import { selfSigned } from "../../core/cert/self-signed.ts";
import { osEntropy, signingKey } from "../node-crypto.ts";

/** What TLS wants of a server, in PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
}

/**
 * A key and a certificate that it has signed itself, for as long as this process runs. They are only there because TLS does not go without: whoever
 * connects does not look at them, but at what the session inside says about the connection.
 */
export function ephemeralIdentity(): ServerIdentity {
  const key = signingKey();
  return { key: key.pem, cert: selfSigned(key, osEntropy) };
}

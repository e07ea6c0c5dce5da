import type { CaPool } from "./ca-pool.ts";
import type { CertificateVersion } from "./certificate.ts";
import type { Credential } from "./credential.ts";

/** Who this host is and whom it trusts. */
export interface Identity {
  readonly credential: Credential;
  readonly pool: CaPool;
  /** Disconnect peers whose certificate has expired or lost its CA (pki.disconnect_invalid). */
  readonly disconnectInvalid: boolean;
  /** Certificate version offered in handshakes that we start (pki.initiating_version). */
  readonly initiatingVersion: CertificateVersion;
}

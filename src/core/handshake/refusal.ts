import type { CertificateRefusal } from "../cert/ca-pool.ts";
import type { Fingerprint } from "../cert/certificate.ts";

/** Why a readable handshake message was not accepted. */
export interface HandshakeRefusal {
  readonly code:
    | CertificateRefusal["code"]
    | "unreadable"
    | "bad-payload"
    | "bad-certificate"
    | "own-address"
    | "too-old"
    | "implausible-time"
    | "no-free-index";
  /** One sentence. Holds nothing that an unverified certificate says about itself. */
  readonly text: string;
  /** Of the certificate that was refused, when one could be decoded. */
  readonly fingerprint?: Fingerprint;
}

/** A clause as the floors below phrase it ("the certificate expired 3 h ago"), made a sentence. */
export function asSentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

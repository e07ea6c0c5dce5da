import type { CertificateRefusal } from "../cert/ca-pool.ts";
import type { Fingerprint } from "../cert/certificate.ts";

/** Why a handshake message was not accepted, as data (operator/failure-text.ts makes the sentence). */
export type HandshakeRefusal =
  /** `why`: a clause of the decoder. Nothing that an unverified certificate says about itself is in it. */
  | { readonly code: "unreadable"; readonly message: 1 | 2; readonly why: string }
  /** `why`: a clause of the decoder; undefined when all is well formed, and the sender's index is missing. */
  | { readonly code: "bad-payload"; readonly message: 1 | 2; readonly why: string | undefined }
  /** `why`: a clause of the decoder; undefined when the peer's is good, and we hold none to answer with. */
  | { readonly code: "bad-certificate"; readonly why: string | undefined }
  /** Verified, and not trusted. `text` is a clause of the CA pool. */
  | (CertificateRefusal & { readonly fingerprint: Fingerprint })
  | {
      /** Us, or a copy of us; an address of ours in another's certificate; a replay, or overtaken; its clock is a day off, and there is a session that works; the relay said somebody else. */
      readonly code: "own-key" | "own-address" | "too-old" | "implausible-time" | "wrong-relay";
      readonly fingerprint: Fingerprint;
    }
  /** The configuration says that nobody may be there, or not this peer. */
  | { readonly code: "place-not-allowed" }
  | { readonly code: "no-free-index" };

import { derElement } from "../../core/wire/der.ts";
import { osEntropy, signingKey } from "../node-crypto.ts";

/** What TLS wants of a server, in PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
}

/**
 * A key and a certificate that it has signed itself, for as long as this process runs. They are only there because TLS does not go without: whoever
 * connects does not look at them, but at what the session inside says about the connection. They name nobody.
 */
export function ephemeralIdentity(): ServerIdentity {
  const { pem, publicKey, sign } = signingKey();
  const serial = Uint8Array.of(1, ...osEntropy.bytes(15));
  const toBeSigned = derElement(
    Tag.sequence,
    derElement(Tag.integer, serial),
    ECDSA_WITH_SHA256,
    NOBODY,
    derElement(Tag.sequence, ALWAYS.begin, ALWAYS.end),
    NOBODY,
    publicKey,
  );
  const certificate = derElement(
    Tag.sequence,
    toBeSigned,
    ECDSA_WITH_SHA256,
    derElement(Tag.bits, Uint8Array.of(0), sign(toBeSigned)),
  );
  const lines = Buffer.from(certificate).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return { key: pem, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
}

const Tag = { integer: 0x02, bits: 0x03, oid: 0x06, time: 0x18, sequence: 0x30 } as const;
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = derElement(
  Tag.sequence,
  derElement(Tag.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)),
);
/** A name without parts. */
const NOBODY = derElement(Tag.sequence);
/** The last second of the year 9999 means that it has no end (RFC 5280 4.1.2.5). */
const ALWAYS = { begin: time("20200101000000Z"), end: time("99991231235959Z") };

function time(text: string): Uint8Array {
  return derElement(Tag.time, Buffer.from(text, "ascii"));
}

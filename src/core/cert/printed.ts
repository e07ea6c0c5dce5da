import { toHex } from "../base/bytes.ts";
import { printableJson } from "../base/printable.ts";
import { formatPrefix } from "../netip/prefix.ts";
import type { Certificate } from "./certificate.ts";

/** A certificate as nebula-cert 1.11 prints it (protocol 4.11): plain data, keys in alphabetical order. */
export type PrintedCertificate = Readonly<Record<string, unknown>>;

/** `time` writes seconds since 1970. */
export function printedCertificate(
  certificate: Certificate,
  time: (unixSeconds: bigint) => string,
): PrintedCertificate {
  const { version, curve, fingerprint } = certificate;
  const publicKey = toHex(certificate.publicKey);
  const signature = toHex(certificate.signature);
  const details = {
    groups: list(certificate, certificate.groups),
    isCa: certificate.isCa,
    issuer: certificate.issuer,
    name: certificate.name,
    networks: list(certificate, certificate.networks.map(formatPrefix)),
    notAfter: time(certificate.notAfter),
    notBefore: time(certificate.notBefore),
  };
  const unsafeNetworks = list(certificate, certificate.unsafeNetworks.map(formatPrefix));
  return version === 1
    ? { details: { curve, ...details, publicKey, unsafeNetworks }, fingerprint, signature, version }
    : { curve, details: { ...details, unsafeNetworks }, fingerprint, publicKey, signature, version };
}

/** Plain data as JSON, with what Go's encoder escapes escaped, and what no line should hold; one line, or indented with tabs. */
export function toJson(value: unknown, layout: "line" | "indented" = "line"): string {
  return printableJson(value, layout === "indented" ? { indent: "\t" } : {}).replace(
    /[<>&]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** An empty list is `[]` in version 1 and `null` in version 2. */
function list(certificate: Certificate, values: readonly string[]): readonly string[] | null {
  return values.length === 0 && certificate.version === 2 ? null : values;
}

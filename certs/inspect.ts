import { toHex } from "../src/core/base/bytes.ts";
import { printableJson } from "../src/core/base/printable.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import { formatPrefix } from "../src/core/netip/prefix.ts";

/** A certificate as nebula-cert 1.11 prints it (protocol 4.11): plain data, keys in alphabetical order. */
export type PrintedCertificate = Readonly<Record<string, unknown>>;

export function inspect(certificate: Certificate): PrintedCertificate {
  const { version, curve, fingerprint } = certificate;
  const publicKey = toHex(certificate.publicKey);
  const signature = toHex(certificate.signature);
  const details = {
    groups: list(certificate, certificate.groups),
    isCa: certificate.isCa,
    issuer: certificate.issuer,
    name: certificate.name,
    networks: list(certificate, certificate.networks.map(formatPrefix)),
    notAfter: localTime(certificate.notAfter),
    notBefore: localTime(certificate.notBefore),
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

/** RFC 3339 in this machine's time zone, as the reference prints times. Beyond the years that have four digits: the number itself. */
function localTime(unixSeconds: bigint): string {
  const ms = Number(unixSeconds) * 1000;
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000);
  if (Number.isNaN(local.getTime()) || local.getUTCFullYear() < 0 || local.getUTCFullYear() > 9999)
    return `${unixSeconds}`;
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${twoDigits(offset / 60)}:${twoDigits(offset % 60)}`;
  return local.toISOString().slice(0, 19) + zone;
}

function twoDigits(value: number): string {
  return String(Math.trunc(Math.abs(value))).padStart(2, "0");
}

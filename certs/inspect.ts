import type { Certificate } from "../src/core/cert/certificate.ts";
import { type PrintedCertificate, printedCertificate } from "../src/core/cert/printed.ts";

export { type PrintedCertificate, toJson } from "../src/core/cert/printed.ts";

/** A certificate as nebula-cert prints it, with times as this machine's clock shows them. */
export function inspect(certificate: Certificate): PrintedCertificate {
  return printedCertificate(certificate, localTime);
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

import { fromHex } from "../base/bytes.ts";
import type { Certificate } from "./certificate.ts";

// When in the life of a certificate something is to be done about its end. In Unix seconds, as certificates count.

type Life = Pick<Certificate, "notBefore" | "notAfter">;

/**
 * When a host that can renew its certificate by itself begins to: after two thirds of its life and before three quarters. Where in between follows
 * from the certificate, so that hosts which joined in one minute do not come back in one, and a restart does not change it.
 */
export function renewalDueAt({ notBefore, notAfter, fingerprint }: Life & Pick<Certificate, "fingerprint">): bigint {
  const life = notAfter - notBefore;
  const [first = 0, second = 0] = fromHex(fingerprint.slice(0, 4)) ?? [];
  return notBefore + (life * 2n) / 3n + ((life / 12n) * BigInt(256 * first + second)) / 65_536n;
}

/**
 * How long before its end people are told, longest first: 30, 7 and 1 days. What is more than a third of its life is no news, since the host has not
 * been due for renewal for long, if at all; and a certificate of hours has a moment of its own.
 */
export function toldBefore({ notBefore, notAfter }: Life): readonly bigint[] {
  const life = notAfter - notBefore;
  const moments = [30n * DAY, 7n * DAY, DAY].filter((before) => 3n * before < life);
  return moments.length > 0 ? moments : [life / 6n];
}

/** Others are told of the end of a certificate in its last week, and of one that is renewed every week, which is always about to end, later. */
export function endsSoon(certificate: Life, nowSeconds: bigint): boolean {
  const left = certificate.notAfter - nowSeconds;
  if (left < 0n || left >= 7n * DAY) return false;
  const [longest = 0n] = toldBefore(certificate);
  return left < longest;
}

export type Ending = "no" | "soon" | "urgent" | "over";

/** Whether its end is near enough to speak of. */
export function endingOf(certificate: Life, nowSeconds: bigint): Ending {
  const left = certificate.notAfter - nowSeconds;
  const [longest = 0n, ...shorter] = toldBefore(certificate);
  if (left < 0n) return "over";
  if (left >= longest) return "no";
  return left < (shorter[0] ?? longest) ? "urgent" : "soon";
}

const DAY = 86_400n;

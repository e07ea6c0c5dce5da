import type { Result } from "../../src/core/base/result.ts";
import type { CertificateVersion } from "../../src/core/cert/certificate.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { formatPrefix, masked, type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import type { Refusal } from "../refusal.ts";
import { Failure, usage } from "./failure.ts";

/** The value of a result, or the end of the command. */
export function orFail<Value>(result: Result<Value, Refusal>): Value {
  if (!result.ok) throw new Failure(result.reason);
  return result.value;
}

/** Items of a comma-separated list, trimmed; empty ones do not count. */
export function parseList(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export function parseNetworks(text: string | undefined, flag: string): Prefix[] {
  return parseList(text).map((item) => {
    const prefix = parsePrefix(item);
    if (!prefix)
      throw usage(flag, `${JSON.stringify(item)} is not an address and a prefix length`, "write it like 10.77.1.2/16");
    return prefix;
  });
}

/** The same where a network is wanted and no host in it: one with host bits is more often a slip than a plan. */
export function parseWholeNetworks(text: string | undefined, flag: string): Prefix[] {
  const prefixes = parseNetworks(text, flag);
  for (const prefix of prefixes) {
    const network = masked(prefix);
    if (network.address === prefix.address) continue;
    throw usage(
      flag,
      `${formatPrefix(prefix)} is a host in a network, not a network`,
      `write ${formatPrefix(network)}`,
    );
  }
  return prefixes;
}

/** A whole number of 1 or more that fits 32 bits. */
export function parseCount(text: string, flag: string): number {
  const count = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 0xffff_ffff) throw usage(flag, `${JSON.stringify(text)} is not a number`, "give 1 or more");
  return count;
}

export function parseVersion(text: string): CertificateVersion {
  if (text !== "1" && text !== "2")
    throw usage("-version", `there is no version ${JSON.stringify(text)}`, "give 1 or 2");
  return text === "1" ? 1 : 2;
}

export function parseCurve(text: string): Curve {
  const curve = CURVES[text.toLowerCase()];
  if (!curve) throw usage("-curve", `${JSON.stringify(text)} is not a curve`, "give 25519 or P256");
  return curve;
}

const CURVES: Readonly<Record<string, Curve | undefined>> = {
  "25519": "CURVE25519",
  x25519: "CURVE25519",
  curve25519: "CURVE25519",
  p256: "P256",
};

/** Whole seconds of a duration as Go writes it ("8760h", "1h30m", "0.5h"), and with "d" for days of 24 hours. More than zero. */
export function parseDuration(text: string, flag = "-duration"): bigint {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) {
    throw usage(flag, `${JSON.stringify(text)} is not a duration`, "write it like 8760h, 90d or 1h30m");
  }
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    seconds += Number(amount) * (SECONDS[unit ?? ""] ?? 0);
  if (seconds < 1 || seconds > DURATION_SECONDS_MAX) {
    throw usage(flag, `${text} is less than a second or more than 290 years`, "write it like 8760h");
  }
  return BigInt(Math.floor(seconds));
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** What the reference's 64-bit nanoseconds hold. */
const DURATION_SECONDS_MAX = 290 * 365 * 86_400;

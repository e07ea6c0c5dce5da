import { type Instant, instant, later } from "../base/time.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import { familyOf, type IpAddress } from "../netip/address.ts";
import { type Endpoint, firstOfEachFamily } from "../netip/endpoint.ts";
import { ADDRESSES_MAX, type LighthouseMessage } from "../wire/lighthouse.ts";
import type { NatReport } from "../wire/nat-report.ts";
import { ENDPOINTS_PER_FAMILY_MAX } from "./candidates.ts";

/** Between two reports of changes. */
const HURRIED_APART_MS = 1000;

/**
 * When this host tells its lighthouses where it is: at start, every `lighthouse.interval`, and soon after anything that makes the last
 * report wrong (protocol 5.3).
 */
export class Announcer {
  #intervalMs: number;
  #nextAt: Instant | undefined;
  #isHurried = false;
  #hurryFrom: Instant = instant(0);

  /** `intervalMs` 0: never report. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Reports from now on (the data plane is up), or at another rhythm. */
  start(intervalMs: number, now: Instant): void {
    this.#intervalMs = intervalMs;
    this.#nextAt = intervalMs > 0 ? now : undefined;
  }

  stop(): void {
    this.#nextAt = undefined;
  }

  /** Something changed: report within this time, but a link that comes and goes must not make a flood of reports. */
  hurry(now: Instant, withinMs: number): void {
    if (this.#nextAt === undefined) return;
    const at = instant(Math.max(later(now, withinMs), this.#hurryFrom));
    if (this.#nextAt <= at) return;
    this.#nextAt = at;
    this.#isHurried = true;
  }

  /** True when a report is due; the next one is due an interval later. */
  takeDue(now: Instant): boolean {
    if (this.#nextAt === undefined || this.#nextAt > now) return false;
    if (this.#isHurried) this.#hurryFrom = later(now, HURRIED_APART_MS);
    this.#isHurried = false;
    this.#nextAt = later(now, this.#intervalMs);
    return true;
  }

  nextAt(): Instant | undefined {
    return this.#nextAt;
  }
}

/** What a report says about this host. */
export interface Whereabouts {
  readonly endpoints: readonly Endpoint[];
  readonly relays: readonly IpAddress[];
  /** What is known about its translator; undefined while that is nothing. */
  readonly nat?: NatReport | undefined;
}

/**
 * The report itself. In dialect 1 it names us by our first address, which must be IPv4; in dialect 2 it leaves the address out. Undefined
 * when this dialect cannot name us.
 */
export function announcement(
  dialect: CertificateVersion,
  ownAddress: IpAddress,
  { endpoints, relays, nat }: Whereabouts,
): LighthouseMessage | undefined {
  if (dialect === 1 && familyOf(ownAddress) === 6) return undefined;
  return {
    kind: "host-update",
    address: dialect === 1 ? ownAddress : undefined,
    endpoints: firstOfEachFamily(endpoints, ENDPOINTS_PER_FAMILY_MAX),
    relays: relays.slice(0, ADDRESSES_MAX),
    ...(nat && { nat }),
  };
}

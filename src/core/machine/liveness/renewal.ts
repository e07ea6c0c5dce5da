import { type Instant, later } from "../../base/time.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { Identity } from "../../cert/identity.ts";
import { compareAddresses, type IpAddress } from "../../netip/address.ts";
import { nameAddress, roleIn, type Session } from "../../peer/session.ts";
import type { Vitals } from "../../peer/vitals.ts";
import { SAMPLE_INTERVAL_MS } from "./activity.ts";

/** Why a working session is to be replaced by a new handshake, and with which certificate version. */
export interface Renewal {
  readonly reason:
    | "own-certificate-gone"
    | "peer-has-newer-version"
    | "own-certificate-changed"
    | "initiating-version-raised"
    | "counter-high"
    | "old-age";
  /** Version to offer; undefined: the usual choice. */
  readonly version: CertificateVersion | undefined;
}

/** A session's keys are replaced after a day at the latest (reliability R14). */
const SESSION_AGE_MAX_MS = 24 * 3_600_000;
/** Who called calls again, at least this much earlier, so that both do not call at once. */
const INITIATOR_HEAD_START_MS = 600_000;
/** How much earlier than at the latest moment, each session by its own part of it: those that were built together are not replaced together. */
const INITIATOR_SPREAD_MS: number = 4 * 3_600_000 - INITIATOR_HEAD_START_MS;
const RESPONDER_SPREAD_MS = 300_000;
/** Renewals that one round of checks starts. Each costs a key pair on both sides; the others wait for the next round. */
export const RENEWALS_AT_ONCE = 256;
/** A peer that does not answer a re-handshake (an old release that cannot read version 2, say) is not pressed more often. */
const RETRY_MS = 60_000;
/** One that nobody uses may have gone for good. */
const IDLE_RETRY_MS = 600_000;

/** The first reason that applies (protocol 8.3, reliability R14), for a primary session that has heard from its peer lately, or is old. */
export function renewalOf(session: Session, vitals: Vitals, identity: Identity, now: Instant): Renewal | undefined {
  const { certificates } = identity.credential;
  const own = certificates[session.ownVersion];
  if (!own) return { reason: "own-certificate-gone", version: undefined };
  if (session.peer.version > session.ownVersion && certificates[session.peer.version])
    return { reason: "peer-has-newer-version", version: session.peer.version };
  if (own.fingerprint !== session.ownFingerprint)
    return { reason: "own-certificate-changed", version: session.ownVersion };
  if (session.ownVersion < identity.initiatingVersion)
    return { reason: "initiating-version-raised", version: identity.initiatingVersion };
  if (vitals.counterHigh) return { reason: "counter-high", version: session.ownVersion };
  if (isOld(session, now)) return { reason: "old-age", version: session.ownVersion };
  return undefined;
}

/** How long a renewal that failed is not tried again. */
export function renewalRetryMs(isUsed: boolean): number {
  return isUsed ? RETRY_MS : IDLE_RETRY_MS;
}

/** Whether the peer has seen another certificate of ours than there is now. */
export function showsOld({ ownVersion, ownFingerprint }: Session, { credential }: Identity): boolean {
  return credential.certificates[ownVersion]?.fingerprint !== ownFingerprint;
}

/** Whether the keys of a session have been in use, or ready for it, for long enough. */
export function isOld(session: Session, now: Instant): boolean {
  const { localIndex, state } = session;
  const [latestMs, spreadMs] =
    roleIn(session) === "initiator"
      ? [SESSION_AGE_MAX_MS - INITIATOR_HEAD_START_MS, INITIATOR_SPREAD_MS]
      : [SESSION_AGE_MAX_MS, RESPONDER_SPREAD_MS];
  // Our index is as random as anything (reliability R27), and it is the same after a restart.
  return now - state.since >= latestMs - (localIndex / 2 ** 32) * spreadMs;
}

/**
 * Whether a secondary session becomes the one that sends (protocol 8.2): the peer uses it, and the host with the lower first address yields to
 * the other, so that two crossed handshakes end in one session. Never one that would have to be replaced itself.
 */
export function mayBecomePrimary(
  session: Session,
  vitals: Vitals,
  identity: Identity,
  options: { readonly ownAddress: IpAddress; readonly now: Instant },
): boolean {
  const { lastReceivedAt, suspicion } = vitals;
  const { secondarySince } = session;
  // A sample tells of packets that came up to a second before it: those may be from before the peer changed over, or died.
  const isUsed = secondarySince !== undefined && lastReceivedAt > later(secondarySince, SAMPLE_INTERVAL_MS);
  if (!isUsed || suspicion || renewalOf(session, vitals, identity, options.now)) return false;
  return compareAddresses(nameAddress(session), options.ownAddress) >= 0;
}

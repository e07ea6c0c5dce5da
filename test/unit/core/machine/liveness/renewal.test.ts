import { describe, expect, test } from "vitest";
import { packed } from "../../../../../src/core/base/packed.ts";
import { instant } from "../../../../../src/core/base/time.ts";
import type { CertificateVersion } from "../../../../../src/core/cert/certificate.ts";
import { mayBecomePrimary, renewalOf } from "../../../../../src/core/machine/liveness/renewal.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";
import type { OwnedSession } from "../../../../../src/core/peer/session.ts";
import { newVitals } from "../../../../../src/core/peer/vitals.ts";
import { nodeSuite } from "../../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../../fixtures/authority.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";
import { identityOf } from "../../../fixtures/settings.ts";

const HOUR = 3_600_000;
const authority = new TestAuthority(nodeSuite, 7);
const both = identity([1, 2]);
const onlyV1 = identity([1]);
const now = instant(1000);
const lately = { ...newVitals(), lastReceivedAt: instant(1_200) };

describe("a session in use is renewed", () => {
  test("not, while there is no reason", () => {
    expect(renewalOf(with1(both, {}), newVitals(), both, now)).toBeUndefined();
  });

  test("when the certificate it was made with is gone", () => {
    expect(renewalOf(with1(both, { ownVersion: 2 }), newVitals(), onlyV1, now)).toMatchObject({
      reason: "own-certificate-gone",
    });
  });

  test("with the version of the peer when that is newer and we have it", () => {
    const peer = trusted("peer", "10.77.0.2/16", "fd00:77::2/64");
    expect(renewalOf(with1(both, { peer }), newVitals(), both, now)).toEqual({
      reason: "peer-has-newer-version",
      version: 2,
    });
    expect(renewalOf(with1(onlyV1, { peer }), newVitals(), onlyV1, now)).toBeUndefined();
  });

  test("when our certificate has changed", () => {
    const peer = trusted("peer", "10.77.0.2/16");
    expect(renewalOf(with1(both, { ownFingerprint: peer.fingerprint }), newVitals(), both, now)).toMatchObject({
      reason: "own-certificate-changed",
      version: 1,
    });
  });

  test("when pki.initiating_version was raised", () => {
    const raised = { ...both, initiatingVersion: 2 as const };
    expect(renewalOf(with1(both, {}), newVitals(), raised, now)).toEqual({
      reason: "initiating-version-raised",
      version: 2,
    });
  });

  test("when its counter is high", () => {
    const vitals = { ...newVitals(), counterHigh: true };
    expect(renewalOf(with1(both, {}), vitals, both, now)).toMatchObject({ reason: "counter-high" });
  });

  test.each([
    ["the initiator", undefined, 20 * HOUR, 24 * HOUR - 600_000],
    ["the responder", packed(new Uint8Array(32)), 24 * HOUR - 300_000, 24 * HOUR],
  ] as const)(
    "for its age by %s, each session at a time of its own, after a day at the latest",
    (_, message1Hash, first, last) => {
      const limitOf = (index: number): number => {
        const session = with1(both, { message1Hash, localIndex: index as LocalIndex });
        let [low, high] = [first - HOUR, last + HOUR];
        while (high - low > 1) {
          const middle = Math.floor((low + high) / 2);
          if (renewalOf(session, newVitals(), both, instant(middle))?.reason === "old-age") high = middle;
          else low = middle;
        }
        return high;
      };
      expect(limitOf(1)).toBe(last);
      expect(limitOf(2 ** 32 - 1)).toBe(first + 1);
      expect(limitOf(2 ** 31)).toBe((first + last) / 2);
    },
  );
});

describe("a secondary session becomes the one that sends", () => {
  test("when the peer uses it and has the higher address", () => {
    expect(mayBecomePrimary(used(), lately, both, { ownAddress: "10.77.0.1" as IpAddress, now })).toBe(true);
    expect(mayBecomePrimary(used(), lately, both, { ownAddress: "10.77.0.9" as IpAddress, now })).toBe(false);
  });

  test("not when the peer has not used it since", () => {
    const session = used();
    session.secondarySince = lately.lastReceivedAt;
    expect(mayBecomePrimary(session, lately, both, { ownAddress: "10.77.0.1" as IpAddress, now })).toBe(false);
  });

  test("not when the sample that shows use may be of packets from before it was replaced", () => {
    const vitals = { ...newVitals(), lastReceivedAt: instant(1_000) };
    expect(mayBecomePrimary(used(), vitals, both, { ownAddress: "10.77.0.1" as IpAddress, now })).toBe(false);
  });

  test("not when it would have to be renewed itself", () => {
    const vitals = { ...lately, counterHigh: true };
    expect(mayBecomePrimary(used(), vitals, both, { ownAddress: "10.77.0.1" as IpAddress, now })).toBe(false);
  });
});

function identity(versions: readonly CertificateVersion[]) {
  return identityOf(nodeSuite, { name: "own", networks: ["10.77.0.1/16"], versions }, authority, 1);
}

function with1(own: typeof both, origin: Parameters<typeof aSession>[1]): OwnedSession {
  const ownFingerprint = own.credential.certificates[1]!.fingerprint;
  return aSession(trusted("peer", "10.77.0.2/16"), { ownFingerprint, ...origin });
}

function used(): OwnedSession {
  const session = with1(both, {});
  session.secondarySince = instant(100);
  return session;
}

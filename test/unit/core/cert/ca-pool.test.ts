import { describe, expect, test } from "vitest";
import type { Authority } from "../../../../certs/index.ts";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { fail, ok } from "../../../../src/core/base/result.ts";
import { CaPool, type CertificateRefusal } from "../../../../src/core/cert/ca-pool.ts";
import type { Certificate, UnreadCertificate, VerifiedCertificate } from "../../../../src/core/cert/certificate.ts";
import type { CryptoSuite } from "../../../../src/core/crypto/suite.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { atSeconds, authorityFor, DAY, hostOf, NOW } from "./issuing.ts";
import { partsOf } from "./parts.ts";

const now = atSeconds(NOW);
const BLOCKED = new Uint8Array(32).fill(9);

describe("a certificate is accepted", () => {
  test.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const)("of version %i from a CA of version %i", (version, caVersion) => {
    const authority = authorityFor({ version: caVersion });
    const host = hostOf(authority, { version });
    const pool = poolOf([authority]);
    const verified = pool.verify(host, now);
    expect(verified.ok && partsOf(verified.value)).toEqual(partsOf(host));
    expect(pool.caOf(host)).toBe(authority.certificate);
  });

  test("by whichever CA of the pool has signed it", () => {
    const [old, current, p256] = [authorityFor(), authorityFor(), authorityFor({ curve: "P256" })];
    const pool = poolOf([old, current, p256]);
    for (const authority of [old, current, p256]) expect(verdict(pool, hostOf(authority))).toBe("accepted");
    expect([...pool.authorities.keys()]).toEqual(
      [old, current, p256].map(({ certificate }) => certificate.fingerprint),
    );
  });

  test("from its first to its last second, both included", () => {
    const authority = authorityFor();
    const host = hostOf(authority, { notBefore: NOW, notAfter: NOW + 10n });
    const pool = poolOf([authority]);
    const at = (seconds: bigint) => verdict(pool, host, seconds);
    expect([at(NOW - 1n), at(NOW), at(NOW + 10n), at(NOW + 11n)]).toEqual([
      "not-yet-valid",
      "accepted",
      "accepted",
      "expired",
    ]);
  });

  test("inside the limits of its CA, the narrowest ones too", () => {
    const authority = authorityFor({
      networks: ["10.77.0.0/16"],
      unsafeNetworks: ["192.168.0.0/16"],
      groups: ["a", "b"],
    });
    const pool = poolOf([authority]);
    expect(verdict(pool, hostOf(authority, { networks: ["10.77.1.2/16"], groups: ["b"] }))).toBe("accepted");
    expect(verdict(pool, hostOf(authority, { unsafeNetworks: ["192.168.7.0/24"] }))).toBe("accepted");
    const same = authority.certificate;
    expect(verdict(pool, hostOf(authority, { notBefore: same.notBefore, notAfter: same.notAfter }))).toBe("accepted");
  });
});

describe("a certificate is refused", () => {
  const authority = authorityFor({
    networks: ["10.77.0.0/16"],
    unsafeNetworks: ["192.168.0.0/16"],
    groups: ["a", "b"],
  });
  const pool = poolOf([authority]);

  test.each<[string, CertificateRefusal["code"], () => Certificate]>([
    ["of a CA that is not trusted", "unknown-issuer", () => hostOf(authorityFor())],
    ["that is a CA, in the place of a host", "is-ca", () => authority.certificate],
    ["with a foreign group", "group-not-allowed", () => hostOf(authority, { groups: ["a", "c"] })],
    ["in a foreign network", "network-not-allowed", () => hostOf(authority, { networks: ["10.78.1.2/16"] })],
    ["in a wider network", "network-not-allowed", () => hostOf(authority, { networks: ["10.77.1.2/15"] })],
    [
      "in a network of another family",
      "network-not-allowed",
      () => hostOf(authority, { networks: ["10.77.1.2/16", "fd00::1/64"] }),
    ],
    [
      "with a foreign unsafe network",
      "unsafe-network-not-allowed",
      () => hostOf(authority, { unsafeNetworks: ["172.16.0.0/12"] }),
    ],
    ["that outlives its CA", "outlives-ca", () => hostOf(authority, { notAfter: authority.certificate.notAfter + 1n })],
    [
      "that is older than its CA",
      "outlives-ca",
      () => hostOf(authority, { notBefore: authority.certificate.notBefore - 1n }),
    ],
  ])("%s", (_, code, host) => {
    expect(verdict(pool, host())).toBe(code);
  });

  test("whose signature is not its CA's", () => {
    const host = hostOf(authority);
    const forger = hostOf({ ...authority, key: authorityFor().key });
    expect(forger.issuer).toBe(host.issuer);
    expect(verdict(pool, forger)).toBe("bad-signature");
  });

  test("of another curve than its CA", () => {
    const p256 = authorityFor({ curve: "P256" });
    const host = hostOf({
      ...p256,
      certificate: { ...p256.certificate, fingerprint: authority.certificate.fingerprint },
    });
    expect(verdict(pool, host)).toBe("curve-mismatch");
  });

  test("whose CA has expired or is not valid yet, also when it is valid itself", () => {
    const [expired, future] = [
      authorityFor({ notAfter: NOW - 3n * DAY - 1n }),
      authorityFor({ notBefore: NOW + 7_500n }),
    ];
    const mixed = poolOf([authority, expired, future]);
    expect(verdict(mixed, hostOf(expired))).toBe("ca-expired");
    expect(verdict(mixed, hostOf(future))).toBe("ca-not-yet-valid");
    expect(textOf(mixed.verify(hostOf(expired), now))).toBe('the certificate\'s CA "test ca" expired 3 days ago');
  });

  test("in words that say by how much its time is missed", () => {
    const expired = hostOf(authority, { notAfter: NOW - 3n * DAY });
    const future = hostOf(authority, { notBefore: NOW + 7_500n });
    expect(textOf(pool.verify(expired, now))).toBe("the certificate expired 3 days ago");
    expect(textOf(pool.verify(future, now))).toBe("the certificate is not valid for another 2 h 5 min");
  });

  test("in words that quote nothing a stranger wrote", () => {
    const stranger = hostOf(authorityFor({ name: "evil\u001b[2J" }), { name: "evil\u001b[2J" });
    expect(textOf(pool.verify(stranger, now))).toBe(`the certificate's CA is not trusted here: ${stranger.issuer}`);
  });
});

describe("the blocklist", () => {
  const authority = authorityFor();

  test("refuses a certificate in either case, before anything else is asked", () => {
    const host = hostOf(authority, { notAfter: NOW - 1n });
    for (const entry of [host.fingerprint, host.fingerprint.toUpperCase(), ` ${host.fingerprint} `]) {
      expect(verdict(poolOf([authority], [entry]), host)).toBe("blocked");
    }
    expect(verdict(poolOf([authority], [hostOf(authority).fingerprint]), host)).toBe("expired");
  });

  test.each(["CURVE25519", "P256"] as const)("refuses every certificate with a key of %s that it names", (curve) => {
    const own = authorityFor({ curve });
    const { publicKey } = hostOf(own);
    const entry = `key:${toHex(publicKey)}`;
    for (const written of [entry, entry.toUpperCase(), ` ${entry}`]) {
      for (const version of [1, 2] as const) {
        expect(verdict(poolOf([own], [written]), hostOf(own, { publicKey, version }))).toBe("blocked");
      }
      expect(verdict(poolOf([own], [written]), hostOf(own))).toBe("accepted");
    }
  });

  test("knows an X25519 key in both its spellings", () => {
    const { publicKey } = hostOf(authority);
    const other = publicKey.slice();
    other[31] = other[31]! ^ 0x80;
    const pool = poolOf([authority], [`key:${toHex(publicKey)}`]);
    expect(verdict(pool, hostOf(authority, { publicKey: other }))).toBe("blocked");
  });

  test("warns about an entry that can block nobody", () => {
    const blocklist = ["65a7", authority.certificate.fingerprint, "key:65a7"];
    const loaded = CaPool.load(nodeSuite, [authority.certificate], { blocklist, now });
    expect(loaded).toMatchObject({
      ok: true,
      value: {
        warnings: ["not a fingerprint", "is a CA", "not a fingerprint"].map((text) => expect.stringContaining(text)),
      },
    });
  });
});

describe("a live tunnel's certificate, asked about again", () => {
  test("is dropped when it expires, is blocked or loses its CA, and kept otherwise", () => {
    const authority = authorityFor();
    const host = hostOf(authority);
    const verified = poolOf([authority]).verify(host, now);
    if (!verified.ok) throw new Error(verified.reason.text);
    const again = (pool: CaPool, seconds = NOW) => codeOf(pool.recheck(verified.value, atSeconds(seconds)));
    expect(again(poolOf([authority]))).toBe("accepted");
    expect(again(poolOf([authority]), NOW + 91n * DAY)).toBe("expired");
    expect(again(poolOf([authority], [host.fingerprint]))).toBe("blocked");
    expect(again(poolOf([authorityFor()]))).toBe("unknown-issuer");
  });

  test("costs no signature check", () => {
    const counting = countingSuite();
    const authority = authorityFor();
    const pool = poolOf([authority], [], counting.suite);
    const host = pool.verify(hostOf(authority), now);
    const before = counting.checks();
    if (host.ok) pool.recheck(host.value, now);
    expect(counting.checks()).toBe(before);
  });

  test("is compared with a blocklist once, however often it is asked about", () => {
    let hashes = 0;
    const sha256: CryptoSuite["sha256"] = (...parts) => {
      hashes++;
      return nodeSuite.sha256(...parts);
    };
    // The other form of its signature has a fingerprint of its own.
    const authority = authorityFor({ curve: "P256" });
    const host = poolOf([authority]).verify(hostOf(authority), now);
    if (!host.ok) throw new Error(host.reason.text);
    const pool = poolOf([authority], [`key:${toHex(BLOCKED)}`], { ...nodeSuite, sha256 });
    const asked = Array.from({ length: 3 }, () => [codeOf(pool.recheck(host.value, now)), hashes]);
    expect(asked).toEqual([
      ["accepted", 1],
      ["accepted", 1],
      ["accepted", 1],
    ]);
  });
});

describe("a signature", () => {
  test("is checked once; time and blocklist are asked every time", () => {
    const counting = countingSuite();
    const authority = authorityFor();
    const pool = poolOf([authority], [], counting.suite);
    const host = hostOf(authority);
    const before = counting.checks();
    for (let i = 0; i < 5; i++) expect(verdict(pool, host)).toBe("accepted");
    expect(counting.checks()).toBe(before + 1);
    expect(verdict(pool, host, NOW + 91n * DAY)).toBe("expired");
  });

  test("that was bad is checked again, and stays bad", () => {
    const counting = countingSuite();
    const authority = authorityFor();
    const pool = poolOf([authority], [], counting.suite);
    const forged = hostOf({ ...authority, key: authorityFor().key });
    const before = counting.checks();
    for (let i = 0; i < 3; i++) expect(verdict(pool, forged)).toBe("bad-signature");
    expect(counting.checks()).toBe(before + 3);
  });

  test("of the same details by somebody else is not taken for the good one", () => {
    const authority = authorityFor();
    const pool = poolOf([authority]);
    const host = hostOf(authority);
    expect(verdict(pool, host)).toBe("accepted");
    const forged = hostOf({ ...authority, key: authorityFor().key }, { publicKey: host.publicKey });
    expect(verdict(pool, forged)).toBe("bad-signature");
  });
});

describe("a certificate that somebody sends", () => {
  const authority = authorityFor({ networks: ["10.77.0.0/16"] });

  test.each<[string, string, () => Certificate, readonly string[]]>([
    ["of a CA that is not trusted", "unknown-issuer", () => hostOf(authorityFor()), []],
    ["that has expired", "expired", () => hostOf(authority, { notAfter: NOW - 1n }), []],
    ["whose key is blocked", "blocked", () => hostOf(authority, { publicKey: BLOCKED }), [`key:${toHex(BLOCKED)}`]],
  ])("%s is refused before its signature is checked and its lists are read", (_, code, host, blocklist) => {
    const counting = countingSuite();
    const pool = poolOf([authority], blocklist, counting.suite);
    const sent = unread(host());
    const before = counting.checks();
    expect(codeOf(pool.admit(sent, now))).toBe(code);
    expect([counting.checks() - before, sent.reads()]).toEqual([0, 0]);
  });

  test("with a bad signature is not read", () => {
    const sent = unread(hostOf({ ...authority, key: authorityFor().key }));
    expect(codeOf(poolOf([authority]).admit(sent, now))).toBe("bad-signature");
    expect(sent.reads()).toBe(0);
  });

  test("is read once, however often it comes, and is the same object every time; its time is asked every time", () => {
    const counting = countingSuite();
    const pool = poolOf([authority], [], counting.suite);
    const host = hostOf(authority);
    const [first, again] = [unread(host), unread({ ...host })];
    const admitted = pool.admit(first, now);
    const before = counting.checks();
    expect(pool.admit(again, now)).toBe(admitted);
    expect([first.reads(), again.reads(), counting.checks() - before]).toEqual([1, 0, 0]);
    expect(codeOf(pool.admit(again, atSeconds(NOW + 91n * DAY)))).toBe("expired");
  });

  test("and goes beyond its CA is read once, too, and refused every time", () => {
    const pool = poolOf([authority]);
    const sent = unread(hostOf(authority, { networks: ["10.78.1.2/16"] }));
    for (let i = 0; i < 3; i++) expect(codeOf(pool.admit(sent, now))).toBe("network-not-allowed");
    expect(sent.reads()).toBe(1);
  });

  test("and cannot be read although its CA has signed it is refused", () => {
    const sent = { head: hostOf(authority), read: () => fail("its name is not UTF-8") };
    expect(poolOf([authority]).admit(sent, now)).toMatchObject({ ok: false, reason: { code: "bad-content" } });
  });
});

describe("a pool is refused", () => {
  test.each<[string, () => Certificate[], string]>([
    ["without a CA", () => [], "there is no CA"],
    ["with a host's certificate", () => [hostOf(authorityFor())], "is not a CA"],
    [
      "in which every CA has expired",
      () => [authorityFor({ notAfter: NOW - 3n * DAY }).certificate],
      "expired 3 days ago",
    ],
    [
      "with a CA that another one signed",
      () => {
        const { certificate } = authorityFor();
        return [{ ...certificate, signature: authorityFor().certificate.signature }];
      },
      "not signed by its own key",
    ],
  ])("%s", (_, certificates, reason) => {
    const loaded = CaPool.load(nodeSuite, certificates(), { blocklist: [], now });
    expect(loaded).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test("but an expired CA beside a valid one is only warned about", () => {
    const expired = authorityFor({ notAfter: NOW - 3n * DAY });
    const loaded = CaPool.load(nodeSuite, [expired.certificate, authorityFor().certificate], { blocklist: [], now });
    expect(loaded).toMatchObject({ ok: true, value: { warnings: ['the CA "test ca" expired 3 days ago'] } });
  });
});

function poolOf(
  authorities: readonly Authority[],
  blocklist: readonly string[] = [],
  suite: CryptoSuite = nodeSuite,
): CaPool {
  const loaded = CaPool.load(
    suite,
    authorities.map(({ certificate }) => certificate),
    { blocklist, now },
  );
  if (!loaded.ok) throw new Error(loaded.reason);
  return loaded.value.pool;
}

function verdict(pool: CaPool, certificate: Certificate, seconds = NOW): string {
  return codeOf(pool.verify(certificate, atSeconds(seconds)));
}

function codeOf(result: ReturnType<CaPool["verify"]>): string {
  return result.ok ? "accepted" : result.reason.code;
}

function textOf(result: { ok: true; value: VerifiedCertificate } | { ok: false; reason: CertificateRefusal }): string {
  return result.ok ? "accepted" : result.reason.text;
}

/** As it comes out of a handshake, counting how often its lists are read. */
function unread(certificate: Certificate): UnreadCertificate & { reads(): number } {
  let reads = 0;
  const read = () => {
    reads++;
    return ok(certificate);
  };
  return { head: certificate, read, reads: () => reads };
}

/** The daemon's suite, counting the signatures it checks. */
function countingSuite(): { readonly suite: CryptoSuite; checks(): number } {
  let checks = 0;
  const suite: CryptoSuite = {
    ...nodeSuite,
    signature: (curve) => {
      const scheme = nodeSuite.signature(curve)!;
      return {
        ...scheme,
        verify: (...args) => {
          checks++;
          return scheme.verify(...args);
        },
      };
    },
  };
  return { suite, checks: () => checks };
}

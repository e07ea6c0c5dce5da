import { describe, expect, test } from "vitest";
import type { Authority } from "../../../../certs/index.ts";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import { RevocationList } from "../../../../src/core/cert/revocation-list.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { atSeconds, authorityFor, hostOf, NOW } from "./issuing.ts";

const now = atSeconds(NOW);

describe("a revocation list", () => {
  const plain = authorityFor();
  const guests = authorityFor({ groups: ["guest"] });
  const [ours, theirs] = [hostOf(plain), hostOf(guests, { groups: ["guest"] })];
  const poolOf = (): CaPool => {
    const loaded = CaPool.load(nodeSuite, [plain.certificate, guests.certificate], { blocklist: [], now });
    if (!loaded.ok) throw new Error(loaded.reason);
    return loaded.value.pool;
  };
  const entries = [ours, theirs].map(({ publicKey }) => `key:${toHex(publicKey)}`);
  const withListOf = ({ certificate }: Authority, ...revoked: readonly string[]) =>
    poolOf().with([new RevocationList(certificate, { number: 7, issuedAt: 1_795_132_800 }, revoked)]);

  test("takes back certificates, also such as were accepted before, and says which list it was", () => {
    const before = poolOf();
    expect(verdict(before, ours)).toBe("accepted");
    const pool = before.with([new RevocationList(plain.certificate, { number: 7, issuedAt: 1_795_132_800 }, entries)]);
    const refused = pool.verify(ours, now);
    expect(refused).toMatchObject({ ok: false, reason: { code: "revoked" } });
    expect(!refused.ok && refused.reason.text).toMatch(/was revoked: list 7 of /);
    expect(verdict(before, ours)).toBe("accepted");
  });

  test("of an authority without limits holds for every authority's certificates", () => {
    expect([ours, theirs].map((host) => verdict(withListOf(plain, ...entries), host))).toEqual(["revoked", "revoked"]);
  });

  test("of an authority that is limited to a group holds for its own certificates only", () => {
    expect([ours, theirs].map((host) => verdict(withListOf(guests, ...entries), host))).toEqual([
      "accepted",
      "revoked",
    ]);
  });

  test("knows a certificate by its fingerprint, too", () => {
    expect(verdict(withListOf(plain, ours.fingerprint), ours)).toBe("revoked");
  });

  test("of another pool's is gone with it", () => {
    expect(verdict(withListOf(plain, ...entries).with([]), ours)).toBe("accepted");
  });
});

function verdict(pool: CaPool, certificate: Certificate): string {
  const verified = pool.verify(certificate, now);
  return verified.ok ? "accepted" : verified.reason.code;
}

import { describe, expect, test } from "vitest";
import { parsePublicKey, type SshKey } from "../../../../src/runtime/console/ssh/ssh-key.ts";
import { vouchedKey } from "../../../../src/runtime/console/ssh/user-certificate.ts";
import { type CertificatePlan, certificateFor, Identity } from "./ssh-identities.ts";

const authority = new Identity();
const stranger = new Identity();
const user = new Identity();
const visit = { user: "me", address: "192.0.2.7", now: 1_000n };

describe("a certificate of a user", () => {
  test("vouches for its key, whose signatures count and nobody else's", () => {
    const vouched = verdict(certificateFor(user, authority));
    expect(vouched.ok && vouched.value.blob.equals(user.blob)).toBe(true);
    const data = Buffer.from("to be signed");
    expect(vouched.ok && vouched.value.verifies(data, user.sign(data))).toBe(true);
    expect(vouched.ok && vouched.value.verifies(data, stranger.sign(data))).toBe(false);
    expect(vouched.ok && vouched.value.verifies(Buffer.from("another"), user.sign(data))).toBe(false);
  });

  test("holds for where it says, be it one address, one of a network or one of several", () => {
    for (const places of ["192.0.2.7", "192.0.2.0/24", "198.51.100.1,192.0.2.0/29"])
      expect(verdict(certificateFor(user, authority, { options: { "source-address": places } })).ok).toBe(true);
    const mapped = vouchedKey(certificateFor(user, authority, { options: { "source-address": "192.0.2.7" } }), keys(), {
      ...visit,
      address: "::ffff:192.0.2.7",
    });
    expect(mapped.ok).toBe(true);
  });

  const refused: readonly (readonly [string, CertificatePlan, string])[] = [
    ["of a host", { kind: 2 }, "it is for a host, not for a user"],
    ["for others", { principals: ["you", "ME"] }, "it is not for this user"],
    ["for nobody", { principals: [] }, "it is not for this user"],
    ["of tomorrow", { validAfter: 1_001n }, "it is not valid yet"],
    ["of yesterday", { validBefore: 1_000n }, "it is not valid any more"],
    ["for elsewhere", { options: { "source-address": "198.51.100.0/24" } }, "it does not hold for where it comes from"],
    ["for nowhere", { options: { "source-address": "rubbish" } }, "it does not hold for where it comes from"],
    ["with an order", { options: { "force-command": "version" } }, "it has a critical option that is not known here"],
    ["signed by another", { signer: stranger }, "its signature is not that of its authority"],
    ["of another kind of key", { type: "ssh-rsa-cert-v01@openssh.com" }, "it is malformed"],
    ["of no kind", { type: "ssh-ed25519" }, "it is no certificate"],
  ];
  test.each(refused)("%s is refused", (_, plan, why) => {
    expect(verdict(certificateFor(user, authority, plan))).toEqual({ ok: false, reason: why });
  });

  test("of an authority that is not trusted is refused", () => {
    expect(verdict(certificateFor(user, stranger))).toEqual({
      ok: false,
      reason: "no authority in sshd.trusted_cas has signed it",
    });
  });

  test("that is cut off, has something behind it or a bit that is another is refused, and nothing throws", () => {
    const good = certificateFor(user, authority);
    for (let end = 0; end < good.length; end++) expect(verdict(good.subarray(0, end)).ok).toBe(false);
    expect(verdict(Buffer.concat([good, Buffer.of(0)])).ok).toBe(false);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(verdict(bad).ok, `byte ${at}`).toBe(false);
    }
  });
});

describe("a line of a .pub file", () => {
  test.each([
    ["", "is no public key of a type"],
    ["ssh-dss AAAAB3NzaC1kc3M=", "is no public key of a type"],
    ["ssh-ed25519", "is not a public key"],
    ["ssh-ed25519 AAAA", "is not a public key"],
    [user.line.replace("ssh-ed25519", "ssh-rsa"), "is not a public key"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "is no public key of a type"],
  ])("%j is refused", (line, why) => {
    expect(parsePublicKey(line)).toMatchObject({ ok: false, reason: expect.stringContaining(why) });
  });

  test("may have a comment", () => {
    expect(parsePublicKey(`  ${user.line} me@laptop and more`)).toMatchObject({ ok: true });
  });
});

function verdict(certificate: Buffer): ReturnType<typeof vouchedKey> {
  return vouchedKey(certificate, keys(), visit);
}

function keys(): readonly SshKey[] {
  const key = parsePublicKey(authority.line);
  return key.ok ? [key.value] : [];
}

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { errorsOf, parsed, SOUND, settingsOf, warningsOf } from "../parsed.ts";
import { fittingPems, keyPem, TestAuthority } from "../test-pki.ts";

describe("an identity", () => {
  test("is made of CA, certificate and key", () => {
    const { identity } = settingsOf(SOUND).live;
    expect(identity.credential).toMatchObject({ name: "laptop", addresses: ["10.77.0.2"] });
    expect(identity).toMatchObject({ disconnectInvalid: true, initiatingVersion: 1 });
    expect([...identity.pool.authorities.values()].map(({ name }) => name)).toEqual(["test ca"]);
  });

  test("starts handshakes with version 2 when it has no other", () => {
    expect(settingsOf(SOUND, fittingPems({ version: 2 })).live.identity.initiatingVersion).toBe(2);
  });

  test("may hold both versions and choose", () => {
    const authority = new TestAuthority();
    const both = { ...fittingPems(), "pki.cert": authority.host({ version: 1 }) + authority.host({ version: 2 }) };
    expect(settingsOf(SOUND, both).live.identity.initiatingVersion).toBe(1);
    expect(
      settingsOf(`${SOUND.replace("key: host.key", "key: host.key, initiating_version: 2")}`, both).live.identity
        .initiatingVersion,
    ).toBe(2);
  });

  test("takes blocked fingerprints in any case", () => {
    const { certificates } = settingsOf(SOUND).live.identity.credential;
    const blocked = certificates[1]?.fingerprint.toUpperCase();
    const text = SOUND.replace("key: host.key", `key: host.key, blocklist: [${blocked}], disconnect_invalid: no`);
    expect(settingsOf(text).live.identity.disconnectInvalid).toBe(false);
    expect(warningsOf(text)[0]).toMatch(/peers will refuse this host: the certificate [0-9a-f]{64} is blocked/);
  });
});

describe("an identity is refused", () => {
  const authority = new TestAuthority();
  const pems = fittingPems();

  test.each([
    [
      "when its certificate has expired, saying since when",
      { "pki.cert": authority.host({ from: -9n, until: -3n }) },
      /1:25: pki\.cert: the certificate "laptop" expired 3 days ago - sign a new one/,
    ],
    [
      "when its certificate is not valid yet, saying for how long",
      { "pki.cert": authority.host({ from: 2n }) },
      /pki\.cert: the certificate "laptop" is not valid for another 2 days - is this machine's clock right\?/,
    ],
    [
      "when a CA stands in its place",
      { "pki.cert": authority.pem },
      /pki\.cert: the certificate "test ca" is a CA.* - the CA certificate belongs into pki\.ca/,
    ],
    [
      "when the key is another's",
      { "pki.key": keyPem(2) },
      /1:40: pki\.key: the private key is not that of the certificate "laptop" - check that pki\.cert and pki\.key are of the same host/,
    ],
    [
      "when the key is no key",
      { "pki.key": authority.pem },
      /pki\.key: the key is a NEBULA CERTIFICATE; this certificate needs a NEBULA X25519 PRIVATE KEY - give the host's key, which lacis-cert sign writes/,
    ],
    [
      "when the CA is no CA",
      { "pki.ca": authority.host() },
      /1:11: pki\.ca: the certificate "laptop" is not a CA - give the authority's certificate, which lacis-cert ca writes/,
    ],
    ["when a file holds no PEM", { "pki.ca": "hello" }, /pki\.ca: cannot be read: there is no "-----BEGIN" line/],
    [
      "when a key stands among the certificates",
      { "pki.cert": pems["pki.cert"] + pems["pki.key"] },
      /pki\.cert: cannot be read: block 2 is a NEBULA X25519 PRIVATE KEY, not a certificate - give the host's certificate, which lacis-cert sign writes/,
    ],
    [
      "when a version stands twice",
      { "pki.cert": authority.host() + authority.host({ networks: ["10.77.0.3/24"] }) },
      /pki\.cert: there are two certificates of version 1/,
    ],
  ])("%s", (_, changed, error) => {
    const errors = errorsOf(SOUND, { ...pems, ...changed });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(error);
  });

  test("when a key of pki is missing, empty or no text", () => {
    expect(errorsOf(SOUND.replace(/pki: .*\n/, "pki: {cert: [a], key: ''}\n"), {})).toEqual([
      "config.yml:1:1: pki.ca: is missing - write the path of the file with CA certificates",
      "config.yml:1:13: pki.cert: a list where a path or PEM text belongs - write the path of the file with this host's certificates",
      "config.yml:1:23: pki.key: is missing - write the path of the file with this host's private key",
    ]);
  });

  test("when it asks for a version that it does not hold", () => {
    expect(errorsOf(SOUND.replace("key: host.key", "key: host.key, initiating_version: 2"))).toEqual([
      "config.yml:1:70: pki.initiating_version: is 2, but pki.cert holds no certificate of that version - remove it",
    ]);
    expect(errorsOf(SOUND.replace("key: host.key", "key: host.key, initiating_version: 3"))).toEqual([
      'config.yml:1:70: pki.initiating_version: "3" is not one of 1, 2',
    ]);
  });

  test("when its key is in a security module, for now", () => {
    expect(errorsOf(SOUND.replace("host.key", "'pkcs11:id=1'"), { ...pems, "pki.key": undefined } as never)).toEqual([
      "config.yml:1:40: pki.key: keys in a security module are known but not implemented yet - use a key file",
    ]);
  });

  test("when the blocklist holds something else", () => {
    expect(errorsOf(SOUND.replace("key: host.key", "key: host.key, blocklist: [laptop]"))).toEqual([
      'config.yml:1:62: pki.blocklist[0]: "laptop" is not a fingerprint, 64 hexadecimal digits, or key: and a public key in hexadecimal digits',
    ]);
    const written = SOUND.replace(
      "key: host.key",
      `key: host.key, blocklist: ["KEY:${"0a".repeat(32)}", ${"0B".repeat(32)}]`,
    );
    expect(errorsOf(written.replace("KEY", "key"))).toEqual([]);
  });
});

describe("an identity is doubtful", () => {
  test("when its CA is not among those it trusts", () => {
    const other = new TestAuthority("other ca");
    expect(warningsOf(SOUND, { ...fittingPems(), "pki.ca": other.pem }).join()).toMatch(
      /pki\.cert: peers will refuse this host: the certificate's CA is not trusted here: [0-9a-f]{64} - check that pki\.ca holds its CA/,
    );
  });
});

describe("a private key never shows", () => {
  const key = keyPem();
  const body = key.split("\n")[1] ?? "";
  const indented = key.trimEnd().replaceAll("\n", "\n    ");
  const inline = SOUND.replace(/pki: .*\n/, `pki:\n  ca: ca.crt\n  cert: host.crt\n  key: |\n    ${indented}\n`);

  test("in what is in force", () => {
    const { effective } = parsed(inline);
    expect(effective.find(({ path }) => path === "pki.key")?.value).toBe("[inline PEM]");
  });

  test("in errors, warnings or a dump of everything", () => {
    for (const text of [
      inline,
      `${inline}wibble: 1\n`,
      inline.replace("  key: |", "  keys: |"),
      inline.replace("cert: host.crt\n  key", "cert"),
    ]) {
      const outcome = parsed(text);
      expect(inspect(outcome, { depth: 12, showHidden: true })).not.toContain(body);
      expect(JSON.stringify(outcome, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
        body,
      );
    }
  });
});

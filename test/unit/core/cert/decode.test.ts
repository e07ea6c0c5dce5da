import { describe, expect, test } from "vitest";
import { certificateToPem } from "../../../../certs/index.ts";
import { concatBytes, fromHex } from "../../../../src/core/base/bytes.ts";
import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import { decodeCertificate, parseCertificates } from "../../../../src/core/cert/decode.ts";
import { fromHandshakeForm, toHandshakeForm } from "../../../../src/core/cert/handshake-form.ts";
import { encodeV1, encodeV1Details } from "../../../../src/core/cert/v1.ts";
import { encodeV2 } from "../../../../src/core/cert/v2.ts";
import { derElement } from "../../../../src/core/wire/der.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { hex, repeated } from "../../../vectors/hex.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { authorityFor, hostOf, prefixes } from "./issuing.ts";

const v1Authority = authorityFor({ version: 1 });
const v2Authority = authorityFor({ version: 2 });
const signature = repeated(1, 64);

/** The elements of good v1 details, in their order. */
const GOOD_V1 = {
  name: "0a04686f7374",
  networks: "12098282b4528080fcff0f",
  notBefore: "2801",
  notAfter: "3002",
  key: `3a20${"07".repeat(32)}`,
  issuer: `4a20${"09".repeat(32)}`,
};

/** The same for v2. */
const GOOD_V2 = {
  name: "800468657265",
  networks: "a10704050a4d010210",
  unsafeNetworks: "",
  groups: "",
  isCa: "",
  notBefore: "850101",
  notAfter: "860102",
  issuer: `8720${"ab".repeat(32)}`,
};

describe("a v1 certificate is refused", () => {
  const good = detailsOf({});

  test("never when it is what the encoder writes", () => {
    expect(decodeCertificate(nodeSuite, 1, encodeV1(good, signature)).ok).toBe(true);
  });

  test.each<[string, Partial<Record<keyof typeof GOOD_V1 | "last", string>>, string]>([
    ["with an unknown field", { last: "9a0600" }, "canonical"],
    ["with its fields in another order", { name: "", last: GOOD_V1.name }, "canonical"],
    ["with a varint that could be shorter", { notBefore: "288100" }, "canonical"],
    ["with a zero that stands there", { last: "a00600" }, "canonical"],
    ["with a field that stands twice", { notBefore: "28012801" }, "canonical"],
    ["with its networks one by one", { networks: "108282b452108080fcff0f" }, "canonical"],
    ["with half a network", { networks: "12048282b452" }, "address and a netmask"],
    ["with a netmask that has a hole", { networks: "12098282b45280fe83f80f" }, "address and a netmask"],
    ["without a network", { networks: "" }, "needs a network"],
    ["with the zero address for a network", { networks: "1206008080fcff0f" }, "no host address"],
    ["with a name that is not UTF-8", { name: "0a01ff" }, "not well formed"],
    ["without a key", { key: "" }, "32 bytes"],
    ["with a key of 31 bytes", { key: `3a1f${"07".repeat(31)}` }, "32 bytes"],
    ["with a key of the other curve's length", { key: `3a41${"07".repeat(65)}` }, "32 bytes"],
    ["with an issuer that is no fingerprint", { issuer: "4a0109" }, "issuer"],
    ["of a curve that does not exist", { last: "a00602" }, "curve 2"],
    ["that is cut off", { issuer: "4a20" }, "not well formed"],
  ])("%s", (_, changes, reason) => {
    const decoded = decodeCertificate(nodeSuite, 1, encodeV1(detailsOf(changes), signature));
    expect(decoded).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test.each<[string, Uint8Array]>([
    ["of no bytes", new Uint8Array()],
    ["without a signature", encodeV1(good, new Uint8Array())],
    [
      "with its signature first",
      concatBytes(hex(`1240${"01".repeat(64)}`), new ProtobufWriter().message(1, good).finish()),
    ],
    ["with bytes after it", concatBytes(encodeV1(good, signature), hex("00"))],
    ["with a second signature", concatBytes(encodeV1(good, signature), hex(`1240${"01".repeat(64)}`))],
    ["of more than 64 KiB", encodeV1(concatBytes(good, new Uint8Array(70_000)), signature)],
  ])("%s", (_, bytes) => {
    expect(decodeCertificate(nodeSuite, 1, bytes).ok).toBe(false);
  });

  function detailsOf(changes: Partial<Record<keyof typeof GOOD_V1 | "last", string>>): Uint8Array {
    return concatBytes(...Object.values({ ...GOOD_V1, ...changes }).map(hex));
  }
});

describe("a v2 certificate is refused", () => {
  const good = detailsOf({});

  test("never when it is what the encoder writes, nor for fields of later releases in its details", () => {
    expect(decoded(good).ok).toBe(true);
    expect(decoded(derElement(0xa0, contentOf({}), hex("8801ff"))).ok).toBe(true);
  });

  test.each<[string, Partial<Record<keyof typeof GOOD_V2, string>>, string]>([
    ["without a name", { name: "" }, "not well formed"],
    ["with an empty name", { name: "8000" }, "1 to 253 bytes"],
    ["with a name of 254 bytes", { name: `8081fe${"61".repeat(254)}` }, "1 to 253 bytes"],
    ["with a name that is not UTF-8", { name: "8001ff" }, "UTF-8"],
    ["with a network of six bytes", { networks: "a10804060a4d01021000" }, "address and a prefix length"],
    ["with a prefix length of 33", { networks: "a10704050a4d010221" }, "address and a prefix length"],
    [
      "with an IPv4-mapped network",
      { networks: `a113041100000000000000000000ffff0a4d010270` },
      "address and a prefix length",
    ],
    ["with a network of another type", { networks: "a10705050a4d010210" }, "address and a prefix length"],
    ["with the same network twice", { networks: "a10e04050a4d01021004050a4d010210" }, "twice"],
    ["without a network", { networks: "" }, "needs a network"],
    ["with the zero address for a network", { networks: "a10704050000000010" }, "no host address"],
    [
      "with an IPv6 unsafe network and no IPv6 network",
      { unsafeNetworks: `a2130411fd${"00".repeat(15)}08` },
      "same family",
    ],
    ["with an empty group", { groups: "a3020c00" }, "group"],
    ["with a group that is not UTF-8", { groups: "a3030c01ff" }, "group"],
    ["with a CA mark of two bytes", { isCa: "8402ffff" }, "CA mark"],
    ["with a time of nine bytes", { notBefore: "8509010000000000000000" }, "time"],
    ["with a time that could be shorter", { notBefore: "85020001" }, "time"],
    ["with no time", { notAfter: "" }, "not well formed"],
    ["with its times in the other order", { notBefore: "860102", notAfter: "850101" }, "not well formed"],
    ["with an issuer that is no fingerprint", { issuer: "8701ab" }, "issuer"],
  ])("%s", (_, changes, reason) => {
    expect(decoded(detailsOf(changes))).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test.each<[string, Uint8Array]>([
    ["of no bytes", new Uint8Array()],
    ["with bytes after it", concatBytes(whole(), hex("00"))],
    [
      "with bytes after its signature",
      derElement(0x30, good, derElement(0x82, repeated(7)), derElement(0x83, signature), hex("8400")),
    ],
    [
      "with its signature before its key",
      derElement(0x30, good, derElement(0x83, signature), derElement(0x82, repeated(7))),
    ],
    [
      "with the curve that is left out",
      derElement(0x30, good, hex("810100"), derElement(0x82, repeated(7)), derElement(0x83, signature)),
    ],
    [
      "of a curve that does not exist",
      derElement(0x30, good, hex("810102"), derElement(0x82, repeated(7)), derElement(0x83, signature)),
    ],
    ["without a key", derElement(0x30, good, derElement(0x83, signature))],
    ["with a key of 31 bytes", derElement(0x30, good, derElement(0x82, repeated(7, 31)), derElement(0x83, signature))],
    ["with an empty signature", derElement(0x30, good, derElement(0x82, repeated(7)), hex("8300"))],
    ["with a length that could be shorter", concatBytes(hex("3082"), hex("00"), whole().subarray(1))],
  ])("%s", (_, bytes) => {
    expect(decodeCertificate(nodeSuite, 2, bytes).ok).toBe(false);
  });

  test("and a true CA mark is any byte but zero", () => {
    const asCa = (mark: string) => decoded(detailsOf({ isCa: `8401${mark}` }));
    expect([asCa("ff"), asCa("01"), asCa("00")]).toMatchObject([
      { value: { isCa: true } },
      { value: { isCa: true } },
      { value: { isCa: false } },
    ]);
  });

  function decoded(details: Uint8Array) {
    return decodeCertificate(
      nodeSuite,
      2,
      encodeV2({ details, curve: "CURVE25519", publicKey: repeated(7), signature }),
    );
  }

  function whole(): Uint8Array {
    return encodeV2({ details: good, curve: "CURVE25519", publicKey: repeated(7), signature });
  }

  function contentOf(changes: Partial<Record<keyof typeof GOOD_V2, string>>): Uint8Array {
    return concatBytes(...Object.values({ ...GOOD_V2, ...changes }).map((element) => fromHex(element)!));
  }

  function detailsOf(changes: Partial<Record<keyof typeof GOOD_V2, string>>): Uint8Array {
    return derElement(0xa0, contentOf(changes));
  }
});

test("v2 networks are sorted when they are read, whatever their order was", () => {
  const host = hostOf(v2Authority, { networks: ["fd00::9/64", "10.77.9.1/16", "10.77.1.2/16"] });
  expect(host.networks).toEqual(prefixes("10.77.1.2/16", "10.77.9.1/16", "fd00::9/64"));
  const v1 = hostOf(v1Authority, { networks: ["10.77.9.1/16"], unsafeNetworks: ["192.168.9.0/24", "10.9.0.0/16"] });
  expect(v1.unsafeNetworks).toEqual(prefixes("192.168.9.0/24", "10.9.0.0/16"));
});

test.each([
  ["CURVE25519", {}],
  ["P256", {}],
  ["CURVE25519", { groups: Array.from({ length: 40 }, (_, i) => `group-${i}`), unsafeNetworks: ["192.168.9.0/24"] }],
  ["CURVE25519", { name: "a".repeat(200) }],
] as const)("the handshake form of version 1 on %s is what is encoded without the key: %j", (curve, more) => {
  const host = hostOf(authorityFor({ version: 1, curve }), more);
  const withoutKey = encodeV1Details({ ...host, publicKey: new Uint8Array() });
  expect(toHandshakeForm(host)).toEqual(encodeV1(withoutKey, host.signature));
  const received = { bytes: toHandshakeForm(host), version: 1, publicKey: host.publicKey, curve } as const;
  expect(fromHandshakeForm(nodeSuite, received)).toEqual({ ok: true, value: host });
});

describe("the handshake form is refused", () => {
  test.each([v1Authority, v2Authority])("with its public key in it (version $certificate.version)", (authority) => {
    const host = hostOf(authority);
    const received = {
      bytes: host.encoded,
      version: host.version,
      publicKey: host.publicKey,
      curve: "CURVE25519",
    } as const;
    expect(fromHandshakeForm(nodeSuite, received)).toEqual({
      ok: false,
      reason: expect.stringContaining("public key"),
    });
  });

  test.each([1, 2] as const)("when its curve is not ours (version %i)", (version) => {
    const host = hostOf(authorityFor({ version, curve: "P256" }));
    const bytes = toHandshakeForm(host);
    const received = { bytes, version, publicKey: host.publicKey, curve: "CURVE25519" } as const;
    expect(fromHandshakeForm(nodeSuite, received).ok).toBe(false);
  });

  test.each([v1Authority, v2Authority])(
    "when it is read as the other version (version $certificate.version)",
    (authority) => {
      const host = hostOf(authority);
      const version = host.version === 1 ? 2 : 1;
      const received = {
        bytes: toHandshakeForm(host),
        version,
        publicKey: host.publicKey,
        curve: "CURVE25519",
      } as const;
      expect(fromHandshakeForm(nodeSuite, received).ok).toBe(false);
    },
  );
});

describe("a certificate with long lists", () => {
  const networks = (count: number) => Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.9/16`);
  const groups = (count: number) => Array.from({ length: count }, (_, i) => `group-${i}`);
  /** Signs what no issuer makes: version 1 with many networks. */
  const careless = new TestAuthority(nodeSuite, 7);
  const withNetworks = (version: 1 | 2, count: number) =>
    careless.issue(version, { name: "host", networks: networks(count), publicKey: repeated(9, 32) });

  test.each<[1 | 2, string, (authority: typeof v1Authority, more: number) => Certificate]>(
    ([1, 2] as const).flatMap((version) => [
      [version, "networks", (_, more) => withNetworks(version, 256 + more)],
      [version, "unsafe networks", (authority, more) => hostOf(authority, { unsafeNetworks: networks(1024 + more) })],
      [version, "groups", (authority, more) => hostOf(authority, { groups: groups(1024 + more) })],
    ]),
  )(
    "of version %i is taken in a file however many %s it has, and in a handshake up to a limit",
    (version, list, make) => {
      const authority = version === 1 ? v1Authority : v2Authority;
      const [longest, tooLong] = [make(authority, 0), make(authority, 1)];
      const inHandshake = (host: Certificate) => {
        const { publicKey } = host;
        return fromHandshakeForm(nodeSuite, { bytes: toHandshakeForm(host), version, publicKey, curve: "CURVE25519" });
      };
      expect(inHandshake(longest)).toEqual({ ok: true, value: longest });
      expect(inHandshake(tooLong)).toEqual({ ok: false, reason: expect.stringContaining(`too many ${list}`) });
      expect(decodeCertificate(nodeSuite, version, tooLong.encoded)).toEqual({ ok: true, value: tooLong });
    },
  );
});

describe("a certificate file", () => {
  const v1 = hostOf(v1Authority);
  const v2 = hostOf(v2Authority);

  test("holds any number of certificates of both versions, with other lines before and between them", () => {
    const text = `# mesh\n${certificateToPem(v1)}\n# and\r\n${certificateToPem(v2).replaceAll("\n", "\r\n")}  \n`;
    expect(parseCertificates(text, nodeSuite)).toEqual({ ok: true, value: [v1, v2] });
  });

  test.each([
    ["that is empty", "", '"-----BEGIN"'],
    ["whose lines are indented", `  ${certificateToPem(v1)}`, "something stands before"],
    ["behind a character that cannot be seen", `\u200b${certificateToPem(v1)}`, "something stands before"],
    ["with something after the last block", `${certificateToPem(v1)}# end\n`, "after the last block"],
    [
      "with a key in it",
      `${certificateToPem(v1)}-----BEGIN NEBULA X25519 PRIVATE KEY-----\nAAAA\n-----END NEBULA X25519 PRIVATE KEY-----\n`,
      "block 2 is a NEBULA X25519 PRIVATE KEY",
    ],
    ["that breaks off", certificateToPem(v1).slice(0, -20), "does not end"],
    [
      "with another banner at its end",
      certificateToPem(v1).replace("END NEBULA CERTIFICATE", "END NEBULA CERTIFICATE V2"),
      "does not end",
    ],
    ["that is not base64", certificateToPem(v1).replace("\n", "\n*"), "not base64"],
    [
      "with a version 1 certificate under the version 2 banner",
      certificateToPem(v1).replaceAll("CERTIFICATE-", "CERTIFICATE V2-"),
      "block 1",
    ],
  ])("is refused %s", (_, text, reason) => {
    expect(parseCertificates(text, nodeSuite)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});

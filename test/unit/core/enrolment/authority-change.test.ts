import { describe, expect, test } from "vitest";
import { utf8Encode } from "../../../../src/core/base/bytes.ts";
import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import { Banner, encodePem } from "../../../../src/core/cert/pem.ts";
import {
  decodeAuthorityChange,
  encodeAuthorityChange,
  trustAfter,
} from "../../../../src/core/enrolment/authority-change.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";

const [first, next, other] = [1, 2, 3].map((seed) => new TestAuthority(nodeSuite, seed, `ca ${seed}`)) as [
  TestAuthority,
  TestAuthority,
  TestAuthority,
];
const own = first.issue(2, { name: "lap", networks: ["10.77.0.1/24"], publicKey: new Uint8Array(32).fill(9) });
const renewed = next.issue(2, { name: "lap", networks: ["10.77.0.1/24"], publicKey: new Uint8Array(32).fill(9) });

describe("a host follows its authority", () => {
  test("to the next one, and keeps those of other networks", () => {
    const change = changeOf([first, next], []);
    expect(names(trustAfter(change, first.certificate, trust([first, other], [own])))).toEqual([
      "ca 1",
      "ca 2",
      "ca 3",
    ]);
  });

  test("when the first is dropped, once its own certificate is of the next", () => {
    const change = changeOf([next], [first]);
    expect(names(trustAfter(change, next.certificate, trust([next, first, other], [renewed])))).toEqual([
      "ca 2",
      "ca 3",
    ]);
  });

  test("again without a word when it has followed already, whoever has signed it since", () => {
    const change = changeOf([next, first], []);
    expect(names(trustAfter(change, first.certificate, trust([first, next], [renewed])))).toEqual(["ca 2", "ca 1"]);
  });
});

describe("a host does not follow", () => {
  test("an authority that has not signed it", () => {
    const after = trustAfter(changeOf([first, other, next], []), other.certificate, trust([first, other], [own]));
    expect(after).toEqual({
      ok: false,
      reason: expect.stringMatching(/"ca 3", which says so, has not signed this host/),
    });
  });

  test("to one that may sign more than the one that names it", () => {
    const limited = { ...first.certificate, groups: ["laptops"] };
    const after = trustAfter(changeOf([first, next], []), limited, { authorities: [limited], own: [own] });
    expect(after).toEqual({ ok: false, reason: expect.stringMatching(/would have other limits/) });
  });

  test("where it would be left without the authority of its own certificate", () => {
    const after = trustAfter(changeOf([next], [first]), first.certificate, trust([first, next], [own]));
    expect(after).toEqual({ ok: false, reason: expect.stringMatching(/has to be renewed first/) });
  });
});

describe("a bulletin about authorities is refused", () => {
  const pem = pemOf(first.certificate);
  test.each<[string, Uint8Array, RegExp]>([
    ["that is no text", Uint8Array.of(0xff, 0xfe, 0), /no JSON/],
    ["that is no object", utf8Encode("[]"), /it is not an object/],
    ["that drops what is no fingerprint", encodeAuthorityChange({ trust: pem, drop: ["x"] }), /drop\[0\]/],
    ["that names nobody", encodeAuthorityChange({ trust: "", drop: [] }), /./],
    ["that names a host", encodeAuthorityChange({ trust: pemOf(own), drop: [] }), /"lap" is no authority/],
    ["that names a crowd", encodeAuthorityChange({ trust: pem.repeat(5), drop: [] }), /too many/],
  ])("%s", (_, body, why) => {
    const decoded = decodeAuthorityChange(body, nodeSuite);
    expect(decoded.ok ? "" : decoded.reason).toMatch(why);
  });
});

function changeOf(trusted: readonly TestAuthority[], drop: readonly TestAuthority[]) {
  const body = encodeAuthorityChange({
    trust: trusted.map(({ certificate }) => pemOf(certificate)).join(""),
    drop: drop.map(({ certificate }) => certificate.fingerprint),
  });
  const decoded = decodeAuthorityChange(body, nodeSuite);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}

function trust(authorities: readonly TestAuthority[], certificates: readonly Certificate[]) {
  return { authorities: authorities.map(({ certificate }) => certificate), own: certificates };
}

function names(after: ReturnType<typeof trustAfter>): readonly string[] {
  if (!after.ok) throw new Error(after.reason);
  return after.value.map(({ name }) => name);
}

function pemOf({ version, encoded }: Certificate): string {
  return encodePem(version === 1 ? Banner.certificateV1 : Banner.certificateV2, encoded);
}

import { describe, expect, test } from "vitest";
import { domainOf, domainRefusal } from "../../../../../src/core/config/parse/check-domain.ts";
import { parsed, SOUND } from "../parsed.ts";

describe("the domain of the overlay's names", () => {
  test.each([
    ["com", "is a domain of the Internet"],
    ["dev", "is a domain of the Internet"],
    ["de", "is a domain of the Internet"],
    ["xn--p1ai", "is a domain of the Internet"],
    ["local", "by multicast (RFC 6762)"],
    ["office.local", "by multicast (RFC 6762)"],
    ["localhost", "this machine itself"],
    ["onion", "are Tor's"],
    ["arpa", "only names below home.arpa"],
    ["77.10.in-addr.arpa", "only names below home.arpa"],
    ["10.77", "would be taken for an address"],
  ])("cannot be %s: it %s", (domain, why) => {
    expect(domainRefusal(domain)).toContain(why);
  });

  test.each(["mesh", "internal", "lab.internal", "home.arpa", "mesh.home.arpa", "mesh.example.com", "lan", "corp"])(
    "may be %s",
    (domain) => {
      expect(domainRefusal(domain)).toBeUndefined();
    },
  );

  test("is read in any case, with or without the dot at its end; an empty one is none", () => {
    expect(["Mesh.", "mesh", ""].map(domainOf)).toEqual(["mesh", "mesh", undefined]);
  });
});

describe("a configuration", () => {
  test("with a domain of somebody else's is refused with the reason and a way out", () => {
    expect(parsed(`${SOUND}\ndns: {domain: local}\n`).errors).toMatchObject([
      { code: "CONFIG_VALUE", path: "dns.domain", what: expect.stringContaining("RFC 6762"), todo: expect.anything() },
    ]);
    expect(parsed(`${SOUND}\ndns: {domain: 'a b'}\n`).errors).toMatchObject([{ path: "dns.domain" }]);
    expect(parsed(`${SOUND}\ndns: {domain: mesh}\n`)).toMatchObject({ errors: [], warnings: [] });
  });

  test("with a domain on a host without a device is warned of it", () => {
    const { errors, warnings } = parsed(`${SOUND}\ndns: {domain: mesh}\ntun: {disabled: true}\n`);
    expect([errors, warnings.map(({ path }) => path)]).toEqual([[], ["dns.domain"]]);
  });
});

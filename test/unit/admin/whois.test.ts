import { describe, expect, test } from "vitest";
import { type KnownHosts, whois } from "../../../src/admin/whois.ts";
import { whoisLines } from "../../../src/cli/render-whois.ts";
import type { VerifiedCertificate } from "../../../src/core/cert/certificate.ts";
import { contains } from "../../../src/core/netip/prefix.ts";
import type { NamedHost } from "../../../src/core/node/directory.ts";
import { prefix } from "../fixtures/authority.ts";
import { trusted } from "../fixtures/sessions.ts";

const server = named(trusted("server", "10.77.0.2/24"));
const laptop = named(Object.assign(trusted("laptop", "10.77.0.3/24", "fd77::3/64"), { groups: ["laptops", "ann"] }));
const gateway = named(Object.assign(trusted("gw", "10.77.0.4/24"), { unsafeNetworks: [prefix("192.168.5.0/24")] }));
const OVERLAY = [prefix("10.77.0.0/24"), prefix("192.168.0.0/16")];

const known: KnownHosts = {
  directory: [server, laptop, gateway],
  networks: "10.77.0.0/24",
  isOverlay: (address) => OVERLAY.some((network) => contains(network, address)),
};

describe("whois", () => {
  test.each(["10.77.0.3", "10.77.0.3:51234", "fd77::3", "[fd77::3]:51234", "laptop"])(
    "%s is the laptop, with its groups and its certificate",
    (text) => {
      const { hosts, address } = whois(text, known);
      expect(address).toBe(text === "laptop" ? null : text.includes("::") ? "fd77::3" : "10.77.0.3");
      expect(hosts).toEqual([
        {
          name: "laptop",
          addresses: ["10.77.0.3", "fd77::3"],
          groups: ["laptops", "ann"],
          behind: null,
          isThisHost: false,
          certificate: expect.objectContaining({ fingerprint: laptop.certificate.fingerprint, version: 2 }),
        },
      ]);
    },
  );

  test("this host is told as such", () => {
    expect(whois("10.77.0.2", known).hosts).toMatchObject([{ name: "server", isThisHost: true }]);
  });

  test("an address behind a gateway is told with who may carry it, and never as the gateway's own", () => {
    const report = whois("192.168.5.7:80", known);
    expect(report.hosts).toMatchObject([{ name: "gw", behind: "192.168.5.0/24" }]);
    expect(whoisLines(report)).toEqual([
      expect.stringMatching(
        /^192\.168\.5\.7 is behind gw \(10\.77\.0\.4\), which may carry 192\.168\.5\.0\/24, no groups, until /,
      ),
    ]);
  });

  test.each<[string, object]>([
    ["10.77.0.9", { code: "unknown-peer", exitCode: 1, message: expect.stringContaining("lacis ping 10.77.0.9") }],
    ["192.168.9.9", { code: "unknown-peer", exitCode: 1 }],
    ["8.8.8.8:53", { code: "unknown-peer", exitCode: 2, message: expect.stringContaining("10.77.0.0/24") }],
    ["lapto", { code: "unknown-peer", exitCode: 2, message: expect.stringContaining("did you mean laptop?") }],
    ["zebra", { code: "unknown-peer", exitCode: 2, message: expect.stringContaining("by its overlay address") }],
  ])("%s is nobody's, which is said", (text, error) => {
    expect(() => whois(text, known)).toThrow(expect.objectContaining(error));
  });

  test("a line for people", () => {
    expect(whoisLines(whois("fd77::3", known))).toEqual([
      expect.stringMatching(/^laptop \(10\.77\.0\.3, fd77::3\), groups laptops, ann, until \d{4}-\d\d-\d\d$/),
    ]);
  });
});

function named(certificate: VerifiedCertificate): NamedHost {
  return { name: certificate.name, addresses: certificate.networks.map(({ address }) => address), certificate };
}

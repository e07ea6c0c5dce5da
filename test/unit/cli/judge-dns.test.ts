import { describe, expect, test } from "vitest";
import type { DnsReport } from "../../../src/admin/dns/report.ts";
import { judgeDns } from "../../../src/cli/judge-dns.ts";
import type { NameLookup } from "../../../src/cli/name-lookups.ts";
import { dnsText } from "../../../src/cli/render-dns.ts";

const WIRED = { how: "/etc/resolv.conf", server: "10.77.0.3", device: "mesh0", answered: true, stands: true } as const;
const REPORT: DnsReport = {
  domain: "mesh",
  mode: "auto",
  wired: WIRED,
  why: null,
  resolver: {
    file: "/etc/resolv.conf",
    manager: "NetworkManager",
    servers: ["10.77.0.3", "192.0.2.53"],
    others: ["192.0.2.53"],
  },
  ownName: "laptop.mesh",
  ownAddresses: ["10.77.0.3"],
};

function found(asked: NameLookup["asked"], name: string, address: string): NameLookup {
  return { name, asked, outcome: "found", addresses: [address], ms: 3, code: null };
}

function missed(asked: NameLookup["asked"], name: string, code: string): NameLookup {
  const outcome = code === "ENOTFOUND" ? "not-found" : "no-answer";
  return { name, asked, outcome, addresses: [], ms: 3, code };
}

const OVERLAY = found("overlay", "laptop.mesh", "10.77.0.3");
const DIRECT = found("overlay-direct", "laptop.mesh", "10.77.0.3");
const OUTSIDE = found("outside", "example.org", "192.0.2.80");
const ALL = [OVERLAY, DIRECT, OUTSIDE];

describe("names", () => {
  test("that are found in the overlay and outside are well", () => {
    expect(judgeDns(REPORT, ALL)).toEqual({
      ok: true,
      verdict: "Names below mesh are found, and those of the world are as before.",
      todo: null,
    });
  });

  test("of the overlay are nobody's business without a domain, and it is said how to have them", () => {
    const without = { ...REPORT, domain: null, wired: null, ownName: null };
    expect(judgeDns(without, [OUTSIDE])).toMatchObject({
      ok: true,
      todo: expect.stringContaining("dns: {domain: mesh}"),
    });
  });

  test.each<readonly [string, Partial<DnsReport>, readonly NameLookup[], RegExp, RegExp]>([
    [
      "that the resolver could not be told of",
      { wired: null, why: "there is no /usr/bin/resolvectl" },
      [missed("overlay", "laptop.mesh", "ENOTFOUND"), OUTSIDE],
      /^Names below mesh are not found by programs: there is no \/usr\/bin\/resolvectl\.$/,
      /dns\.mode/,
    ],
    ["that wait for the device", { wired: null }, [OUTSIDE], /the device is not there yet/, /by itself/],
    [
      "that nobody answers where they are asked for",
      { wired: { ...WIRED, answered: false } },
      ALL,
      /does not answer at 10\.77\.0\.3, port 53/,
      /dns-not-listening/,
    ],
    [
      "that a packet filter keeps from the host that has them",
      {},
      [OVERLAY, missed("overlay-direct", "laptop.mesh", "ETIMEOUT"), OUTSIDE],
      /listens at 10\.77\.0\.3, port 53, and questions do not come there \(ETIMEOUT\)/,
      /nft list ruleset/,
    ],
    [
      "whose line somebody else has written over",
      { wired: { ...WIRED, stands: false } },
      [missed("overlay", "laptop.mesh", "ENOTFOUND"), DIRECT, OUTSIDE],
      /\/etc\/resolv\.conf was told is not there any more/,
      /tell NetworkManager to leave it/,
    ],
    [
      "that another source hides",
      {},
      [missed("overlay", "laptop.mesh", "ENOTFOUND"), DIRECT, OUTSIDE],
      /laptop\.mesh is answered by this host, but programs do not find it \(ENOTFOUND\)/,
      /getent ahosts laptop\.mesh/,
    ],
    [
      "that lead to somebody else",
      {},
      [found("overlay", "laptop.mesh", "198.51.100.9"), DIRECT, OUTSIDE],
      /leads to 198\.51\.100\.9, which is not this host/,
      /dns\.domain that nobody else has/,
    ],
    [
      "of the world that are lost",
      {},
      [OVERLAY, DIRECT, missed("outside", "example.org", "EAI_AGAIN")],
      /^example\.org, a name of the world, is not found \(EAI_AGAIN\)/,
      /dig @192\.0\.2\.53 example\.org/,
    ],
    [
      "of the world on a machine without another server",
      { resolver: { ...REPORT.resolver, others: [] } },
      [OVERLAY, DIRECT, missed("outside", "example.org", "EAI_AGAIN")],
      /is not found/,
      /no other server is configured/,
    ],
  ])("%s are told of with what to do", (_, change, lookups, verdict, todo) => {
    const judged = judgeDns({ ...REPORT, ...change }, lookups);
    expect(judged.ok).toBe(false);
    expect(judged.verdict).toMatch(verdict);
    expect(judged.todo).toMatch(todo);
  });
});

test("the picture says who was told, what there was before, and what was found", () => {
  expect(dnsText(REPORT, ALL, judgeDns(REPORT, ALL))).toBe(
    [
      "domain        mesh",
      "told          /etc/resolv.conf (dns.mode auto): 10.77.0.3, device mesh0",
      "stands        as it was left",
      "resolver      /etc/resolv.conf, by NetworkManager",
      "asked now     10.77.0.3, 192.0.2.53",
      "without us    192.0.2.53",
      "overlay name  laptop.mesh is 10.77.0.3 (3 ms)",
      "asked here    laptop.mesh is 10.77.0.3 (3 ms)",
      "outside name  example.org is 192.0.2.80 (3 ms)",
      "",
      "Names below mesh are found, and those of the world are as before.",
    ].join("\n"),
  );
});

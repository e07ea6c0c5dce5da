import { chmodSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Authority, type Certificate, certificateToPem } from "../../../../certs/index.ts";
import { signChange } from "../../../../certs/rotation/next-authority.ts";
import { instant } from "../../../../src/core/base/time.ts";
import type { HeldBulletin } from "../../../../src/core/bulletin/held.ts";
import { Authorities } from "../../../../src/runtime/renewal/authorities.ts";
import { newAuthority, RenewingHost } from "./renewing-host.ts";

let host: RenewingHost;
let next: Authority;
let authorities: Authorities;
let became: string[];
let hear: (newest: HeldBulletin | undefined) => void;
let last = 0;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-20T00:00:00Z") });
  host = new RenewingHost();
  next = newAuthority();
  became = [];
  authorities = new Authorities({
    settings: () => host.settings,
    bulletins: {
      listen: (_kind, told) => {
        hear = told;
      },
      became: (_, state) => void became.push(state),
    },
    apply: () => {
      host.settings = host.load();
    },
    signedAnew: () => host.renewal.reload(),
  });
  authorities.start();
  host.dueBefore = (certificate) => authorities.dueAt(certificate);
  host.renewal.start();
});
afterEach(() => {
  host.remove();
  vi.useRealTimers();
});

describe("a host that has joined follows its authority to the next", () => {
  test("by itself: trusts both, comes for a certificate of the next one within ten minutes, drops the first", async () => {
    const first = host.authority;
    tell(first, [first, next]);
    expect(trusted()).toEqual([first, next].map(fingerprint));
    expect(authorities.health()).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(host.asked).toEqual([]);

    host.answer = () => host.issued({ by: next });
    tell(first, [next, first]);
    await vi.advanceTimersByTimeAsync(660_000);
    expect(host.certificate.issuer).toBe(next.certificate.fingerprint);
    expect(host.asked).toHaveLength(1);

    tell(next, [next], [first]);
    expect(trusted()).toEqual([fingerprint(next)]);
    expect(readFileSync(host.path("ca.crt"), "utf8")).toBe(certificateToPem(next.certificate));
    expect(became).toEqual(["applied", "applied", "applied"]);
    expect(authorities.health()).toEqual([]);
  });

  test("and once more after a restart, without writing or asking again", async () => {
    tell(host.authority, [host.authority, next]);
    const before = readFileSync(host.path("ca.crt"));
    chmodSync(host.folder, 0o500);
    tell(host.authority, [host.authority, next]);
    expect(readFileSync(host.path("ca.crt"))).toEqual(before);
    expect(became).toEqual(["applied", "applied"]);
  });

  test("not while it would lose its own: that is said, and made good when it has been renewed", async () => {
    const first = host.authority;
    tell(first, [first, next]);
    tell(next, [next], [first]);
    expect(trusted()).toEqual([first, next].map(fingerprint));
    expect(became).toEqual(["applied", "refused"]);
    expect(authorities.health()).toMatchObject([
      { code: "authority-not-followed", severity: "warning", text: expect.stringMatching(/has not signed this host/) },
    ]);
  });

  test("not to whom a stranger names", () => {
    const stranger = newAuthority();
    tell(stranger, [host.authority, next]);
    expect(trusted()).toEqual([fingerprint(host.authority)]);
    expect(became).toEqual(["refused"]);
  });
});

describe("a host whose files somebody else writes", () => {
  beforeEach(() => {
    host.configure("pki: { ca: ca.crt, cert: host.crt, key: host.key }");
    host.settings = host.load();
  });

  test("says that pki.ca lacks the next authority, and counts as pending until it is there", () => {
    tell(host.authority, [host.authority, next]);
    expect(became).toEqual([]);
    expect(authorities.health()).toMatchObject([
      { code: "authority-changes", severity: "warning", text: expect.stringMatching(/pki\.ca lacks the next one/) },
    ]);
    expect(readFileSync(host.path("ca.crt"), "utf8")).toBe(certificateToPem(host.authority.certificate));
  });

  test("says who has to sign it again", () => {
    tell(host.authority, [host.authority]);
    const both = [next, host.authority].map(({ certificate }) => certificateToPem(certificate)).join("");
    writeCa(both);
    tell(host.authority, [next, host.authority]);
    expect(became).toEqual(["applied", "applied"]);
    expect(authorities.health()).toMatchObject([
      { code: "authority-changes", todo: expect.stringMatching(/lacis-cert resign/) },
    ]);
  });
});

function writeCa(pem: string): void {
  host.write("ca.crt", pem);
  host.settings = host.load();
}

function tell(by: Authority, trust: readonly Authority[], drop: readonly Authority[] = []): void {
  const change = { trust: trust.map(certificateOf), drop: drop.map(certificateOf) };
  const signed = signChange(by, change, { nowSeconds: Math.floor(Date.now() / 1_000), last });
  if (!signed.ok) throw new Error(signed.reason.why);
  last = signed.value.head.number;
  hear({ ...signed.value, authority: by.certificate, since: instant(0), state: "held" });
}

function trusted(): readonly string[] {
  return [...host.settings.live.identity.pool.authorities.keys()];
}

function fingerprint({ certificate }: Authority): string {
  return certificate.fingerprint;
}

function certificateOf({ certificate }: Authority): Certificate {
  return certificate;
}

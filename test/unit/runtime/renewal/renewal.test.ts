import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { certificateToPem, generateHostKey } from "../../../../certs/index.ts";
import { DAY, DAY_MS, newAuthority, PIN, RenewingHost, type Signed } from "./renewing-host.ts";

let host: RenewingHost;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-20T00:00:00Z") });
  host = new RenewingHost();
});
afterEach(() => {
  host.remove();
  vi.useRealTimers();
});

describe("a host that has joined", () => {
  test("renews its certificate between two thirds and three quarters of its life, again and again, with the same key", async () => {
    const lives: number[] = [];
    let begins = Date.now();
    host.renewal.start();
    for (let day = 0; day < 400; day++) {
      const before = host.certificate.fingerprint;
      await days(1);
      if (host.certificate.fingerprint === before) continue;
      lives.push((Date.now() - begins) / DAY_MS);
      begins = Date.now();
      expect(host.certificate.publicKey).toEqual(host.publicKey);
    }
    expect(lives.length).toBeGreaterThanOrEqual(5);
    for (const life of lives) {
      expect(life).toBeGreaterThanOrEqual(60);
      expect(life).toBeLessThanOrEqual(69);
    }
    expect(host.events.map(({ code }) => code)).toEqual(lives.map(() => "certificate-renewed"));
    expect(host.renewal.health()).toEqual([]);
  });

  test("asks inside the mesh before it asks outside, only whom it knows, and shows the certificate that it has", async () => {
    const { fingerprint } = host.certificate;
    host.renewal.start();
    await days(70);
    expect(host.asked).toHaveLength(1);
    const { place, request } = host.asked[0]!;
    expect(place).toEqual({ endpoints: ["10.77.0.1:4242", "vpn.example.org:4242"], key: PIN });
    expect(request).toMatchObject({ certificate: fingerprint, secret: "00".repeat(32), curve: "CURVE25519" });
    expect(host.secret()).toBe("01".repeat(32));
  });

  test("asks again until it is answered, more and more seldom, and is no trouble while there is time", async () => {
    host.answer = () => unreachable;
    host.renewal.start();
    await days(69);
    host.asked.length = 0;
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(host.asked.length).toBeGreaterThan(20);
    expect(host.asked.length).toBeLessThan(30);
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-failing", severity: "note" }]);
    expect(host.events).toMatchObject([{ code: "certificate-not-renewed", why: "the service: nobody answers" }]);
    await days(14);
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-failing", severity: "warning" }]);
    await days(5);
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-failing", severity: "error" }]);
    host.answer = () => host.issued();
    await days(0.1);
    expect(host.certificate.notAfter).toBeGreaterThan(BigInt(Date.now()) / 1_000n + 89n * DAY);
    expect(host.renewal.health()).toEqual([]);
  });

  test("that has been off renews as soon as it is on", async () => {
    vi.setSystemTime(Date.now() + 80 * DAY_MS);
    host.renewal.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(host.events).toMatchObject([{ code: "certificate-renewed" }]);
  });

  test("whose clock is set forward notices it within ten minutes", async () => {
    host.renewal.start();
    vi.setSystemTime(Date.now() + 70 * DAY_MS);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(host.asked).toHaveLength(1);
  });

  test("waits for whoever has to agree, and says for whom", async () => {
    const pending = {
      status: "pending",
      id: "5b1c",
      why: "the authority's key is not here",
      pollSeconds: 600,
    } as const;
    host.answer = () => ({ ok: true, value: pending });
    host.renewal.start();
    await days(70);
    expect(host.renewal.health()).toMatchObject([
      { code: "renewal-pending", severity: "note", todo: "whoever holds the authority's key: lacis-cert approve 5b1c" },
    ]);
    expect(host.events.map(({ code }) => code)).toEqual(["certificate-pending"]);
    host.answer = () => host.issued();
    await days(0.01);
    expect(host.renewal.health()).toEqual([]);
  });

  test("that the service refuses says so as an error, and who can do something", async () => {
    const reason = {
      code: "revoked",
      what: "this host",
      why: "its certificate was taken back",
      todo: "ask for an invitation",
      final: true,
    };
    host.answer = () => ({ ok: false, reason });
    host.renewal.start();
    await days(70);
    expect(host.renewal.health()).toMatchObject(
      [
        {
          code: "renewal-refused",
          severity: "error",
          text: /its certificate was taken back/,
          todo: "ask for an invitation",
        },
      ].map((one) => ({ ...one, text: expect.stringMatching(one.text) })),
    );
  });

  test("does not ask in a circle where certificates are due as soon as they are there", async () => {
    host.answer = () =>
      host.issued({ from: BigInt(Date.now()) / 1_000n - 80n * DAY, days: 90n + BigInt(host.asked.length) });
    vi.setSystemTime(Date.now() + 80 * DAY_MS);
    host.renewal.start();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(host.asked.length).toBeLessThan(30);
  });

  test("that is stopped while the service thinks writes nothing", async () => {
    let answered: (() => void) | undefined;
    host.answer = () =>
      new Promise((resolve) => {
        answered = () => resolve(host.issued());
      });
    host.renewal.start();
    await days(70);
    const before = host.onDisk().fingerprint;
    host.renewal.stop();
    answered?.();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(host.onDisk().fingerprint).toBe(before);
  });
});

describe("what the service sends is not believed:", () => {
  const stranger = () => ({ by: newAuthority() });
  test.each<[string, () => Signed, RegExp]>([
    ["an authority that this host does not trust", stranger, /CA is not trusted here/],
    ["another key", () => ({ publicKey: generateHostKey("CURVE25519").publicKey }), /for another key/],
    ["another name", () => ({ name: "server" }), /the certificate of "server"/],
    ["another address", () => ({ network: "10.77.0.9/24" }), /the networks would change to 10\.77\.0\.9\/24/],
    ["no later end", () => ({ days: 10n }), /valid no longer than the old one/],
    [
      "a beginning in the future",
      () => ({ from: BigInt(Date.now()) / 1_000n + 3_600n }),
      /clock is behind the service's/,
    ],
  ])("%s", async (_, signed, why) => {
    host.answer = () => host.issued(signed());
    const before = readFileSync(host.path("host.crt"), "utf8");
    host.renewal.start();
    await days(70);
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-failing", text: expect.stringMatching(why) }]);
    expect(readFileSync(host.path("host.crt"), "utf8")).toBe(before);
    expect(host.secret()).toBe("00".repeat(32));
  });

  test.each([
    ["no certificate", "hello", /no certificate of version 2|is no certificate/],
    ["nothing", "", /no certificate/],
  ])("%s", async (_, pem, why) => {
    host.answer = () => host.issuedAs(pem);
    host.renewal.start();
    await days(70);
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-failing", text: expect.stringMatching(why) }]);
  });

  test("more than was asked for", async () => {
    host.answer = () => host.issuedAs(certificateToPem(host.sign()) + certificateToPem(host.sign({ name: "server" })));
    host.renewal.start();
    await days(70);
    expect(host.events).toMatchObject([{ code: "certificate-not-renewed", why: expect.stringMatching(/or several/) }]);
  });
});

describe("whenever the power goes, the host has a certificate that fits its key:", () => {
  test("between the two files it has the new secret, and asks with that", async () => {
    host.renewal.start();
    const certificate = readFileSync(host.path("host.crt"));
    await days(70);
    const { notAfter } = host.certificate;
    writeFileSync(host.path("host.crt"), certificate);
    host.restart();
    await days(1);
    expect(host.asked.at(-1)?.request.secret).toBe("01".repeat(32));
    expect(host.certificate.notAfter).toBeGreaterThanOrEqual(notAfter);
  });

  test("behind both, what lies on disk is taken into force and nobody is asked", async () => {
    writeFileSync(host.path("broken.yml"), "");
    host.renewal.start();
    await days(59);
    writeFileSync(host.path("host.crt"), certificateToPem(host.sign()));
    await days(10);
    expect(host.asked).toEqual([]);
    expect(host.certificate.fingerprint).toBe(host.onDisk().fingerprint);
  });
});

describe("a certificate that lies on disk and cannot be put into force", () => {
  test("is told with the reason, and taken as soon as the configuration is mended", async () => {
    host.renewal.start();
    const sound = readFileSync(host.path("config.yml"), "utf8");
    writeFileSync(host.path("config.yml"), `${sound}firewal: {}\n`);
    await days(70);
    expect(host.renewal.health()).toMatchObject([
      { code: "renewal-failing", text: expect.stringMatching(/lies on disk and is not in force/) },
    ]);
    expect(host.asked).toHaveLength(1);
    writeFileSync(host.path("config.yml"), sound);
    await days(0.1);
    expect(host.asked).toHaveLength(1);
    expect(host.certificate.fingerprint).toBe(host.onDisk().fingerprint);
    expect(host.renewal.health()).toEqual([]);
  });
});

describe("what would keep a host from renewing is said at once, long before it is due:", () => {
  test.each<[string, () => void, RegExp, RegExp]>([
    [
      "a key that others can read",
      () => chmodSync(host.path("host.key"), 0o644),
      /host\.key can be read or written by other users/,
      /chmod 600/,
    ],
    [
      "a secret that others can read",
      () => chmodSync(host.path("enrolment.json"), 0o640),
      /enrolment\.json can be read/,
      /chmod 600/,
    ],
    ["no enrolment", () => rmSync(host.path("enrolment.json")), /there is no \S+enrolment\.json/, /lacis invite/],
    [
      "an enrolment that is none",
      () => writeFileSync(host.path("enrolment.json"), "{}", { mode: 0o600 }),
      /enrolment\.json has no format/,
      /lacis join/,
    ],
  ])("%s", async (_, spoil, why, todo) => {
    chmodSync(host.folder, 0o755);
    spoil();
    host.renewal.start();
    expect(host.renewal.health()).toMatchObject([
      {
        code: "renewal-hindered",
        severity: "warning",
        text: expect.stringMatching(why),
        todo: expect.stringMatching(todo),
      },
    ]);
    await days(70);
    expect(host.asked).toEqual([]);
    expect(host.events.map(({ code }) => code)).toEqual(["certificate-not-renewed"]);
  });

  test("on the host that founded the network, which gives itself another one", () => {
    chmodSync(host.folder, 0o755);
    rmSync(host.path("enrolment.json"));
    host.onFirstHost = "sudo lacis init home";
    host.renewal.start();
    expect(host.renewal.health()).toMatchObject([{ code: "renewal-hindered", todo: "sudo lacis init home" }]);
  });

  test("that an earlier version has set up the first host, which no renewal takes along", () => {
    host.configure("pki:\n  ca: ca.crt\n  key: host.key\n  cert: host.crt\n");
    host.restart();
    expect(host.renewal.health()).toEqual([]);
    host.onFirstHost = "sudo lacis init home";
    expect(host.renewal.health()).toMatchObject([
      { code: "renewal-absent", severity: "warning", todo: "run once: sudo lacis init home" },
    ]);
  });

  test("a certificate that stands in the configuration itself", () => {
    const inline = readFileSync(host.path("host.crt"), "utf8").replaceAll("\n", "\n    ");
    host.configure(`pki:\n  ca: ca.crt\n  key: host.key\n  enrolment: enrolment.json\n  cert: |\n    ${inline}`);
    host.restart();
    expect(host.renewal.health()).toMatchObject([
      { code: "renewal-hindered", text: expect.stringMatching(/pki\.cert stands in the configuration itself/) },
    ]);
  });

  test("and is forgotten once it is mended", async () => {
    chmodSync(host.folder, 0o755);
    chmodSync(host.path("host.key"), 0o644);
    host.renewal.start();
    chmodSync(host.path("host.key"), 0o600);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(host.renewal.health()).toEqual([]);
  });
});

test("a disk that is full leaves the old certificate, and is said", async () => {
  host.renewal.start();
  await days(59);
  // A folder in the place of the file cannot be replaced by one.
  const kept = readFileSync(host.path("enrolment.json"));
  host.answer = () => {
    rmSync(host.path("enrolment.json"));
    mkdirSync(host.path("enrolment.json"));
    return host.issued();
  };
  await days(11);
  expect(host.events).toMatchObject([
    { code: "certificate-not-renewed", why: expect.stringMatching(/cannot be written/) },
    {},
  ]);
  rmSync(host.path("enrolment.json"), { recursive: true });
  writeFileSync(host.path("enrolment.json"), kept, { mode: 0o600 });
  host.answer = () => host.issued();
  await days(0.1);
  expect(host.certificate.fingerprint).toBe(host.onDisk().fingerprint);
  expect(host.renewal.health()).toEqual([]);
});

test("a host that has not joined asks nobody and says nothing", async () => {
  host.configure("pki: { ca: ca.crt, cert: host.crt, key: host.key }");
  host.restart();
  await days(80);
  expect(host.asked).toEqual([]);
  expect(host.renewal.health()).toEqual([]);
});

const unreachable = {
  ok: false,
  reason: { code: "service-unreachable", what: "the service", why: "nobody answers", todo: "see", final: false },
} as const;

/** The host sleeps for most of it: its clock jumps, and it looks four times a day. */
async function days(count: number): Promise<void> {
  for (let quarters = Math.floor(count * 4); quarters > 0; quarters--) {
    vi.setSystemTime(Date.now() + DAY_MS / 4 - LOOK_MS);
    await vi.advanceTimersByTimeAsync(LOOK_MS);
  }
  await vi.advanceTimersByTimeAsync((count - Math.floor(count * 4) / 4) * DAY_MS);
}

const LOOK_MS = 600_000;

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeFacts } from "../../../../certs/enrolment/facts.ts";
import { HttpsServer } from "../../../../certs/enrolment/http/server.ts";
import { generateServiceKey, openServiceKey } from "../../../../certs/enrolment/identity.ts";
import { openDatabase } from "../../../../certs/enrolment/storage/open.ts";
import { type Authority, createAuthority, generateHostKey, readCertificates } from "../../../../certs/index.ts";
import { equalBytes, toHex } from "../../../../src/core/base/bytes.ts";
import { formatEnrolment, parseEnrolment } from "../../../../src/core/enrolment/enrolment-file.ts";
import type { IssuedAnswer } from "../../../../src/core/enrolment/messages.ts";
import { factsOf, HAS_SQLITE, Office, openOffice, requestWith } from "../../certs/enrolment/office.ts";
import { now } from "../../enrol/service-for-tests.ts";
import { canKill, killSweep } from "../../fixtures/kill-sweep.ts";

/**
 * A host's renewal killed at its system calls and done again, beside a real service with its own storage: the second ends well, the secret on disk is the one that the service knows, and
 * certificate and key fit at every moment. Each eleventh call by default, all with LACIS_KILL_STRIDE=1. Needs `npm run build` and strace.
 */
const PROGRAM = fileURLToPath(new URL("../../../../dist/test/unit/runtime/renewal/renew-once.js", import.meta.url));
const STRIDE = Number(process.env["LACIS_KILL_STRIDE"] ?? 11);
const FILES = ["ca.crt", "config.yml", "enrolment.json", "host.crt", "host.key"];

describe.skipIf(!canKill(PROGRAM) || !HAS_SQLITE)("killed at any system call and run again", () => {
  const authority = lastingAuthority();
  const offices = new Map<string, Office>();
  const identity = openedIdentity();
  const { publicKey, privateKeyPem } = generateHostKey("CURVE25519");
  let prepared = "";
  let first = "";
  beforeAll(async () => {
    prepared = mkdtempSync(join(tmpdir(), "lacis-kill-"));
    const store = join(prepared, "enrolment.db");
    const office = await openOffice({ store, authority, serviceKey: identity.serviceKey });
    // An hour ago: the next one is good for longer.
    office.nowSeconds = Number(now()) - 3_600;
    const request = requestWith(await office.invite("lap"), toHex(publicKey), { time: office.nowSeconds });
    const { status, body } = await office.post("/v1/enrol", request);
    expect(status).toBe(200);
    const { certificates, authorities, renewal } = body as IssuedAnswer;
    first = certificates;
    const host = (name: string, text: string): void => writeFileSync(join(prepared, name), text, { mode: 0o600 });
    host("ca.crt", authorities);
    host("host.crt", certificates);
    host("host.key", privateKeyPem);
    host("enrolment.json", enrolmentAt("127.0.0.1:1", renewal));
    host("config.yml", CONFIG);
    // Where it was found the last time it is looked for again: each copy has a port of its own.
    const { network } = factsOf(authority);
    await office.database.exclusively((sql) => writeFacts(sql, { network: { ...network, service: [] } }));
    await office.database.close();
  });
  afterAll(() => rmSync(prepared, { recursive: true, force: true }));

  test("a renewal loses neither certificate nor secret, and leaves no half", { timeout: 3_600_000 }, async () => {
    const seen = await killSweep({
      program: PROGRAM,
      args: ["config.yml"],
      prepared,
      stride: STRIDE,
      beside: serve,
      judge: async (directory) => {
        const left = certificateIn(directory);
        const isNew = textOf(directory, "host.crt") !== first;
        expect(equalBytes(left.publicKey, publicKey)).toBe(true);
        const { secret } = enrolmentIn(directory);
        const before = textOf(prepared, "enrolment.json").includes(secret) ? "the old secret" : "the new secret";

        // What was to become a file holds secrets: a minute later nothing is left of it.
        const past = Date.now() / 1_000 - 61;
        for (const file of readdirSync(directory))
          if (file.startsWith(".")) utimesSync(join(directory, file), past, past);
        // A certificate of the same second would be no newer.
        await setTimeout(1_000);
        expect(await renew(directory)).toBe("");
        expect(textOf(directory, "host.crt")).not.toBe(first);
        expect(await isKnown(directory)).toBe(true);
        expect(readdirSync(directory).filter((file) => !file.startsWith("enrolment.db"))).toEqual(FILES);
        for (const file of FILES) expect(statSync(join(directory, file)).mode & 0o077, file).toBe(0);
        return `${isNew ? "the new certificate" : "the old certificate"}, ${before}`;
      },
    });
    expect(seen).toContain("the old certificate, the old secret");
    expect(seen).toContain("the new certificate, the new secret");
    expect(seen).not.toContain("the new certificate, the old secret");
  });

  /** The service over this copy's storage, where this copy's host looks for it. */
  async function serve(directory: string): Promise<AsyncDisposable> {
    const database = await openDatabase(join(directory, "enrolment.db"));
    const office = new Office(database, "", authority, false);
    office.nowSeconds = Number(now());
    offices.set(directory, office);
    const server = new HttpsServer(office.api, identity);
    const port = await server.listen({ address: "127.0.0.1", port: 0 });
    const { secret } = enrolmentIn(directory);
    writeFileSync(join(directory, "enrolment.json"), enrolmentAt(`127.0.0.1:${port}`, secret));
    return {
      [Symbol.asyncDispose]: async () => {
        await server.close();
        await database.close();
      },
    };
  }

  /** Whether the service takes what is on the disk now, for the next renewal. */
  async function isKnown(directory: string): Promise<boolean> {
    const { fingerprint } = certificateIn(directory);
    const { secret } = enrolmentIn(directory);
    const asked = { certificate: fingerprint, secret, curve: "CURVE25519", publicKey: toHex(publicKey), version: "" };
    const { status } = await offices.get(directory)!.post("/v1/renew", { ...asked, time: Number(now()) });
    return status === 200;
  }

  function enrolmentAt(endpoint: string, secret: string): string {
    return formatEnrolment({ network: "home", endpoints: [endpoint], pin: identity.serviceKey, secret });
  }
});

const ANY = "[{ port: any, proto: any, host: any }]";
const CONFIG = `pki: { ca: ca.crt, cert: host.crt, key: host.key, enrolment: enrolment.json }\nfirewall: { inbound: ${ANY}, outbound: ${ANY} }\n`;

/** What it says when it fails. */
function renew(directory: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, "config.yml"], { cwd: directory }, (error, _, said) =>
      resolve(error ? said || String(error) : ""),
    );
  });
}

function lastingAuthority(): Authority {
  const notBefore = now() - 86_400n;
  const made = createAuthority({ name: "home", notBefore, notAfter: notBefore + 365n * 86_400n });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}

function openedIdentity() {
  const opened = openServiceKey(generateServiceKey(), "service.key");
  if (!opened.ok) throw new Error(opened.reason.why);
  return opened.value;
}

function enrolmentIn(directory: string) {
  const read = parseEnrolment(textOf(directory, "enrolment.json"));
  if (!read.ok) throw new Error(`half an enrolment: ${read.reason}`);
  return read.value;
}

function certificateIn(directory: string) {
  const read = readCertificates(textOf(directory, "host.crt"), "host.crt");
  if (!read.ok) throw new Error(`half a certificate: ${read.reason.why}`);
  return read.value[0]!;
}

function textOf(directory: string, file: string): string {
  return readFileSync(join(directory, file), "utf8");
}

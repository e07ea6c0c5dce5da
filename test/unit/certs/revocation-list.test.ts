import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseBulletins, readCertificates } from "../../../certs/index.ts";
import { toHex } from "../../../src/core/base/bytes.ts";
import { type Bulletin, BulletinKind } from "../../../src/core/bulletin/bulletin.ts";
import { decodeRevocations } from "../../../src/core/bulletin/revocations.ts";
import { verifyBody, verifyHead } from "../../../src/core/bulletin/verify.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

inFolderOfItsOwn();

function list(): Bulletin {
  const bulletins = parseBulletins(nodeSuite, readFileSync("list.pem", "utf8"));
  if (!bulletins.ok) throw new Error(bulletins.reason);
  return bulletins.value[0]!;
}

function revokedIn(bulletin: Bulletin) {
  const revocations = decodeRevocations(bulletin.body);
  if (!revocations.ok) throw new Error(revocations.reason);
  return revocations.value.map(({ name, fingerprints }) => ({ name, fingerprints: fingerprints.map(toHex) }));
}

function certificatesIn(file: string) {
  const read = readCertificates(readFileSync(file, "utf8"), file);
  if (!read.ok) throw new Error(read.reason.why);
  return read.value;
}

async function network(curve = "25519"): Promise<void> {
  await must("ca", "-name", "home", "-ledger", "-curve", curve);
  await must("sign", "-name", "lap", "-networks", "10.77.0.1/24");
  await must("sign", "-name", "nas", "-networks", "10.77.0.2/24");
}

describe("a signed list", () => {
  test("is the authority's, and names what was revoked in every form", async () => {
    await network("P256");
    const printed = await must("revoke", "lap", "-bulletin", "list.pem", "-json");
    const bulletin = list();
    expect(JSON.parse(printed)).toMatchObject({
      number: bulletin.head.number,
      file: "list.pem",
      hosts: ["nas"],
      revoked: [{ name: "lap" }],
    });
    expect(bulletin.head.kind).toBe(BulletinKind.revocations);
    expect(verifyHead(nodeSuite, certificatesIn("ca.crt"), bulletin.head).ok).toBe(true);
    expect(verifyBody(nodeSuite, bulletin).ok).toBe(true);
    const [revoked] = revokedIn(bulletin);
    expect(revoked?.name).toBe("lap");
    expect(revoked?.fingerprints).toHaveLength(2);
    expect(revoked?.fingerprints).toContain(certificatesIn("lap.crt")[0]?.fingerprint);
  });

  test("rises with each revocation, holds those before, and can be signed again as it is", async () => {
    await network();
    await must("revoke", "lap", "-bulletin", "list.pem");
    const first = list();
    await must("revoke", "nas", "-bulletin", "list.pem");
    const second = list();
    expect(second.head.number).toBeGreaterThan(first.head.number);
    expect(revokedIn(second).map(({ name }) => name)).toEqual(["lap", "nas"]);
    await must("revoke", "-bulletin", "list.pem");
    expect(list().head.number).toBe(second.head.number);
    expect(list().body).toEqual(second.body);
  });

  test("of a host with two certificates of one key has the key once", async () => {
    await network();
    await must("resign", "-crt", "lap.crt", "-replace");
    await must("revoke", "lap", "-bulletin", "list.pem");
    expect(revokedIn(list()).map(({ fingerprints }) => fingerprints.length)).toEqual([2]);
  });

  test("is of an enrolment service's storage where there is one", async () => {
    await network();
    await must(
      "network",
      "-networks",
      "10.77.0.0/24",
      "-lighthouse",
      "10.77.0.1=192.0.2.1:4242",
      "-service",
      "192.0.2.1:4242",
    );
    const ledger = readFileSync("ca.ledger", "utf8");
    await must("revoke", "lap", "-bulletin", "list.pem", "-reason", "stolen");
    expect(revokedIn(list()).map(({ name }) => name)).toEqual(["lap"]);
    expect(readFileSync("ca.ledger", "utf8")).toBe(ledger);
    expect(await lacisCert("revoke", "lapp", "-bulletin", "list.pem")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("did you mean lap?"),
    });
  });

  test("is not begun without the authority's key: nothing is entered", async () => {
    await network();
    renameSync("ca.key", "elsewhere.key");
    const before = readFileSync("ca.ledger", "utf8");
    expect(await lacisCert("revoke", "lap", "-bulletin", "list.pem")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("ca.key"),
    });
    expect(readFileSync("ca.ledger", "utf8")).toBe(before);
    expect(existsSync("list.pem")).toBe(false);
    await must("revoke", "lap", "-bulletin", "list.pem", "-ca-key", "elsewhere.key");
    expect(existsSync("list.pem")).toBe(true);
  });

  test.each([
    [["-bulletin", "-"], /give a path/],
    [["-crt", "lap.crt", "-bulletin", "list.pem"], /the whole list comes from a ledger/],
    [[], /it is not clear what/],
  ])("is not made of %j", async (flags, stderr) => {
    await network();
    const args = flags[0] === "-bulletin" ? ["lap", ...flags] : flags;
    expect(await lacisCert("revoke", ...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(stderr) });
  });

  test("needs no ledger's name: it is found beside the authority, and missed where it is gone", async () => {
    await network();
    rmSync("ca.ledger");
    expect(await lacisCert("revoke", "lap", "-bulletin", "list.pem")).toMatchObject({ status: 1 });
  });
});

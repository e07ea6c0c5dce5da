import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { type Certificate, parseBulletins, readCertificates } from "../../../certs/index.ts";
import { verifyBody, verifyHead } from "../../../src/core/bulletin/verify.ts";
import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { decodeAuthorityChange, trustAfter } from "../../../src/core/enrolment/authority-change.ts";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

inFolderOfItsOwn();
beforeEach(async () => {
  await must("ca", "-name", "mesh", "-ledger", "-networks", "10.77.0.0/24");
  await must("sign", "-name", "lap", "-networks", "10.77.0.1/24");
  await must("sign", "-name", "srv", "-networks", "10.77.0.2/24");
});

describe("an authority is exchanged", () => {
  test("in three stages, after each of which every host is accepted by every other", async () => {
    let trust = read("ca.crt");
    const first = trust[0]!;

    expect(await must("rotate")).toMatch(
      /^one authority signs, and no change is under way\. Next: lacis-cert rotate -next/,
    );
    expect(await must("rotate", "-next")).toMatch(/^hosts are to trust the next authority beside the first/);
    trust = follow(trust, read("lap.crt"));
    expect(trust).toHaveLength(2);
    const [, second] = trust;
    expect(second).toMatchObject({ name: "mesh", networks: first.networks });
    expect(second?.fingerprint).not.toBe(first.fingerprint);

    await must("sign", "-name", "new", "-networks", "10.77.0.3/24");
    expect(read("new.crt")[0]?.issuer).toBe(first.fingerprint);

    writeFileSync("applied.json", counted({ hosts: 3, applied: 3 }));
    expect(await must("rotate", "-next", "-applied", "applied.json")).toMatch(
      /^the next authority signs, and hosts trust both/,
    );
    trust = follow(trust, read("lap.crt"));
    expect(trust.map(({ fingerprint }) => fingerprint)).toEqual([second?.fingerprint, first.fingerprint]);

    for (const name of ["lap", "srv", "new"]) await must("resign", "-crt", `${name}.crt`, "-replace");
    expect(read("lap.crt")[0]?.issuer).toBe(second?.fingerprint);
    const done = await lacisCert("rotate", "-next");
    expect(done.stdout).toMatch(/^the first authority is dropped/);
    expect(done.stderr).toMatch(/destroy its key: ca\.retired-\d{4}-\d\d-\d\d\.key/);
    expect(follow(trust, read("lap.crt")).map(({ fingerprint }) => fingerprint)).toEqual([second?.fingerprint]);
    expect(read("ca.crt")).toHaveLength(1);
    expect(await must("rotate")).toMatch(/^one authority signs.*: the last one ended \d{4}-\d\d-\d\d\. Next:/);
  });

  test("once, however often the last line is said; another change is asked for by name", async () => {
    for (const flags of [[], ["-anyway"], ["-anyway"]]) await must("rotate", "-next", ...flags);
    const [before, told] = [readFileSync("ca.crt"), readFileSync("authorities.bulletin")];
    for (const flags of [[], ["-anyway"]]) {
      expect(await lacisCert("rotate", "-next", ...flags)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(
          /^lacis-cert: rotate - the last change has come to its end, .* - hosts hear of it by: lacis publish authorities\.bulletin; another change: lacis-cert rotate -next -another\n$/,
        ),
      });
    }
    expect(existsSync("ca.next.key")).toBe(false);
    expect(readFileSync("ca.crt").equals(before) && readFileSync("authorities.bulletin").equals(told)).toBe(true);

    expect(await must("rotate", "-next", "-another")).toMatch(/^hosts are to trust the next authority/);
    // What began so goes on as any change does.
    expect(await must("rotate", "-next", "-anyway")).toMatch(/^the next authority signs/);
  });

  test("and one whose bulletin is of another network does not stand in the way of this one's", async () => {
    for (const flags of [[], ["-anyway"], ["-anyway"]]) await must("rotate", "-next", ...flags);
    const told = readFileSync("authorities.bulletin");
    await must("ca", "-name", "other", "-out-key", "o.key", "-out-crt", "o.crt");
    writeFileSync("authorities.bulletin", told);
    expect(await must("rotate", "-next", "-ca-crt", "o.crt", "-ca-key", "o.key", "-no-ledger")).toMatch(/^hosts are/);
  });

  test("and none of them takes another network's authority out of the file", async () => {
    await must("ca", "-name", "other", "-out-key", "other.key", "-out-crt", "other.crt");
    writeFileSync("ca.crt", readFileSync("ca.crt", "utf8") + readFileSync("other.crt", "utf8"));
    await must("rotate", "-next");
    await must("rotate", "-next", "-anyway");
    await must("rotate", "-next", "-anyway");
    expect(read("ca.crt").map(({ name }) => name)).toEqual(["mesh", "other"]);
  });

  test("with an encrypted key by an encrypted key", async () => {
    writeFileSync("secret", "correct horse\n");
    const encrypted = ["-out-key", "e.key", "-out-crt", "e.crt", "-encrypt", "-passphrase-file", "secret"];
    await must("ca", "-name", "sealed", ...encrypted, "-argon-memory", "8192", "-argon-iterations", "1");
    await must("rotate", "-next", "-ca-crt", "e.crt", "-ca-key", "e.key", "-passphrase-file", "secret");
    expect(readFileSync("e.next.key", "utf8")).toMatch(/ENCRYPTED/);
  });
});

describe("the next stage is held back", () => {
  test("while it is not known who trusts the next authority", async () => {
    await must("rotate", "-next");
    expect(await lacisCert("rotate", "-next")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /it is not known who trusts the next authority - publish it \(lacis publish authorities\.bulletin\)/,
      ),
    });
    expect(existsSync("ca.old.key")).toBe(false);
  });

  test.each<[string, Partial<Counts>, RegExp]>([
    ["has not applied it", { applied: 1, pending: ["srv"] }, /^lacis-cert: srv - has not applied it yet - wait/],
    ["does not follow", { applied: 1, refused: ["srv"] }, /^lacis-cert: srv - does not follow: lacis status there/],
    ["is of another implementation", { applied: 1, silent: ["srv"] }, /^lacis-cert: srv - does not understand it/],
    ["is asleep", { hosts: 1, applied: 1 }, /^lacis-cert: 1 more - not seen by any lighthouse/],
  ])("while a host %s; and -except leaves it behind", async (_, counts, line) => {
    await must("rotate", "-next");
    writeFileSync("applied.json", counted(counts));
    const refused = await lacisCert("rotate", "-next", "-applied", "applied.json");
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(line) });
    expect(read("ca.crt")).toHaveLength(2);
    await must("rotate", "-next", "-applied", "applied.json", "-except", "srv");
  });

  test("while a host has a certificate of the first; not for one that was revoked", async () => {
    await must("rotate", "-next");
    await must("rotate", "-next", "-anyway");
    await must("resign", "-crt", "lap.crt", "-replace");
    const refused = await lacisCert("rotate", "-next");
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^lacis-cert: srv - has a version 2 certificate of the old one, until \d{4}-\d\d-\d\d - wait/,
      ),
    });
    expect(refused.stderr).not.toContain("lap");
    await must("revoke", "srv");
    expect(await must("rotate", "-next")).toMatch(/^the first authority is dropped/);
  });

  test("when the counts are of another bulletin, or are none", async () => {
    await must("rotate", "-next");
    writeFileSync("applied.json", counted({}, "ab".repeat(32)));
    expect((await lacisCert("rotate", "-next", "-applied", "applied.json")).stderr).toMatch(/no host has it yet/);
    writeFileSync("applied.json", "{");
    expect((await lacisCert("rotate", "-next", "-applied", "applied.json")).stderr).toMatch(/it is no JSON/);
    writeFileSync("applied.json", `{"bulletins":[{"id":"x"}]}`);
    expect((await lacisCert("rotate", "-next", "-applied", "applied.json")).stderr).toMatch(
      /bulletins\[0\]\.number is not/,
    );
  });
});

describe("whoever is killed runs the same line again:", () => {
  test("before hosts could be told of a stage, and is not sent to wait for them", async () => {
    await must("rotate", "-next");
    const trusting = readFileSync("authorities.bulletin");
    rmSync("authorities.bulletin");
    expect(await must("rotate", "-next")).toMatch(/^hosts are to trust the next authority beside the first/);
    expect(existsSync("authorities.bulletin")).toBe(true);

    await must("rotate", "-next", "-anyway");
    writeFileSync("authorities.bulletin", trusting);
    expect(await must("rotate", "-next", "-anyway")).toMatch(/^the next authority signs, and hosts trust both/);
    expect(readFileSync("authorities.bulletin").equals(trusting)).toBe(false);
    expect(await must("rotate", "-next", "-anyway")).toMatch(/^the first authority is dropped/);
  });

  test("behind the next certificate, before its key", async () => {
    writeFileSync("ca.next.crt", "half");
    await must("rotate", "-next");
    expect(read("ca.crt")).toHaveLength(2);
  });

  test("behind the next key, before it is trusted", async () => {
    const before = readFileSync("ca.crt");
    await must("rotate", "-next");
    writeFileSync("ca.crt", before);
    rmSync("authorities.bulletin");
    const next = read("ca.next.crt")[0]?.fingerprint;
    expect(await must("rotate", "-next")).toMatch(/^hosts are to trust/);
    expect(read("ca.crt").map(({ fingerprint }) => fingerprint)).toContain(next);
    expect(existsSync("authorities.bulletin")).toBe(true);
  });

  test("between the copy of the first key and the exchange", async () => {
    await must("rotate", "-next");
    writeFileSync("ca.old.key", readFileSync("ca.key"), { mode: 0o600 });
    expect(await must("rotate", "-next", "-anyway")).toMatch(/^the next authority signs/);
  });

  test("before hosts are told that the next one signs", async () => {
    await must("rotate", "-next");
    const trust = follow(read("ca.crt"), read("lap.crt"));
    await must("rotate", "-next", "-anyway");
    rmSync("authorities.bulletin");
    await must("rotate", "-again");
    expect(follow(trust, read("lap.crt"))[0]?.fingerprint).toBe(read("ca.crt")[0]?.fingerprint);
  });

  test("behind the last file, before the first key is put away", async () => {
    await must("rotate", "-next");
    await must("rotate", "-next", "-anyway");
    const old = readFileSync("ca.old.key");
    await must("rotate", "-next", "-anyway");
    writeFileSync("ca.old.key", old, { mode: 0o600 });
    expect(await must("rotate", "-next")).toMatch(/^the first authority is dropped/);
    expect(existsSync("ca.old.key")).toBe(false);
  });
});

test("what was told before is signed again only while a change is under way", async () => {
  expect(await lacisCert("rotate", "-again")).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no change is under way/),
  });
});

interface Counts {
  readonly hosts: number;
  readonly applied: number;
  readonly pending: readonly string[];
  readonly refused: readonly string[];
  readonly silent: readonly string[];
}

function counted(counts: Partial<Counts>, id = bulletin().head.id): string {
  const whole = { hosts: 2, applied: 2, pending: [], refused: [], silent: [], ...counts };
  return JSON.stringify({ bulletins: [{ id, kind: "authorities", number: bulletin().head.number, ...whole }] });
}

function bulletin() {
  const parsed = parseBulletins(portableSuite, readFileSync("authorities.bulletin", "utf8"));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value[0]!;
}

/** As a host does which trusts these and has this certificate. */
function follow(authorities: readonly Certificate[], own: readonly Certificate[]): readonly Certificate[] {
  const { head, body } = bulletin();
  const signer = verifyHead(portableSuite, authorities, head);
  if (!signer.ok) throw new Error(signer.reason.text);
  expect(verifyBody(portableSuite, { head, body }).ok).toBe(true);
  const change = decodeAuthorityChange(body, portableSuite);
  if (!change.ok) throw new Error(change.reason);
  const after = trustAfter(change.value, signer.value, { authorities, own });
  if (!after.ok) throw new Error(after.reason);
  return after.value;
}

function read(file: string): readonly Certificate[] {
  const certificates = readCertificates(readFileSync(file, "utf8"), file);
  if (!certificates.ok) throw new Error(certificates.reason.why);
  return certificates.value;
}

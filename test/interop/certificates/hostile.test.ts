import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { certificateToPem } from "../../../certs/index.ts";
import { findNebula } from "../../netns/lab/implementation.ts";
import { hostileCases } from "../../unit/core/cert/hostile-cases.ts";

/**
 * The hostile certificates of test/unit/core/cert, shown to the reference too: nothing that ours accepts may be refused there. Where ours is the
 * stricter one, it says why.
 */
const STRICTER: Readonly<Record<string, string>> = {
  "v1: a name of 64 kB": "no certificate is longer than 64 kB",
  "v1: a key of 31 bytes": "a key has the length of its curve",
  "v1: a key of the other curve": "a key has the length of its curve",
  "v1: the CA flag on a host": "a CA is no host",
  "v1: bytes after the end": "one encoding only: else a certificate has many forms",
  "v2: a group that is not UTF-8": "a group is text",
  "v2: the CA flag on a host": "a CA is no host",
  "v2: a key of 33 bytes": "a key has the length of its curve",
  "v2: bytes after the end": "one encoding only: else a certificate has many forms",
  "v2: two signatures": "one encoding only: else a certificate has many forms",
  "P-256: a compressed key": "Noise has no room for it: a key has 65 bytes",
};

const nebula = await findNebula("1.11");

describe.skipIf(!nebula)("hostile certificates, judged by nebula-cert 1.11 too", { timeout: 120_000 }, () => {
  test("nothing is accepted here that is refused there, and the other way round only what is listed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lacis-hostile-"));
    const stricter: string[] = [];
    for (const { what, pem, accepted, authority } of hostileCases(BigInt(Math.floor(Date.now() / 1000)))) {
      const [ca, crt] = [join(directory, "ca.crt"), join(directory, "host.crt")];
      await writeFile(ca, certificateToPem(authority.certificate));
      await writeFile(crt, pem);
      const theirs = (await nebula!.certificates.run(["verify", "-ca", ca, "-crt", crt])).status === 0;
      if (accepted) expect(theirs, what).toBe(true);
      else if (theirs) stricter.push(what);
    }
    await rm(directory, { recursive: true, force: true });
    expect(stricter.sort()).toEqual(Object.keys(STRICTER).sort());
  });
});

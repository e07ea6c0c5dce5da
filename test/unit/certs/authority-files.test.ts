import { readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

inFolderOfItsOwn();

describe("after a change of authority", () => {
  beforeEach(async () => {
    await must("ca", "-name", "Old", "-networks", "10.77.0.0/16", "-out-crt", "old.crt", "-out-key", "old.key");
    await must("ca", "-name", "New", "-networks", "10.78.0.0/16", "-out-crt", "new.crt", "-out-key", "new.key");
    writeFileSync("ca.crt", readFileSync("old.crt", "utf8") + readFileSync("new.crt", "utf8"));
  });

  test.each([
    ["old", "10.77.0.7/16", "new"],
    ["new", "10.78.0.7/16", "old"],
  ])("the authority of a bundle signs that the key belongs to: %s", async (key, network, other) => {
    await must("sign", "-ca-key", `${key}.key`, "-name", "host", "-networks", network);
    await must("verify", "-ca", `${key}.crt`, "-crt", "host.crt");
    expect((await lacisCert("verify", "-ca", `${other}.crt`, "-crt", "host.crt")).status).toBe(1);
  });

  test("a key of none of them is refused with how many there were", async () => {
    await must("ca", "-name", "Third", "-out-crt", "third.crt", "-out-key", "third.key");
    const result = await lacisCert("sign", "-ca-key", "third.key", "-name", "host", "-networks", "10.77.0.7/16");
    expect(result).toMatchObject({
      status: 1,
      stderr:
        "lacis-cert: third.key - it is not the key of any of the 2 authorities in ca.crt - give the key that was made with this CA\n",
    });
  });

  test("what the former authority of the bundle has signed is signed again by the new one", async () => {
    await must("sign", "-ca-key", "old.key", "-name", "host", "-networks", "10.77.0.7/16");
    await must("ca", "-name", "Wide", "-out-crt", "wide.crt", "-out-key", "wide.key");
    writeFileSync("ca.crt", readFileSync("old.crt", "utf8") + readFileSync("wide.crt", "utf8"));
    await must("resign", "-ca-key", "wide.key", "-crt", "host.crt", "-replace");
    await must("verify", "-ca", "wide.crt", "-crt", "host.crt");
  });
});

describe("what editors and shells of Windows write is read:", () => {
  const mark = (text: string): string => `\uFEFF${text}`;
  test.each<[string, (text: string) => string | Buffer]>([
    ["a byte order mark before the first line", mark],
    ["carriage returns, too", (text) => mark(text.replaceAll("\n", "\r\n"))],
    ["UTF-16", (text) => Buffer.from(mark(text), "utf16le")],
    ["UTF-16 without a byte order mark", (text) => Buffer.from(text, "utf16le")],
    ["two such files, one behind the other", (text) => (text.includes("KEY") ? mark(text) : mark(text) + mark(text))],
  ])("%s", async (_, written) => {
    await must("ca", "-name", "mesh");
    await must("sign", "-name", "one", "-networks", "10.77.0.1/16");
    for (const file of ["ca.crt", "ca.key", "one.crt"]) writeFileSync(file, written(readFileSync(file, "utf8")));
    await must("verify", "-ca", "ca.crt", "-crt", "one.crt");
    await must("print", "-path", "one.crt");
    await must("sign", "-name", "two", "-networks", "10.77.0.2/16");
  });
});

describe("what was made is said in one line, where no script of nebula-cert's looks", () => {
  test("of an authority", async () => {
    const made = await lacisCert("ca", "-name", "mesh", "-ledger");
    expect(made).toMatchObject({
      stdout: "",
      stderr: expect.stringMatching(
        /^lacis-cert: made the authority "mesh", until 20\d\d-\d\d-\d\d - ca\.crt, ca\.key \(keep it secret, or encrypt it: ca -encrypt\), ca\.ledger\n$/,
      ),
    });
  });

  test("of a host, also when the certificate goes to standard output", async () => {
    await must("ca", "-name", "mesh");
    const signed = await lacisCert("sign", "-name", "lap", "-networks", "10.77.0.1/16", "-groups", "a,b");
    expect(signed).toMatchObject({
      stdout: "",
      stderr: expect.stringMatching(
        /^lacis-cert: made "lap" with 10\.77\.0\.1\/16, in a, b, until 20\S+ - lap\.crt, lap\.key\n$/,
      ),
    });
    await must("keygen", "-out-key", "k", "-out-pub", "p");
    const piped = await lacisCert("sign", "-name", "srv", "-networks", "10.77.0.2/16", "-in-pub", "p", "-out-crt", "-");
    expect(piped.stdout).toMatch(/^-----BEGIN [^-]+-----\n[^-]+-----END [^-]+-----\n$/);
    expect(piped.stderr).toMatch(
      /^lacis-cert: made "srv" with 10\.77\.0\.2\/16, in no group, until \S+ - standard output\n$/,
    );
  });
});

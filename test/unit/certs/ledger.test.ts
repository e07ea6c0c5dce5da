import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { LedgerFile } from "../../../certs/cli/ledger-file.ts";
import { formatRefusal, type Judge, readCertificates, signedEntry, withdrawnEntry } from "../../../certs/index.ts";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

inFolderOfItsOwn();
beforeEach(async () => {
  await must("ca", "-name", "mesh", "-ledger", "-networks", "10.77.0.0/29,fd77::/64", "-groups", "servers,laptops");
});

describe("with a ledger beside the authority", () => {
  test("what is signed is recorded, and listed", async () => {
    await sign("lap", "10.77.0.1/29", "-groups", "laptops");
    await sign("srv", "10.77.0.2/29,fd77::2/64", "-groups", "servers");
    expect(await listed()).toMatchObject([
      { name: "lap", networks: ["10.77.0.1/29"], groups: ["laptops"], state: "valid", version: 2 },
      { name: "srv", networks: ["10.77.0.2/29", "fd77::2/64"] },
    ]);
    const table = await must("list");
    expect(table).toMatch(/^NAME +NETWORKS +GROUPS/);
    expect(table).toMatch(/^lap +10\.77\.0\.1\/29 +laptops +v2 +valid +20\d\d-/m);
    expect(statSync("ca.ledger").mode & 0o777).toBe(0o600);
  });

  test("an address has one owner", async () => {
    await sign("lap", "10.77.0.1/29");
    await expectRefusal(
      ["other", "10.77.0.2/29,10.77.0.1/32"],
      /^lacis-cert: the address 10\.77\.0\.1 - "lap" has it until 20.* - take a free one \(next-address\), or revoke "lap" first\n$/,
    );
  });

  test("a name has one owner, who is known by the key", async () => {
    await sign("lap", "10.77.0.1/29");
    await expectRefusal(
      ["lap", "10.77.0.3/29", "-out-crt", "x", "-out-key", "y"],
      /the name "lap" - a host with another key has it until .*\(resign, /,
    );
    await must("keygen", "-out-key", "k", "-out-pub", "p");
    await sign("srv", "10.77.0.4/29", "-in-pub", "p", "-version", "2");
    await sign("srv", "10.77.0.4/29", "-in-pub", "p", "-version", "1", "-out-crt", "srv1.crt");
    await sign("srv", "10.77.0.5/29", "-in-pub", "p", "-out-crt", "moved.crt");
  });

  test("an address outside the authority's networks, and a life past its own, are refused with the way out", async () => {
    await expectRefusal(["lap", "10.78.0.1/29"], /inside 10\.77\.0\.0\/29, fd77::\/64/);
    await expectRefusal(
      ["lap", "10.77.0.1/29", "-duration", "9000h"],
      /expires after its CA - give a shorter -duration/,
    );
  });

  test("a group that nobody has is taken for a typing error, unless it is new on purpose", async () => {
    await must("ca", "-name", "free", "-ledger", "-out-crt", "free.crt", "-out-key", "free.key");
    const free = ["-ca-crt", "free.crt", "-ca-key", "free.key"];
    await sign("a", "10.0.0.1/24", "-groups", "servers", "-new-group", "servers", ...free);
    await expectRefusal(
      ["b", "10.0.0.2/24", "-groups", "severs", ...free],
      /the group "severs" - no certificate in the ledger has it - did you mean "servers"\? else add it with -new-group severs/,
    );
    await sign("b", "10.0.0.2/24", "-groups", "servers", ...free);
  });

  test("the next address is the lowest that nobody has", async () => {
    for (const [i, name] of ["a", "b", "c", "d", "e", "f"].entries()) {
      expect(await must("next-address")).toBe(`10.77.0.${i + 1}/29\n`);
      await sign(name, `10.77.0.${i + 1}/29`);
    }
    expect(await must("next-address")).toBe("fd77::1/64\n");
    expect(await lacisCert("next-address", "-network", "10.77.0.0/29")).toMatchObject({
      status: 1,
      stderr: /every address has an owner/,
    });
    await must("revoke", "c");
    expect(JSON.parse(await must("next-address", "--json"))).toEqual({ network: "10.77.0.3/29", address: "10.77.0.3" });
  });

  test("what expires soon is listed and can ring a bell", async () => {
    await sign("long", "10.77.0.1/29");
    await sign("short", "10.77.0.2/29", "-duration", "5h");
    expect(await listed("-expiring", "30d")).toMatchObject([{ name: "short" }]);
    expect(await lacisCert("list", "-expiring", "30d", "--fail")).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("short"),
      stderr: "lacis-cert: 1 of the authority's certificates - expire within 30d - resign them\n",
    });
    expect((await lacisCert("list", "-expiring", "1h", "--fail")).status).toBe(0);
    await must("resign", "-crt", "short.crt", "-replace", "-duration", "8000h");
    expect((await lacisCert("list", "-expiring", "30d", "--fail")).status).toBe(0);
  });

  test("nothing is recorded that was not handed out", async () => {
    writeFileSync("lap.crt", "mine");
    expect((await lacisCert("sign", "-name", "lap", "-networks", "10.77.0.1/29")).status).toBe(1);
    mkdtempSync("gone-");
    expect(
      (
        await lacisCert(
          "sign",
          "-name",
          "lap",
          "-networks",
          "10.77.0.1/29",
          "-out-crt",
          "no/lap.crt",
          "-out-key",
          "l.key",
        )
      ).status,
    ).toBe(1);
    expect(await listed("-all")).toEqual([]);
    await sign("lap", "10.77.0.1/29", "-out-crt", "lap2.crt");
    expect(await listed("-all")).toHaveLength(1);
  });

  test("what was withdrawn counts again once it is handed out after all", async () => {
    const [certificate] = certificatesOf(await signAside("lap", "10.77.0.1/29"));
    const entry = signedEntry(certificate!, new Date().toISOString());
    const file = new LedgerFile("ca.ledger");
    const judge = () => undefined;
    await file.claim([entry], judge);
    await file.append(withdrawnEntry(entry));
    expect((await file.read()).recorded).toEqual([]);
    await file.claim([entry], judge);
    expect((await file.read()).recorded).toMatchObject([{ entry: { name: "lap" } }]);
  });

  test("of two who sign at once the second line loses, and is taken back", async () => {
    const [first] = certificatesOf(await signAside("first", "10.77.0.1/29"));
    const [second] = certificatesOf(await signAside("second", "10.77.0.1/29"));
    const at = new Date().toISOString();
    const [one, two] = [signedEntry(first!, at), signedEntry(second!, at)];
    const file = new LedgerFile("ca.ledger");
    let asked = 0;
    const judge: Judge = (before, entry) => {
      // The other one writes its line after this one has looked for the first time.
      if (asked++ === 0) void file.append(one);
      return asked === 1 ? undefined : before.refusalOf(entry, { nowSeconds: Date.now() / 1000, knownGroups: [] });
    };
    const claimed = await file.claim([two], judge);
    expect(claimed.ok || formatRefusal(claimed.reason)).toMatch(/"first" has it/);
    expect((await listed("-all")).map(({ name }) => name)).toEqual(["first"]);
  });

  test("a line that was being written when the power went does not count, then or later", async () => {
    await sign("lap", "10.77.0.1/29");
    appendFileSync("ca.ledger", '{"event":"signed","name":"half');
    expect(await listed()).toHaveLength(1);
    await sign("srv", "10.77.0.2/29");
    await sign("third", "10.77.0.3/29");
    expect((await listed()).map(({ name }) => name)).toEqual(["lap", "srv", "third"]);
  });

  test("a damaged line is named, and nothing is signed over it", async () => {
    await sign("lap", "10.77.0.1/29");
    const sound = readFileSync("ca.ledger", "utf8");
    for (const damage of ['{"event":"signed","name":7}\n', '{"event":"sig\n', `${sound.slice(1)}${sound}`, "\0\n"]) {
      writeFileSync("ca.ledger", sound + damage);
      await expectRefusal(["srv", "10.77.0.2/29"], /ca\.ledger - line 2 is not an entry of a ledger/);
    }
  });

  test("it can be left aside", async () => {
    await sign("lap", "10.77.0.1/29");
    await sign("other", "10.77.0.1/29", "-no-ledger");
    expect(await listed()).toHaveLength(1);
  });
});

describe("a name that is revoked", () => {
  test.each(["25519", "P256"])(
    "on %s is refused by hosts in every form: both fingerprints of each version, and the key",
    async (curve) => {
      await must("ca", "-name", "m", "-curve", curve, "-ledger", "-out-crt", "m.crt", "-out-key", "m.key");
      await must("keygen", "-curve", curve, "-out-key", "k", "-out-pub", "p");
      for (const version of ["1", "2"]) {
        await sign(
          "lap",
          "10.0.0.1/24",
          "-in-pub",
          "p",
          "-version",
          version,
          "-ca-crt",
          "m.crt",
          "-ca-key",
          "m.key",
          "-out-crt",
          `lap${version}.crt`,
        );
      }
      const printed = await must("revoke", "lap", "-ca-crt", "m.crt");
      const blocklist = [...printed.matchAll(/- "(.*)"/g)].map(([, entry]) => entry!);
      expect(blocklist).toHaveLength(curve === "P256" ? 5 : 3);
      expect(new Set(blocklist).size).toBe(blocklist.length);
      const certificates = ["lap1.crt", "lap2.crt"].flatMap((file) => certificatesOf(file));
      for (const certificate of certificates) expect(blocklist).toContain(certificate.fingerprint);
      expect(printed).toMatch(/^pki:\n {2}blocklist:\n {4}# "lap", version 1, until 20/);
      expect(JSON.parse(await must("revoke", "-crt", "lap2.crt", "--json"))).toMatchObject([
        { name: "lap", version: 2, fingerprints: { length: curve === "P256" ? 2 : 1 } },
      ]);
    },
  );

  test("and its address may be given to others, but its key to nobody", async () => {
    await must("keygen", "-out-key", "k", "-out-pub", "p");
    await sign("lap", "10.77.0.1/29", "-in-pub", "p");
    await must("revoke", "lap");
    expect(await listed()).toEqual([]);
    expect(await listed("-all")).toMatchObject([{ name: "lap", state: "revoked" }]);
    await expectRefusal(["new", "10.77.0.1/29", "-in-pub", "p"], /the key of "lap" - it was revoked/);
    const before = readFileSync("lap.crt", "utf8");
    expect((await lacisCert("resign", "-crt", "lap.crt", "-replace")).stderr).toMatch(
      /the key of "lap" - it was revoked/,
    );
    expect(readFileSync("lap.crt", "utf8")).toBe(before);
    await sign("lap", "10.77.0.1/29", "-out-crt", "lap2.crt", "-out-key", "lap2.key");
    expect(await listed()).toMatchObject([{ name: "lap", state: "valid" }]);
  });

  test("stands in the whole blocklist until its certificates have expired", async () => {
    for (const [i, name] of ["a", "b"].entries()) await sign(name, `10.77.0.${i + 1}/29`);
    await must("revoke", "a", "-out", "blocklist.yml");
    await must("revoke", "b", "-out", "blocklist.yml");
    expect(readFileSync("blocklist.yml", "utf8").match(/- "/g)).toHaveLength(4);
    writeFileSync("mine.yml", "pki: {}\n");
    expect(await lacisCert("revoke", "a", "-out", "mine.yml")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/not a blocklist that revoke wrote/),
    });
    expect(readFileSync("mine.yml", "utf8")).toBe("pki: {}\n");
  });

  test("has to be one: the nearest is named", async () => {
    await sign("laptop", "10.77.0.1/29");
    expect(await lacisCert("revoke", "latpop")).toMatchObject({
      status: 1,
      stderr: 'lacis-cert: "latpop" - the ledger does not have this name - did you mean "laptop"?\n',
    });
  });
});

describe("what was signed without the ledger", () => {
  test("is entered once, and then has its owner", async () => {
    await sign("lap", "10.77.0.1/29", "-no-ledger", "-groups", "laptops");
    expect(JSON.parse(await must("record", "-crt", "lap.crt", "--json"))).toEqual({
      recorded: [{ name: "lap", version: 2 }],
      known: 0,
    });
    expect(JSON.parse(await must("record", "-crt", "lap.crt", "--json"))).toEqual({ recorded: [], known: 1 });
    await expectRefusal(["other", "10.77.0.1/29"], /"lap" has it until/);
  });

  test("begins a ledger where there was none", async () => {
    await sign("lap", "10.77.0.1/29");
    rmSync("ca.ledger");
    await must("record", "-crt", "lap.crt");
    expect(await listed()).toMatchObject([{ name: "lap" }]);
  });

  test("is not entered when another authority has signed it", async () => {
    await must("ca", "-name", "other", "-out-crt", "other.crt", "-out-key", "other.key");
    await sign("lap", "10.0.0.1/29", "-ca-crt", "other.crt", "-ca-key", "other.key");
    expect(await lacisCert("record", "-crt", "lap.crt")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ca\.crt has not signed it/),
    });
    expect(await listed("-all")).toEqual([]);
  });
});

describe("a certificate that is signed again", () => {
  test("keeps name, addresses, groups and key, and replaces the old one with its mode", async () => {
    await sign("lap", "10.77.0.1/29,fd77::1/64", "-groups", "laptops", "-duration", "10h");
    const [old] = certificatesOf("lap.crt");
    chmodSync("lap.crt", 0o644);
    await must("resign", "-crt", "lap.crt", "-replace", "-duration", "20h");
    const [renewed] = certificatesOf("lap.crt");
    const same = ({ name, networks, groups, publicKey }: typeof old & object) => ({
      name,
      networks,
      groups,
      publicKey,
    });
    expect(same(renewed!)).toEqual(same(old!));
    expect(renewed!.notAfter - renewed!.notBefore).toBe(20n * 3600n);
    expect(statSync("lap.crt").mode & 0o777).toBe(0o644);
    expect(await listed("-all")).toMatchObject([{ state: "replaced" }, { state: "valid" }]);
    expect(readdirSync(".").filter((file) => file.startsWith(".") && file !== ".ca.ledger.begun")).toEqual([]);
  });

  test("may have a twin of the other version in the same file", async () => {
    await must("keygen", "-out-key", "k", "-out-pub", "p");
    for (const version of ["1", "2"]) {
      await sign("lap", "10.77.0.1/29", "-in-pub", "p", "-version", version, "-out-crt", `${version}.crt`);
    }
    writeFileSync("both.crt", readFileSync("1.crt", "utf8") + readFileSync("2.crt", "utf8"));
    await must("resign", "-crt", "both.crt", "-replace");
    expect(certificatesOf("both.crt").map(({ version }) => version)).toEqual([1, 2]);
    await must("verify", "-ca", "ca.crt", "-crt", "both.crt");
    expect((await listed("-all")).map(({ state }) => state)).toEqual(["replaced", "replaced", "valid", "valid"]);
  });

  test("is as long as the old one, and never longer than the authority", async () => {
    await sign("lap", "10.77.0.1/29", "-duration", "10h");
    await must("resign", "-crt", "lap.crt", "-out-crt", "new.crt");
    const [renewed] = certificatesOf("new.crt");
    expect(renewed!.notAfter - renewed!.notBefore).toBe(36_000n);
    await sign("srv", "10.77.0.2/29");
    await must("resign", "-crt", "srv.crt", "-out-crt", "srv2.crt");
    expect(certificatesOf("srv2.crt")[0]!.notAfter).toBe(certificatesOf("ca.crt")[0]!.notAfter - 1n);
  });

  test("was signed by this authority, or by one that is named", async () => {
    await must("ca", "-name", "next", "-out-crt", "next.crt", "-out-key", "next.key");
    await sign("lap", "10.77.0.1/29", "-duration", "10h");
    const next = ["resign", "-crt", "lap.crt", "-out-crt", "new.crt", "-ca-crt", "next.crt", "-ca-key", "next.key"];
    expect(await lacisCert(...next)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/has not signed it - give the authority that has with -old-ca/),
    });
    await must(...next, "-old-ca", "ca.crt");
    await must("verify", "-ca", "next.crt", "-crt", "new.crt");
  });

  test("has to go somewhere", async () => {
    await sign("lap", "10.77.0.1/29");
    expect((await lacisCert("resign", "-crt", "lap.crt")).status).toBe(2);
    expect(await lacisCert("resign", "-crt", "lap.crt", "-out-crt", "lap.crt")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/never overwritten/),
    });
  });
});

test("without a ledger, the commands that need one say how to begin it", async () => {
  rmSync("ca.ledger");
  for (const args of [["list"], ["next-address"], ["revoke", "lap"]]) {
    expect(await lacisCert(...args)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^lacis-cert: ca\.ledger - there is no ledger - begin one with/),
    });
  }
});

interface Listed {
  readonly name: string;
  readonly state: string;
}

async function listed(...flags: readonly string[]): Promise<Listed[]> {
  return JSON.parse(await must("list", "-json", ...flags));
}

async function sign(name: string, networks: string, ...flags: readonly string[]): Promise<void> {
  await must("sign", "-name", name, "-networks", networks, ...flags);
}

/** Signs without the ledger's knowledge; gives the file. */
async function signAside(name: string, networks: string): Promise<string> {
  await sign(name, networks, "-no-ledger");
  return `${name}.crt`;
}

function certificatesOf(file: string) {
  const certificates = readCertificates(readFileSync(file, "utf8"), file);
  if (!certificates.ok) throw new Error(JSON.stringify(certificates.reason));
  return certificates.value;
}

/** One line, exit 1, and nothing new on the disk. */
async function expectRefusal([name, networks, ...flags]: readonly string[], line: RegExp): Promise<void> {
  const before = [readdirSync(".").sort(), readFileSync("ca.ledger", "utf8")];
  const result = await lacisCert("sign", "-name", name!, "-networks", networks!, ...flags);
  expect(result.stderr).toMatch(line);
  expect(result).toMatchObject({ status: 1, stdout: "" });
  expect(result.stderr.trimEnd()).not.toContain("\n");
  expect([readdirSync(".").sort(), readFileSync("ca.ledger", "utf8")]).toEqual(before);
}

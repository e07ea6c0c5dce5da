import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

const MEMORY = ".ca.ledger.begun";

inFolderOfItsOwn();
beforeEach(async () => {
  await must("ca", "-name", "mesh", "-ledger", "-networks", "10.77.0.0/24");
  await sign("lap", "10.77.0.1/24");
  await sign("srv", "10.77.0.2/24");
});

async function sign(name: string, networks: string, ...flags: readonly string[]): Promise<void> {
  await must("sign", "-name", name, "-networks", networks, ...flags);
}

describe("a ledger that is lost", () => {
  const GONE =
    /^lacis-cert: ca\.ledger - it is gone: it recorded 2 certificates, whose names and addresses could be given away again - restore it from a backup, or enter what was signed \(record -crt FILE\); to go on without, give -no-ledger; to begin anew, remove \.ca\.ledger\.begun\n$/;

  test.each([
    ["sign", ["-name", "other", "-networks", "10.77.0.1/24"]],
    ["resign", ["-crt", "lap.crt", "-replace"]],
    ["next-address", []],
    ["list", []],
    ["revoke", ["lap"]],
  ])("lets nothing go that it could know of: %s is refused with what to do", async (command, flags) => {
    rmSync("ca.ledger");
    expect(await lacisCert(command, ...flags)).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(GONE),
    });
    expect(existsSync("other.crt")).toBe(false);
    expect(existsSync("ca.ledger")).toBe(false);
  });

  test.each([
    ["emptied", () => ""],
    ["an older copy", (text: string) => text.slice(0, text.indexOf("\n") + 1)],
  ])("or is %s is missed as well", async (_, changed) => {
    writeFileSync("ca.ledger", changed(readFileSync("ca.ledger", "utf8")));
    const refused = await lacisCert("sign", "-name", "other", "-networks", "10.77.0.2/24");
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /ca\.ledger - it has [01] of the 2 certificates that it recorded, and lacks those whose names/,
      ),
    });
  });

  test("serves again once everything that was signed is entered", async () => {
    rmSync("ca.ledger");
    await must("record", "-crt", "lap.crt");
    expect((await lacisCert("sign", "-name", "other", "-networks", "10.77.0.2/24")).stderr).toMatch(
      /it has 1 of the 2/,
    );
    await must("record", "-crt", "srv.crt");
    expect((await lacisCert("sign", "-name", "other", "-networks", "10.77.0.2/24")).stderr).toMatch(
      /"srv" has it until/,
    );
    await sign("new", "10.77.0.3/24");
  });

  test("can be left aside, and begun anew on purpose", async () => {
    rmSync("ca.ledger");
    await sign("aside", "10.77.0.9/24", "-no-ledger");
    rmSync(MEMORY);
    await sign("unrecorded", "10.77.0.10/24");
    await sign("again", "10.77.0.1/24", "-ledger", "ca.ledger");
    expect(JSON.parse(await must("list", "-json"))).toMatchObject([{ name: "again" }]);
  });

  test("is missed also where it was named, and one that nobody remembers as soon as it is written to again", async () => {
    await sign("one", "10.77.0.5/24", "-ledger", "named");
    rmSync("named");
    expect((await lacisCert("sign", "-name", "two", "-networks", "10.77.0.5/24", "-ledger", "named")).stderr).toMatch(
      /^lacis-cert: named - it is gone: it recorded one certificate,/,
    );
    rmSync(MEMORY);
    await sign("old", "10.77.0.6/24");
    rmSync("ca.ledger");
    expect((await lacisCert("sign", "-name", "x", "-networks", "10.77.0.1/24")).stderr).toMatch(
      /it recorded 3 certificates/,
    );
  });

  test("is not relied on when what is known of it cannot be read", async () => {
    rmSync(MEMORY);
    mkdirSync(MEMORY);
    const refused = await lacisCert("sign", "-name", "other", "-networks", "10.77.0.9/24");
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/^lacis-cert: \.ca\.ledger\.begun - /) });
    expect(existsSync("other.crt")).toBe(false);
  });

  test("is no matter of another authority in the same place, with or without a ledger", async () => {
    for (const file of ["ca.crt", "ca.key", "ca.ledger"]) rmSync(file);
    await must("ca", "-name", "next", "-networks", "10.77.0.0/24");
    await sign("first", "10.77.0.1/24");
    for (const file of ["ca.crt", "ca.key"]) rmSync(file);
    await must("ca", "-name", "third", "-ledger", "-networks", "10.77.0.0/24");
    await sign("second", "10.77.0.1/24");
  });
});

test("an authority that never had a ledger goes on without", async () => {
  await must("ca", "-name", "plain", "-out-crt", "plain.crt", "-out-key", "plain.key");
  const ca = ["-ca-crt", "plain.crt", "-ca-key", "plain.key"];
  await sign("one", "10.77.0.1/24", ...ca);
  await sign("two", "10.77.0.1/24", ...ca);
  expect(existsSync(".plain.ledger.begun")).toBe(false);
});

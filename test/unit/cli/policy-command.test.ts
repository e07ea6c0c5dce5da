import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { policyCommand } from "../../../src/cli/commands/policy/policy.ts";
import { checkPolicy, loadPolicy } from "../../../src/cli/policy/policy-file.ts";
import { demandTests } from "../../../src/cli/policy/test-policy.ts";

const folder = mkdtempSync(join(tmpdir(), "lacis-policy-"));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What a command prints on standard output. */
async function printed(...words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    await policyCommand().parseAsync([...words], { from: "user" });
  } finally {
    log.mockRestore();
  }
  return lines.join("\n");
}

const GOOD = `hosts: {ann: [admins], db1: [db]}
rules:
  - {from: admins, to: any, allow: tcp/22}
keep: {from: admins, allow: tcp/22}
tests:
  - {from: ann, to: db1, allow: tcp/22, deny: tcp/23}
`;

test("the policy of the examples is good, holds what its tests ask, and has no doubts", () => {
  const { policy, warnings } = loadPolicy("examples/policy/policy.yaml");
  expect(warnings).toEqual([]);
  expect(demandTests("policy.yaml", policy)).toMatchObject({ failures: [] });
});

test("a good policy is said to be good, with counts", async () => {
  expect(JSON.parse(await printed("check", file("good.yaml", GOOD), "--json"))).toEqual({
    schema: 1,
    ok: true,
    errors: [],
    warnings: [],
    hosts: 2,
    rules: 1,
    tests: 1,
  });
});

test("a policy that takes away what it says is to be kept is wrong", () => {
  const path = file("taken.yaml", GOOD.replace("to: any", "to: ann"));
  const [error, ...more] = checkPolicy(path).errors;
  expect(more).toEqual([]);
  expect(error).toMatchObject({ path: "keep", what: expect.stringContaining("ann could not reach tcp/22 on db1") });
});

test("a policy whose tests fail is not used, and each failure says where and why", () => {
  const path = file("failing.yaml", GOOD.replace("deny: tcp/23", "deny: tcp/20-25"));
  expect(() => demandTests(path, loadPolicy(path).policy)).toThrowError(
    /1 of 2 things that its tests ask for do not hold/,
  );
  try {
    demandTests(path, loadPolicy(path).policy);
  } catch (error) {
    expect(error).toMatchObject({
      complaint: { details: [`${path}:6: ann is not to reach tcp/20-25 on db1, but ${path}:3 allows it`] },
    });
  }
});

test("a plan is printed in words", async () => {
  const [before, after] = [
    file("before.yaml", GOOD),
    file("after.yaml", GOOD.replace("allow: tcp/22}", "allow: tcp}")),
  ];
  const unseen = "open flows were not looked at: nobody answers on this machine";
  expect((await printed("plan", after, "--before", before)).split("\n")).toEqual([
    "+ ann gains tcp/0-21, tcp/23-65535 on every host",
    unseen,
  ]);
  expect((await printed("plan", before, "--before", before)).split("\n")).toEqual([
    "nobody gains or loses anything",
    unseen,
  ]);
});

test("the rules of a host that runs Nebula are printed for its configuration; a host that is not there, or a group, is not guessed", async () => {
  const path = file("good.yaml", GOOD);
  expect(await printed("export", path, "--host", "printer", "--groups", "db")).toContain('groups: ["admins"]');
  await expect(printed("export", path, "--host", "db2")).rejects.toThrow("did you mean db1?");
  await expect(printed("export", path, "--host", "db2", "--groups", "dba")).rejects.toThrow(
    "the policy has no group dba",
  );
  await expect(printed("export", path)).rejects.toThrow("add --host NAME");
  expect(JSON.parse(await printed("export", path, "--json")).hosts.map(({ host }: { host: string }) => host)).toEqual([
    "ann",
    "db1",
  ]);
});

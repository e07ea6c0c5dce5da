import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { main as lacisCert } from "../../../certs/cli/tool.ts";
import { adminService } from "../../../src/admin/admin-service.ts";
import { policyCommand } from "../../../src/cli/commands/policy/policy.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Daemon, openNode } from "../../../src/index.ts";
import { freePort, MeshFiles } from "../runtime/mesh-files.ts";

let files: MeshFiles;
const daemons: Daemon[] = [];

beforeEach(async () => {
  files = new MeshFiles();
  mkdirSync(join(files.folder, "authority"));
  for (const name of ["ca.crt", "ca.key"])
    copyFileSync(join(files.folder, name), join(files.folder, "authority", name));
  const port = await freePort();
  const calls = `  policy: network\nlighthouse: { hosts: [10.77.0.1] }\nstatic_host_map: { 10.77.0.1: ["127.0.0.1:${port}"] }`;
  await open(files.host("lighthouse", "10.77.0.1", port, "  policy: network\nlighthouse: { am_lighthouse: true }"));
  for (const i of [2, 3]) await open(files.host(`host${i}`, `10.77.0.${i}`, await freePort(), calls));
  for (const daemon of daemons.slice(1))
    await daemon.ping({ by: "address", address: "10.77.0.1" as IpAddress }, 10_000);
});
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop();
  rmSync(files.folder, { recursive: true });
});

async function open(config: string): Promise<void> {
  daemons.push(await openNode({ config, stateDirectory: `${config}.state`, services: (host) => [adminService(host)] }));
}

/** Runs a command through the lighthouse's daemon; the JSON that it prints. */
async function run(...words: readonly string[]): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    const authority = ["apply", "rollback"].includes(words[0] ?? "") ? ["--dir", files.folder] : [];
    const target = ["--state-dir", daemons[0]?.state.path ?? ""];
    await policyCommand().parseAsync([...words, ...authority, ...target, "--json"], { from: "user" });
  } finally {
    log.mockRestore();
  }
  return JSON.parse(lines.join("\n"));
}

function policy(name: string, ...rules: readonly string[]): string {
  const path = join(files.folder, name);
  const list = rules.length === 0 ? "rules: []" : `rules:\n${rules.map((rule) => `  - {${rule}}\n`).join("")}`;
  writeFileSync(path, `hosts: {lighthouse: , host2: , host3: }\n${list}`);
  return path;
}

const placesOf = () =>
  daemons.map((daemon) =>
    daemon
      .rules()
      .filter(({ direction }) => direction === "inbound")
      .map(({ text }) => text),
  );
const SSH = "from: lighthouse, to: any, allow: tcp/22";

test("a policy goes from one host to all, is kept, is gone back to, and ends when it is said that there is none", {
  timeout: 60_000,
}, async () => {
  const own = placesOf();
  const first = await run("apply", policy("first.yaml", SSH));
  expect(first).toMatchObject({
    number: 3,
    applied: 3,
    hosts: 3,
    pending: [],
    steps: [{ wanted: 1, applied: 1 }, { wanted: null }, { wanted: null }],
  });
  expect(placesOf()).toEqual([0, 1, 2].map(() => ["tcp 22 host=lighthouse"]));
  await run("apply", policy("second.yaml", SSH, "from: any, to: host3, allow: icmp"), "--first", "host3");
  expect(placesOf()[2]).toEqual(["tcp 22 host=lighthouse", "icmp host=any"]);
  expect(await run("status")).toMatchObject({
    number: 6,
    state: "applied",
    mode: "enforce",
    applied: 3,
    hosts: 3,
    pending: [],
  });
  expect(await run("rollback")).toMatchObject({ restored: 3, number: 7, applied: 3 });
  expect(placesOf()[2]).toEqual(["tcp 22 host=lighthouse"]);
  expect(await run("rollback", "--to", "6")).toMatchObject({ restored: 6, number: 8 });
  expect(await run("rollback", "--none")).toMatchObject({ number: 9, applied: 3 });
  expect(placesOf()).toEqual(own);
  await expect(run("rollback", "--to", "99")).rejects.toThrow("policy 99 was not applied from here");
});

test("a policy under which nobody could repair the hosts from here, or that its own tests refuse, is sent to nobody", {
  timeout: 60_000,
}, async () => {
  await expect(run("apply", policy("closed.yaml"))).rejects.toThrow(
    "this policy locks you out - from lighthouse tcp/22 could not be reached any more on host2, host3",
  );
  const tested = policy("tested.yaml", SSH);
  writeFileSync(
    tested,
    `hosts: {lighthouse: , host2: }\nrules: [{${SSH}}]\ntests: [{from: lighthouse, to: host2, deny: tcp/22}]\n`,
  );
  await expect(run("apply", tested)).rejects.toThrow("1 of 1 things that its tests ask for do not hold");
  await expect(run("apply", policy("ssh.yaml", SSH), "--first", "nobody")).rejects.toThrow("cannot begin with nobody");
  expect(await run("status")).toMatchObject({ number: null, hosts: 0 });
  expect(await run("apply", policy("closed.yaml"), "--allow-lockout", "--now")).toMatchObject({
    number: 1,
    applied: 3,
  });
});

/** On the machine with the key: what is to be signed, signed. */
async function signElsewhere(request: string, signed: string): Promise<void> {
  const vault = join(files.folder, "vault");
  const flags = ["-ca-crt", join(vault, "ca.crt"), "-ca-key", join(vault, "ca.key")];
  expect(await lacisCert(["bulletin", "-in", request, "-out", signed, ...flags])).toBe(0);
}

test("a policy whose steps were signed elsewhere goes from one host to all, or back by what was signed with it", {
  timeout: 60_000,
}, async () => {
  const [authority, vault] = [join(files.folder, "authority"), join(files.folder, "vault")];
  renameSync(authority, vault);
  mkdirSync(authority);
  const [first, second] = [policy("first.yaml", SSH), policy("second.yaml", SSH, "from: any, to: host3, allow: icmp")];
  await expect(run("apply", first)).rejects.toThrow(/the authority's key is not here: .*--request request\.json/);
  const [request, signed] = [join(files.folder, "request.json"), join(files.folder, "signed")];
  expect(await run("apply", first, "--request", request)).toMatchObject({ number: 1, steps: 3 });
  await expect(run("apply", first, "--request", request)).rejects.toThrow("it exists and is never overwritten");
  await signElsewhere(request, signed);
  await expect(run("apply", second, "--signed", signed)).rejects.toThrow("it is for another policy than this file");
  expect(await run("apply", first, "--signed", signed)).toMatchObject({ number: 3, applied: 3, steps: [{}, {}, {}] });
  expect(placesOf()).toEqual([0, 1, 2].map(() => ["tcp 22 host=lighthouse"]));
  await expect(run("apply", first, "--signed", signed)).rejects.toThrow(
    "it begins with policy 1, and the authority's last word here is 3",
  );

  const [again, next] = [join(files.folder, "again.json"), join(files.folder, "next")];
  await run("apply", second, "--first", "host3", "--request", again);
  await signElsewhere(again, next);
  const { config } = daemons[2]!;
  writeFileSync(config, readFileSync(config, "utf8").replace("  policy: network\n", ""));
  daemons[2]!.reload();
  await expect(run("apply", second, "--signed", next, "--patience", "2")).rejects.toThrow(
    "was taken back in step 1 of 3",
  );
  await expect.poll(() => placesOf()[1], { timeout: 10_000 }).toEqual(["tcp 22 host=lighthouse"]);
  expect(await run("status")).toMatchObject({ number: 7, applied: 2 });
});

test("a policy that the first host does not apply is taken back everywhere", { timeout: 60_000 }, async () => {
  const [, , host3] = daemons;
  const path = host3!.config;
  await run("apply", policy("first.yaml", SSH), "--now");
  writeFileSync(path, readFileSync(path, "utf8").replace("  policy: network\n", ""));
  host3!.reload();
  await expect(
    run("apply", policy("second.yaml", SSH, "from: any, to: any, allow: icmp"), "--first", "host3", "--patience", "2"),
  ).rejects.toThrow(/the policy was taken back in step 1 of 3 - host3 had not applied it after 2 s/);
  await expect.poll(() => placesOf()[1], { timeout: 10_000 }).toEqual(["tcp 22 host=lighthouse"]);
  expect(await run("status")).toMatchObject({ number: 5, applied: 2, pending: ["host3"] });
});

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../netns/lab/certificates.ts";
import { type CommandResult, isInstalled } from "../netns/lab/command.ts";
import { findNebula, LACIS } from "../netns/lab/implementation.ts";
import { Mesh } from "../netns/lab/mesh.ts";

const nebula = await findNebula("1.11");
const hasSsh = await isInstalled("ssh");

describe.skipIf(!nebula || !hasSsh)("the console of a host that was Nebula and is Lacis now", () => {
  let mesh: Mesh;
  let keys: string;
  beforeAll(async () => {
    const authority = await Authority.create(LACIS.certificates, "/run/lab/console-ca", new Set([2]));
    const plan = { authority, versions: [2] } as const;
    mesh = await Mesh.create("console", {
      ...plan,
      hosts: [
        { name: "lighthouse", implementation: LACIS },
        { name: "theirs", implementation: nebula! },
        { name: "ours", implementation: LACIS },
      ],
    });
    const { machine } = mesh.host("ours");
    keys = machine.directory;
    for (const name of ["host", "user", "other", "vouched", "authority"])
      await machine.must("ssh-keygen", [
        "-q",
        "-t",
        name === "other" ? "rsa" : "ed25519",
        "-N",
        "",
        "-f",
        join(keys, name),
      ]);
    const sign = ["-q", "-s", join(keys, "authority"), "-I", "id", "-n", "me", "-V", "+1h", join(keys, "vouched.pub")];
    await machine.must("ssh-keygen", sign);
    const line = async (name: string): Promise<string> => (await readFile(join(keys, `${name}.pub`), "utf8")).trim();
    const sshd = {
      enabled: true,
      listen: "127.0.0.1:2222",
      host_key: join(keys, "host"),
      authorized_users: [{ user: "me", keys: [await line("user")] }],
      trusted_cas: [await line("authority")],
    };
    for (const name of ["theirs", "ours"]) {
      const { configPath } = mesh.host(name);
      await writeFile(configPath, `${await readFile(configPath, "utf8")}\nsshd: ${JSON.stringify(sshd)}\n`);
    }
    await mesh.startAll();
    await mesh.host("theirs").ping(mesh.host("ours").overlay4);
  });
  afterAll(() => mesh.close());

  test("scenario 39: answers every command of Nebula's in the same form", async () => {
    const [theirs, ours] = [mesh.host("theirs").overlay4, mesh.host("ours").overlay4];
    const names = (text: string): readonly string[] =>
      [...text.matchAll(/^([a-z-]+) - /gm)].map(([, name = ""]) => name);
    const known = names((await ssh("ours", "help")).stdout);
    expect(names((await ssh("theirs", "help")).stdout).filter((name) => !known.includes(name))).toEqual([]);
    for (const command of [
      "list-hostmap -json",
      "print-tunnel ADDRESS",
      "print-cert -json",
      "print-cert -json ADDRESS",
      "device-info -json",
      "print-relays",
    ]) {
      const answers = await Promise.all([
        ssh("theirs", command.replace("ADDRESS", ours)),
        ssh("ours", command.replace("ADDRESS", theirs)),
      ]);
      const [there, here] = answers.map(({ stdout }) => shapeOf(JSON.parse(stdout)));
      expect([command, here]).toEqual([command, there]);
    }
    // A host with two addresses has two lines in Nebula's list.
    const line = /^\[[\da-f.:]+( [\da-f.:]+)*\]: \[[\da-f.:[\] ]*\]$/;
    for (const host of ["theirs", "ours"])
      for (const text of (await ssh(host, "list-hostmap")).stdout.trim().split("\n")) expect(text).toMatch(line);
    for (const command of ["log-level", "log-format", "list-hostmap -h", "mutex-profile-fraction"]) {
      const [there, here] = await Promise.all([ssh("theirs", command), ssh("ours", command)]);
      expect([command, linesOf(here.stdout)]).toEqual([command, linesOf(there.stdout)]);
    }
  });

  test("says by its exit status that a command failed, which Nebula does not", async () => {
    for (const command of ["nonsense", "log-level loud", "print-tunnel 10.77.0.99", "close-tunnel"]) {
      expect((await ssh("theirs", command)).status).toBe(0);
      expect([command, (await ssh("ours", command)).status]).toEqual([command, 1]);
    }
    expect((await ssh("ours", "version")).status).toBe(0);
  });

  test("lets in whoever a trusted authority vouches for, under his name, and nobody else", async () => {
    for (const name of ["theirs", "ours"]) {
      expect((await ssh(name, "version", { key: "vouched" })).status).toBe(0);
      expect((await ssh(name, "version", { key: "vouched", user: "you" })).status).toBe(255);
      expect((await ssh(name, "version", { key: "other" })).status).toBe(255);
    }
  });

  async function ssh(host: string, command: string, { key = "user", user = "me" } = {}): Promise<CommandResult> {
    const options = [
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "LogLevel=ERROR",
    ];
    const flags = options.flatMap((option) => ["-o", option]);
    return mesh
      .host(host)
      .machine.run("ssh", ["-n", "-p", "2222", "-i", join(keys, key), ...flags, `${user}@127.0.0.1`, command]);
  }
});

/** Names and types, all the way down; of a list those of its first item. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}

/** Numbers and addresses are each host's own. */
function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/[\d.:a-f]{4,}/g, "X").replaceAll(/(X ?)+/g, "X"))
    .sort();
}

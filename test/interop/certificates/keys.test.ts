import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandResult, run } from "../../netns/lab/command.ts";
import { findNebula, LACIS } from "../../netns/lab/implementation.ts";

/** Encrypted CA keys, and the blocklist of `lacis-cert revoke`, between ours and a released Nebula. */
const nebula = await findNebula("1.11");
const TOOLS = [LACIS, ...(nebula ? [nebula] : [])];
const PASSPHRASE = "correct hörse battery";
const CHEAP = ["-argon-memory", "1024", "-argon-iterations", "2", "-argon-parallelism", "3"];

describe.skipIf(!nebula)("with nebula-cert 1.11", { timeout: 60_000 }, () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "lacis-keys-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(["25519", "P256"])("a CA key that one tool encrypts is opened by the other, on %s", async (curve) => {
    for (const maker of TOOLS) {
      const ca = `ca-${maker === LACIS ? "ours" : "theirs"}-${curve}`;
      const files = ["-out-crt", `${ca}.crt`, "-out-key", `${ca}.key`];
      await must(maker, "ca", "-name", ca, "-curve", curve, "-encrypt", ...CHEAP, ...files);
      expect(await readFile(join(directory, `${ca}.key`), "utf8")).toMatch(/ ENCRYPTED PRIVATE KEY-----\n/);
      for (const signer of TOOLS) {
        const host = `${ca}-${signer === LACIS ? "ours" : "theirs"}`;
        const from = ["-ca-crt", `${ca}.crt`, "-ca-key", `${ca}.key`];
        await must(signer, "sign", "-name", host, "-networks", "10.77.1.2/16", ...from);
        for (const judge of TOOLS) await must(judge, "verify", "-ca", `${ca}.crt`, "-crt", `${host}.crt`);
        const wrong = await call(signer, "wrong", "sign", "-name", `${host}-not`, "-networks", "10.77.1.2/16", ...from);
        expect(wrong.status).toBe(1);
      }
    }
  });

  test("a blocklist with keys in it is taken by both daemons' own check of a configuration", async () => {
    await must(LACIS, "ca", "-name", "mesh", "-ledger", "-curve", "P256");
    for (const [i, name] of ["host", "lost"].entries()) {
      await must(LACIS, "sign", "-name", name, "-networks", `10.77.0.${i + 1}/24`);
    }
    const blocklist = await must(LACIS, "revoke", "lost");
    expect(blocklist.match(/- "key:04[0-9a-f]{128}"/g)).toHaveLength(1);
    const identity = ["ca: ca.crt", "cert: host.crt", "key: host.key"].map((line) =>
      line.replace(": ", `: ${directory}/`),
    );
    const config = [
      blocklist.replace("pki:\n", `pki:\n${identity.map((line) => `  ${line}\n`).join("")}`),
      "lighthouse: { am_lighthouse: true }",
      "listen: { host: 127.0.0.1, port: 4242 }",
      "tun: { disabled: true }",
      "firewall: { outbound: [{ port: any, proto: any, host: any }], inbound: [{ port: any, proto: any, host: any }] }",
    ].join("\n");
    await writeFile(join(directory, "config.yml"), config);
    for (const implementation of TOOLS) {
      const [program, ...args] = implementation.daemon(join(directory, "config.yml"));
      const checked =
        implementation === LACIS
          ? await run(process.execPath, [args[0]!, "check", join(directory, "config.yml")])
          : await run(program, ["-test", ...args]);
      expect(checked.status, checked.stdout + checked.stderr).toBe(0);
      expect(checked.stdout + checked.stderr).not.toMatch(/blocklist entry/);
    }
  });

  async function must(tool: (typeof TOOLS)[number], ...args: readonly string[]): Promise<string> {
    const result = await call(tool, PASSPHRASE, ...args);
    if (result.status !== 0) throw new Error(`${tool.name} ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  function call(
    { certificates }: (typeof TOOLS)[number],
    passphrase: string,
    ...args: readonly string[]
  ): Promise<CommandResult> {
    return certificates.run(args, { directory, environment: { NEBULA_CA_PASSPHRASE: passphrase } });
  }
});

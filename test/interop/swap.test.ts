import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../netns/lab/command.ts";
import { findNebula, LACIS } from "../netns/lab/implementation.ts";

/** Nebula's own example configuration, as its packages hold it, with nothing replaced but the paths of certificates and key. */
for (const release of ["1.6", "1.11"] as const) {
  const nebula = await findNebula(release);
  const example = nebula ? join(dirname(nebula.daemon("")[0]), "config.yml") : "";
  describe.skipIf(!nebula || !existsSync(example))(`the example configuration of Nebula ${release}`, () => {
    let folder = "";
    let config = "";

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "lacis-swap-"));
      const sign = (...args: string[]) => nebula!.certificates.run(args, { directory: folder });
      const networks = nebula!.certificates.knowsVersions ? "-networks" : "-ip";
      expect((await sign("ca", "-name", "example")).status).toBe(0);
      expect((await sign("sign", "-name", "host", networks, "192.168.100.9/24")).status).toBe(0);
      config = join(folder, "config.yml");
      const text = await readFile(example, "utf8");
      await writeFile(config, text.replaceAll("/etc/nebula/", `${folder}/`));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test("passes both programs' check", async () => {
      const [theirs, ...args] = nebula!.daemon(config);
      expect((await run(theirs, ["-test", ...args], {})).status).toBe(0);
      const ours = await run(...lacis("check", config));
      expect({
        status: ours.status,
        errors: ours.stderr.split("\n").filter((line) => !line.startsWith("warning:")),
      }).toEqual({
        status: 0,
        errors: [""],
      });
    });

    test("is told to be different here only in what fragments of an allowed port may do and in how soon a relay is left", async () => {
      const { stdout } = await run(...lacis("check", "--from-nebula", "--json", config));
      const { differences } = JSON.parse(stdout) as { differences: { path: string }[] };
      expect(differences.map(({ path }) => path).filter((path) => path !== "")).toEqual([
        "firewall.inbound[].port",
        "relay.use_relays",
      ]);
    });
  });
}

function lacis(...args: readonly string[]): [string, string[], object] {
  const [program, ...rest] = LACIS.cli(...args);
  return [program, rest, {}];
}

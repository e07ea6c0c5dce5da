import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must, run } from "../lab/command.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { serve } from "../lab/program.ts";
import { buildTrio, type Trio } from "../lab/trio.ts";
import { pause } from "../lab/wait.ts";

const RESOLVER = "192.0.2.53";
const OUTSIDE = "198.51.100.7";
/** Not in the project's own words, and without an end of the line: what somebody has written by hand. */
const BEFORE = `# by hand\noptions timeout:2 attempts:1\nnameserver ${RESOLVER}\n# the end`;
const FILE = "/etc/resolv.conf";
/** Starts, each of which ends with a stop or with a kill. `npm run resolver` makes a hundred of them. */
const ROUNDS = Number(process.env["LACIS_RESOLVER_ROUNDS"] ?? 9);
/** An answer that comes from the second server, because the first is dead, is no slower than this. */
const AT_ONCE_MS = 1_000;

describe("programs on a host with dns.domain", () => {
  let trio: Trio;
  let laptop: MeshHost;

  beforeAll(async () => {
    // A copy of /etc that only this lab sees.
    await mkdir("/run/lab/etc", { recursive: true });
    await run("cp", ["-a", "/etc/.", "/run/lab/etc"]);
    await must("mount", ["--bind", "/run/lab/etc", "/etc"]);
    await rm(FILE, { force: true });
    await writeFile(FILE, BEFORE);
    await writeFile("/etc/nsswitch.conf", "hosts: files dns\n");
    trio = await buildTrio("resolver", {
      lighthouse: { tun: true, more: { lighthouse: { serve_dns: true } } },
      laptop: { more: { dns: { domain: "mesh", mode: "file" } } },
    });
    laptop = trio.laptop;
    const resolver = await trio.mesh.network.machine("resolver", [`${RESOLVER}/24`]);
    await serve(resolver, "dns-answer", 53, OUTSIDE);
    await Promise.all([trio.lighthouse.start(), trio.server.start(), starts()]);
    for (const { daemon } of [laptop, trio.server])
      await daemon.becomes("it has a lighthouse", async () => daemon.log().includes("code=tunnel-up"));
  });
  afterAll(async () => {
    await trio?.mesh.close();
    await run("umount", ["/etc"]);
  });

  test("find the names of the overlay, those that only the lighthouse knows too, and every name of the world", async () => {
    expect(await addressesOf("laptop.mesh")).toEqual([laptop.overlay4]);
    // There is no tunnel to the server yet.
    expect(await addressesOf("SERVER.mesh")).toEqual([trio.server.overlay4]);
    expect(await addressesOf("www.example")).toEqual([OUTSIDE]);
    expect(await addressesOf("nobody.mesh")).toEqual([]);
  });

  test("find every name of the world at once while either process, and both, are dead", async () => {
    await laptop.daemon.kill();
    expect(await readFile(FILE, "utf8"), "nobody has put it back").not.toBe(BEFORE);
    await isFoundAtOnce();
    await starts();
    await laptop.crashDaemon();
    await isFoundAtOnce();
    await starts();
    expect(await addressesOf("laptop.mesh")).toEqual([laptop.overlay4]);
  });

  test("find the names again when somebody has written the file anew, and his words stay", async () => {
    await writeFile(FILE, `${BEFORE}\nsearch example\n`);
    await laptop.daemon.becomes("our line is there again", async () =>
      (await readFile(FILE, "utf8")).includes("lacis"),
    );
    expect(await addressesOf("laptop.mesh")).toEqual([laptop.overlay4]);
    await laptop.stop();
    expect(await readFile(FILE, "utf8")).toBe(`${BEFORE}\nsearch example\n`);
    await writeFile(FILE, BEFORE);
  });

  const KINDS = {
    "a file": async () => {},
    "a link": async () => {
      await mkdir("/run/lab/elsewhere", { recursive: true });
      await writeFile("/run/lab/elsewhere/resolv.conf", BEFORE);
      await rm(FILE);
      await symlink("/run/lab/elsewhere/resolv.conf", FILE);
    },
    "a mounted file, which cannot be replaced": async () => {
      await rm(FILE);
      await writeFile(FILE, "");
      await writeFile("/run/lab/mounted", BEFORE);
      await must("mount", ["--bind", "/run/lab/mounted", FILE]);
    },
  };
  for (const [kind, prepare] of Object.entries(KINDS)) {
    test(`leave ${kind} byte for byte as it was, however often the host is started, stopped and killed`, async () => {
      await prepare();
      const names = await readdir("/etc");
      const rounds = Math.ceil(ROUNDS / Object.keys(KINDS).length);
      let stops = 1;
      for (let round = 0; round < rounds; round++) {
        await laptop.start();
        // Anywhere between the first thing that it does and the last.
        await pause((700 * round) / rounds);
        if (round % 3 === 1) await laptop.crashDaemon();
        else if (round % 3 === 2) await laptop.daemon.kill();
        // Who is told to stop before it has begun to listen to that is killed by it, and says so.
        else if ((await laptop.stop()).code === 0) {
          stops++;
          expect(await readFile(FILE, "utf8"), `round ${round}`).toBe(BEFORE);
        }
      }
      await starts();
      expect(await readFile(FILE, "utf8")).not.toBe(BEFORE);
      expect(await laptop.stop()).toMatchObject({ code: 0 });
      expect(await readFile(FILE, "utf8")).toBe(BEFORE);
      expect(await readdir("/etc")).toEqual(names);
      console.log(
        `${rounds + 1} starts with ${kind}, ${stops} stopped, the others killed: it is byte for byte as it was`,
      );
    });
  }

  /** Its log is the same file over all starts. */
  async function starts(): Promise<void> {
    const log = join(laptop.machine.directory, "laptop-lacis.log");
    const timesTold = async (): Promise<number> =>
      (await readFile(log, "utf8").catch(() => "")).split("code=names-wired").length;
    const before = await timesTold();
    await laptop.start();
    await laptop.daemon.becomes("its names are told", async () => (await timesTold()) > before);
  }

  async function isFoundAtOnce(): Promise<void> {
    const begun = performance.now();
    expect(await addressesOf("www.example")).toEqual([OUTSIDE]);
    expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
  }

  /** As any program of the C library finds them. */
  async function addressesOf(name: string): Promise<readonly string[]> {
    const { stdout } = await laptop.machine.run("getent", ["ahostsv4", name], { timeoutMs: 20_000 });
    return [...new Set(stdout.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))];
  }
});

import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { MeshHost } from "./lab/mesh.ts";
import { program, serve } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";

const TAKEN_PORT = 7053;
/** RFC 1035, 4.1.1. */
const REFUSED = 5;

test("scenario 60: a lighthouse answers for the names of its hosts, to them and to itself, where a reload says", async () => {
  await withTrio(
    "names",
    async ({ lighthouse, server, laptop }) => {
      await laptop.daemon.becomes("its tunnels stand", async () => (await laptop.ping(server.overlay4)).status === 0);
      const at53 = [lighthouse.overlay4, 53] as const;
      const v6 = server.overlay6 ?? "";
      expect(await ask(laptop, at53, "SERVER", "A", "AAAA", "MX")).toEqual([[server.overlay4], [v6], "ENODATA"]);
      expect(await ask(laptop, at53, "lighthouse", "A")).toEqual([[lighthouse.overlay4]]);
      expect(await ask(laptop, at53, "nobody", "A", "AAAA")).toEqual(["ENOTFOUND", "ENOTFOUND"]);
      expect(await ask(laptop, [lighthouse.overlay6 ?? "", 53], "laptop", "A")).toEqual([[laptop.overlay4]]);
      expect(await ask(laptop, at53, server.overlay4, "TXT"), "certificates are not for everybody").toEqual([REFUSED]);
      const [text] = await ask(lighthouse, ["127.0.0.1", 53], server.overlay4, "TXT");
      expect(JSON.parse(String(text))).toMatchObject({ details: { name: "server", groups: ["servers"] } });

      await reload(lighthouse, { serve_dns: true, dns: { port: 5353 } });
      await lighthouse.daemon.becomes("it listens elsewhere", async () => lighthouse.daemon.log().includes(":5353"));
      expect(await ask(laptop, at53, "server", "A")).toEqual(["ECONNREFUSED"]);
      expect(await ask(laptop, [lighthouse.overlay4, 5353], "server", "A")).toEqual([[server.overlay4]]);

      await serve(lighthouse.machine, "udp-echo", TAKEN_PORT);
      await reload(lighthouse, { serve_dns: true, dns: { host: "0.0.0.0", port: TAKEN_PORT } });
      await lighthouse.daemon.becomes("it says whose port it is", async () =>
        lighthouse.daemon
          .log()
          .includes(`DNS queries at 0.0.0.0:${TAKEN_PORT} are not answered: another program listens`),
      );
      expect((await laptop.ping(lighthouse.overlay4)).status).toBe(0);
    },
    { lighthouse: { tun: true, more: { lighthouse: { serve_dns: true } } } },
  );
});

async function ask(
  host: MeshHost,
  server: readonly [address: string, port: number],
  name: string,
  ...types: readonly string[]
): Promise<readonly unknown[]> {
  const { stdout } = await host.machine.run(...program("dns-ask", ...server, name, ...types), { timeoutMs: 20_000 });
  return stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

async function reload(host: MeshHost, lighthouse: Readonly<Record<string, unknown>>): Promise<void> {
  const config = parse(await readFile(host.configPath, "utf8"));
  config.lighthouse = { ...config.lighthouse, ...lighthouse };
  await writeFile(host.configPath, stringify(config));
  host.daemon.signal("SIGHUP");
}

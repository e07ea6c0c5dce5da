import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../runtime/mesh-files.ts";

/** Debian's packages, or those that $LACIS_PROMETHEUS names the folder of. */
const FOLDER = process.env["LACIS_PROMETHEUS"] ?? "/usr/bin";
const [prometheus, promtool] = [join(FOLDER, "prometheus"), join(FOLDER, "promtool")];
const isThere = existsSync(prometheus) && existsSync(promtool);
const EXAMPLES = resolve("examples/monitoring");

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(readFileSync(join(EXAMPLES, "dashboard.json"), "utf8")) as {
  readonly panels: readonly Panel[];
};
const metricsPage = readFileSync("docs/METRICS.md", "utf8");
const alerts = readFileSync(join(EXAMPLES, "alerts.yml"), "utf8");
const expressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...[...alerts.matchAll(/expr: (.+)/g)].map(([, expr = ""]) => expr),
];

describe("the dashboard and the alerts", () => {
  test("speak only of metrics that there are", () => {
    const named = new Set(expressions.flatMap((expr) => expr.match(/\blacis_[a-z_]+/g) ?? []));
    expect(named.size).toBeGreaterThan(20);
    expect([...named].filter((name) => !metricsPage.includes(`\`${name}\``))).toEqual([]);
  });

  test("are enough for each thing that goes wrong slowly: eight alerts at least, each with what to type", () => {
    const count = (key: string): number => alerts.split(`${key}:`).length - 1;
    expect(count("alert")).toBeGreaterThanOrEqual(8);
    expect([count("summary"), count("todo"), count("severity")]).toEqual(Array(3).fill(count("alert")));
  });
});

describe.skipIf(!isThere)("a real Prometheus", () => {
  let folder: string;
  const running: ChildProcess[] = [];
  const ask = async (query: string): Promise<readonly unknown[]> => {
    const response = await fetch(`${api}/query?query=${encodeURIComponent(query)}`);
    const answer = (await response.json()) as {
      readonly status: string;
      readonly data: { readonly result: unknown[] };
    };
    if (answer.status !== "success") throw new Error(`${query}: ${JSON.stringify(answer)}`);
    return answer.data.result;
  };
  let api = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lacis-monitoring-"));
    const [udp, stats, web] = [await freePort(), [await freePort(), await freePort()], await freePort()];
    certificates(folder);
    host(folder, "lighthouse", udp, stats[0] ?? 0, "lighthouse: { am_lighthouse: true }");
    const known = `static_host_map: { 10.9.0.1: ["127.0.0.1:${udp}"] }`;
    host(folder, "host", 0, stats[1] ?? 0, `lighthouse: { hosts: [10.9.0.1], interval: 1 }\n${known}`);
    for (const name of ["lighthouse", "host"]) running.push(lacis("run", ...target(name)));
    const text = readFileSync(join(EXAMPLES, "prometheus.yml"), "utf8")
      .replaceAll("15s", "1s")
      .replace("alerts.yml", join(EXAMPLES, "alerts.yml"))
      .replace(/targets: .*/, `targets: ${JSON.stringify(stats.map((port) => `127.0.0.1:${port}`))}`);
    writeFileSync(join(folder, "prometheus.yml"), text);
    const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    running.push(spawn(prometheus, [...args, `--web.listen-address=127.0.0.1:${web}`], { stdio: "ignore" }));
    api = `http://127.0.0.1:${web}/api/v1`;
    await until(async () => (await ask('sum(lacis_peers{state="up"})')).length > 0);
    // What a day brings: a host that answers, one that nobody knows, and noise on the port.
    spawnSync(process.execPath, [CLI, "ping", "10.9.0.1", "--count", "3", ...target("host")]);
    spawnSync(process.execPath, [CLI, "ping", "10.9.0.77", "--count", "1", "--timeout", "6", ...target("host")]);
    const noise = createSocket("udp4");
    await new Promise((done) => noise.send(Buffer.alloc(40, 0x7f), udp, "127.0.0.1", done));
    noise.close();
    await until(
      async () =>
        (await ask("lacis_drops_total")).length > 0 &&
        (await ask("lacis_handshakes_failed_total")).length > 0 &&
        (await ask("lacis_peer_loss_ratio")).length > 0,
    );
    await sleep(3_000);
  }, 60_000);

  afterAll(async () => {
    const ended = running.map((child) => new Promise((done) => child.once("exit", done)));
    for (const child of running) child.kill();
    await Promise.all(ended);
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(panels.map(({ title, targets }) => [title, targets] as const))(
    "has data for the panel %s",
    async (_, targets) => {
      for (const { expr } of targets) {
        const query = expr.replaceAll("$__rate_interval", "10s").replaceAll("$instance", ".*");
        expect(await ask(query), query).not.toEqual([]);
      }
    },
  );

  test.each(
    [...alerts.matchAll(/alert: (\w+)\n +expr: (.+)/g)].map(([, name = "", expr = ""]) => [name, expr] as const),
  )("has data for the alert %s", async (_, expr) => {
    // Without its condition: what it looks at is there.
    const [left = ""] = expr.split(/ (?:==|<|>) /);
    expect(await ask(left), left).not.toEqual([]);
  });

  test("knows every alert, and raises none on hosts that are well", async () => {
    const response = await fetch(`${api}/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: { name: string; health: string }[] }[] } };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.map(({ health }) => health)).toEqual(rules.map(() => "ok"));
    expect(rules).toHaveLength(alerts.split("alert:").length - 1);
    expect(await ask('ALERTS{alertstate="firing"}')).toEqual([]);
  });

  test.each([
    ["check", "rules", join(EXAMPLES, "alerts.yml")],
    ["check", "config", "--syntax-only", join(EXAMPLES, "prometheus.yml")],
    ["test", "rules", resolve("test/unit/monitoring/alerts-fire.yml")],
  ])("comes with a promtool that takes them: %s %s", (...args) => {
    const { status, stdout, stderr } = spawnSync(promtool, args, { encoding: "utf8" });
    expect(status, stdout + stderr).toBe(0);
  });

  function target(name: string): string[] {
    return ["--config", join(folder, `${name}.yml`), "--state-dir", join(folder, name)];
  }
});

const CLI = resolve("dist/src/cli/main.js");

function lacis(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], { stdio: "ignore" });
}

function certificates(folder: string): void {
  const cert = (...args: readonly string[]): void => {
    execFileSync(process.execPath, [resolve("dist/certs/cli/main.js"), ...args], { cwd: folder, stdio: "ignore" });
  };
  cert("ca", "-name", "monitoring", "-duration", "8760h");
  cert("sign", "-name", "lighthouse", "-ip", "10.9.0.1/24");
  cert("sign", "-name", "host", "-ip", "10.9.0.2/24");
}

function host(folder: string, name: string, port: number, stats: number, more: string): void {
  const any = "[{ port: any, proto: any, host: any }]";
  const text = `pki: { ca: ca.crt, cert: ${name}.crt, key: ${name}.key }
listen: { host: 127.0.0.1, port: ${port} }
tun: { disabled: true }
stats: { type: prometheus, listen: "127.0.0.1:${stats}", path: /metrics, interval: 1s }
firewall: { inbound: ${any}, outbound: ${any} }
${more}
`;
  writeFileSync(join(folder, `${name}.yml`), text);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + 30_000; Date.now() < giveUpAt; await sleep(200)) {
    if (await condition().catch(() => false)) return;
  }
  throw new Error("it did not happen within 30 s");
}

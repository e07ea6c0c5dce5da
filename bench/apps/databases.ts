import { readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../../test/netns/lab/command.ts";
import { type App, numberIn } from "./app.ts";

const REDIS_PORT = 6379;
const REDIS_CLIENTS = 50;
const REDIS_PER_SECOND = 20_000;

export const REDIS: App = {
  name: "redis",
  title: `redis-benchmark, ${REDIS_CLIENTS} clients`,
  programs: ["redis-server", "redis-benchmark"],
  figures: [
    { name: "get", unit: "GET/s", better: "more", digits: 0 },
    { name: "set", unit: "SET/s", better: "more", digits: 0 },
  ],
  async run({ server, client, serverAddress }, { seconds }) {
    const settings = ["--port", String(REDIS_PORT), "--protected-mode", "no", "--save", "", "--dir", server.directory];
    const daemon = server.start("redis", "redis-server", settings);
    await daemon.becomes("it listens", () => server.hasTcpListener(REDIS_PORT));
    const requests = String(seconds * REDIS_PER_SECOND);
    const how = ["-h", serverAddress, "-c", String(REDIS_CLIENTS), "-n", requests, "-t", "get,set", "--csv"];
    const said = await client.must("redis-benchmark", how, { timeoutMs: 60_000 });
    return { get: numberIn(said, /"GET","([\d.]+)"/), set: numberIn(said, /"SET","([\d.]+)"/) };
  },
};

const POSTGRES_CLIENTS = 8;
/** Where Debian keeps what is not for everybody's PATH: a folder for each release. */
const POSTGRES_RELEASES = "/usr/lib/postgresql";

export const PGBENCH: App = {
  name: "pgbench",
  title: `pgbench, ${POSTGRES_CLIENTS} clients that only read`,
  programs: ["pgbench", "pg_isready", "setpriv"],
  figures: [{ name: "transactions", unit: "transactions/s", better: "more", digits: 0 }],
  async run({ server, client, serverAddress }, { seconds }) {
    const programs = join(POSTGRES_RELEASES, newestOf(readdirSync(POSTGRES_RELEASES)), "bin");
    // It does not run as root, and nobody else may enter the machine's own folder.
    const data = `/run/postgres-${server.namespace}`;
    const asItself = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
    await mkdir(data);
    await must("chown", ["postgres:postgres", data]);
    const make = [join(programs, "initdb"), "-D", join(data, "db"), "-A", "trust", "--no-sync"];
    await must("setpriv", [...asItself, ...make], { timeoutMs: 60_000 });
    const settings = ["listen_addresses=*", "fsync=off", `unix_socket_directories=${data}`];
    await must("sh", ["-c", 'echo "host all all 0.0.0.0/0 trust" >> "$1"', "sh", join(data, "db/pg_hba.conf")]);
    const serve = [join(programs, "postgres"), "-D", join(data, "db"), ...settings.flatMap((one) => ["-c", one])];
    const daemon = server.start("postgres", "setpriv", [...asItself, ...serve]);
    await daemon.becomes("it takes connections", async () => {
      return (await client.run("pg_isready", ["-h", serverAddress])).status === 0;
    });
    const place = ["-h", serverAddress, "-U", "postgres"];
    await client.must("pgbench", ["-i", "-q", ...place, "postgres"], { timeoutMs: 60_000 });
    const how = ["-S", "-n", "-c", String(POSTGRES_CLIENTS), "-T", String(seconds)];
    const said = await client.must("pgbench", [...how, ...place, "postgres"], { timeoutMs: 60_000 });
    return { transactions: numberIn(said, /tps = ([\d.]+)/) };
  },
};

function newestOf(releases: readonly string[]): string {
  return [...releases].sort((a, b) => Number(b) - Number(a))[0] ?? "";
}

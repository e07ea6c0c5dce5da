import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A PostgreSQL server of its own, in a folder that goes with it; nothing listens but a socket in that folder. */
export interface PostgresServer {
  /** Address of a fresh database in it. */
  database(): string;
  /** Ends it as a crash would; what it had kept is kept. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Ends it, and removes what it kept. */
  stop(): Promise<void>;
}

/** Where Debian puts the programs, newest last; undefined where there are none. */
export function postgresPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(a) - Number(b)) : [];
  return versions.map((version) => join(root, version, "bin")).findLast((folder) => existsSync(join(folder, "initdb")));
}

export async function startPostgres(): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error("PostgreSQL is not installed");
  const folder = mkdtempSync(join(tmpdir(), "pg-"));
  const user = ordinaryUser();
  if (user) chownSync(folder, user.uid, user.gid);
  const as = { ...user, cwd: folder, env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" } };
  execFileSync(join(programs, "initdb"), ["-D", "data", "-U", "lacis", "-A", "trust", "-E", "UTF8", "--no-sync"], as);
  const options = ["-D", "data", "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=40"];
  const connect = ["-h", folder, "-U", "lacis"];
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(join(programs, "postgres"), options, { ...as, stdio: "ignore" });
    for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
      if (spawnSync(join(programs, "pg_isready"), [...connect, "-d", "postgres"], as).status === 0) return;
      if (Date.now() > deadline || server.exitCode !== null) throw new Error("PostgreSQL does not start");
    }
  };
  const crash = async (): Promise<void> => {
    const ended = new Promise((resolve) => server?.once("exit", resolve));
    // At once, whoever is connected: nobody wants what is in it.
    if (server?.kill("SIGQUIT")) await ended;
  };
  await start();
  let made = 0;
  return {
    database: () => {
      const name = `office${++made}`;
      execFileSync(join(programs, "createdb"), [...connect, name], as);
      return `postgresql://lacis@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    crash,
    start,
    stop: async () => {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function ordinaryUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout.trim()) || 65_534;
  return { uid: id("-u"), gid: id("-g") };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

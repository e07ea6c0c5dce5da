import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A PostgreSQL server of its own, in a folder that goes with it; nothing listens but a socket in that folder. */
export interface PostgresServer {
  /** Address of a fresh database in it. */
  database(): string;
  /** Leaves no byte on its disk, and gives the room back. Only of one with a disk of its own. */
  fillDisk(): void;
  freeDisk(): void;
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

/** Whether this user may give a program a disk of its own. */
export function mayMount(): boolean {
  const tried = spawnSync("unshare", ["--mount", "sh", "-c", "mount -t tmpfs none /mnt && command -v setpriv"]);
  return process.getuid?.() === 0 && tried.status === 0;
}

/** `diskMegabytes`: it has a disk of so many, which nobody else sees (`mayMount`). */
export async function startPostgres(diskMegabytes?: number): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error("PostgreSQL is not installed");
  const folder = mkdtempSync(join(tmpdir(), "pg-"));
  const user = ordinaryUser();
  if (user) chownSync(folder, user.uid, user.gid);
  const as = { ...user, cwd: folder, env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" } };
  const making = [join(programs, "initdb"), "-D", "data", "-U", "lacis", "-A", "trust", "-E", "UTF8", "--no-sync"];
  const running = [
    join(programs, "postgres"),
    "-D",
    "data",
    "-k",
    folder,
    "-c",
    "listen_addresses=",
    "-c",
    "max_connections=40",
  ];
  const disk = diskMegabytes === undefined ? undefined : diskOf(diskMegabytes, folder, user);
  if (!disk) execFileSync(making[0]!, making.slice(1), as);
  const connect = ["-h", folder, "-U", "lacis"];
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const [program = "", ...args] = disk ? disk(making, running) : running;
    server = spawn(program, args, { ...(disk ? { cwd: folder, env: as.env } : as), stdio: "ignore" });
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
    // By the eyes of the server, which alone sees it.
    fillDisk: () => {
      const filler = `/proc/${server?.pid}/root${folder}/data/filler`;
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"], { stdio: "ignore" });
    },
    freeDisk: () => rmSync(`/proc/${server?.pid}/root${folder}/data/filler`),
    crash,
    start,
    stop: async () => {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The command line that makes a server on a disk of its own and runs it: what is on it goes with the server. */
function diskOf(megabytes: number, folder: string, user: ReturnType<typeof ordinaryUser>) {
  const { uid = 0, gid = 0 } = user ?? {};
  const as = `setpriv --reuid ${uid} --regid ${gid} --clear-groups`;
  mkdirSync(join(folder, "data"));
  return (making: readonly string[], running: readonly string[]): readonly string[] => {
    const mount = `mount -t tmpfs -o size=${megabytes}m,uid=${uid},gid=${gid},mode=700 none data`;
    const made = `${as} ${making.join(" ")} --wal-segsize=1 >/dev/null`;
    const script = `${mount} && ${made} && exec ${as} ${running.join(" ")} -c max_wal_size=4MB`;
    return ["unshare", "--mount", "sh", "-c", script];
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

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import type { Machine } from "./network.ts";
import type { PrivateRoot } from "./private-root.ts";

/** What a unit file says of its service, line by line. */
export class UnitFile {
  readonly #lines: readonly string[];

  constructor(path: string) {
    this.#lines = readFileSync(path, "utf8").split("\n");
  }

  /** The value of a key that stands once. */
  setting(key: string): string {
    const line = this.#lines.find((each) => each.startsWith(`${key}=`));
    if (line === undefined) throw new Error(`the unit has no ${key}`);
    return line.slice(key.length + 1);
  }

  has(key: string): boolean {
    return this.#lines.some((line) => line.startsWith(`${key}=`));
  }

  /** The signal that `systemctl restart` sends. */
  get restartSignal(): NodeJS.Signals {
    return this.setting("RestartKillSignal") as NodeJS.Signals;
  }
}

/** The main process of a unit as systemd runs it: as its user, with its privileges, its environment and its folder, in a root of its own. Ready when this is fulfilled. */
export async function startUnit(machine: Machine, root: PrivateRoot, name: string, unit: UnitFile): Promise<Daemon> {
  const [user, group, runtime] = ["User", "Group", "RuntimeDirectory"].map((key) => unit.setting(key));
  const folder = `/run/${runtime}`;
  const mode = unit.setting("RuntimeDirectoryMode");
  await root.run("sh", ["-c", `mkdir -p -m ${mode} ${folder} && chown ${user}: ${folder}`]);
  const powers = ["-all", ...unit.setting("AmbientCapabilities").toLowerCase().split(" ").filter(Boolean)]
    .join(",")
    .replaceAll("cap_", "+");
  const caps = ["--inh-caps", powers, "--ambient-caps", powers, "--bounding-set", powers];
  const as = ["--reuid", user, "--regid", group, "--clear-groups", ...caps, "--no-new-privs"] as string[];
  const environment = unit.has("Environment") ? [unit.setting("Environment")] : [];
  const command = unit
    .setting("ExecStart")
    .split(" ")
    .filter((word) => !word.startsWith("$"));
  const listens = command.includes("--listen") ? command[command.indexOf("--listen") + 1] : undefined;
  const socket = listens === undefined ? undefined : join(root.path, listens);
  const line = [root.path, "setpriv", ...as, "env", ...environment, ...command];
  const before = inodeOf(socket);
  const daemon = machine.start(name, "chroot", line);
  const readyBefore = timesReady(daemon);
  await daemon.becomes("ready", async () =>
    socket === undefined ? timesReady(daemon) > readyBefore : ![undefined, before].includes(inodeOf(socket)),
  );
  return daemon;
}

function inodeOf(path: string | undefined): bigint | undefined {
  return path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false })?.ctimeNs;
}

/** Its log goes on from one start to the next. */
function timesReady(daemon: Daemon): number {
  return daemon.log().split("code=ready").length - 1;
}

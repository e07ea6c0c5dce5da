import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { must, run } from "./command.ts";
import { PROJECT } from "./implementation.ts";

/** The system's files, with a layer of its own for what is written. */
export class PrivateRoot {
  readonly path: string;
  readonly #written: string;

  private constructor(path: string, written: string) {
    this.path = path;
    this.#written = written;
  }

  static async over(folder: string): Promise<PrivateRoot> {
    const [path, written, work] = ["merged", "written", "work"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const made of [path, written, work]) await mkdir(made, { recursive: true });
    const layers = `lowerdir=/,upperdir=${written},workdir=${work}`;
    await must("mount", ["-t", "overlay", "overlay", "-o", layers, path]);
    for (const part of ["proc", "dev", "sys"]) await must("mount", ["--rbind", `/${part}`, join(path, part)]);
    for (const part of ["run", "tmp"]) await must("mount", ["-t", "tmpfs", "tmpfs", join(path, part)]);
    // Everybody's, as udev makes it: containers often have it for root alone.
    const [node, tun] = [join(path, "run/tun"), join(path, "dev/net/tun")];
    await must("mknod", ["-m", "0666", node, "c", "10", "200"]);
    await must("mount", ["--bind", node, tun]);
    // The build, wherever it lies.
    await mkdir(join(path, PROJECT), { recursive: true });
    await must("mount", ["--bind", PROJECT, join(path, PROJECT)]);
    return new PrivateRoot(path, written);
  }

  /** A command line that runs in there. */
  inside([program, ...args]: readonly [string, ...string[]]): [string, string[]] {
    return ["chroot", [this.path, program, ...args]];
  }

  async run(
    command: string,
    args: readonly string[],
    { fails = false }: { readonly fails?: boolean } = {},
  ): Promise<{ readonly stdout: string }> {
    const result = await run("chroot", [this.path, command, ...args], {
      environment: { DEBIAN_FRONTEND: "noninteractive" },
    });
    if (!fails && result.status !== 0)
      throw new Error(`${command} ${args.join(" ")}: ${result.stdout}${result.stderr}`);
    return result;
  }

  /** Files that are there and were not before, from the root. */
  async written(): Promise<readonly string[]> {
    const written = await must("find", [this.#written, "-type", "f", "-printf", "%P\n"]);
    return written.split("\n").filter(Boolean).sort();
  }

  async close(): Promise<void> {
    await run("umount", ["-R", "-l", this.path]);
  }
}

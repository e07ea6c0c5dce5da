import { Command } from "commander";
import { keepHeapLean } from "../lean-heap.ts";

/** `lacis run`: the daemon, in the foreground. */
export function runCommand(): Command {
  return new Command("run")
    .description("Run a host of the mesh, in the foreground.")
    .requiredOption("-c, --config <path>", "configuration file, or a folder of them")
    .option("--state-dir <dir>", "where to keep lock and sockets (otherwise below /run/lacis or $XDG_RUNTIME_DIR)")
    .addHelpText(
      "after",
      `
The log goes to standard output. SIGHUP or "lacis reload" reads the configuration again; SIGTERM closes the tunnels,
removes the device and ends with 0. Killed without warning, the data plane goes on forwarding, and the next run with
the same configuration takes it over.

Example:  sudo lacis run --config /etc/lacis/config.yml`,
    )
    .action(async (options: { config: string; stateDir?: string }) => {
      keepHeapLean();
      const { runDaemon } = await import("../run-daemon.ts");
      await runDaemon(options);
    });
}

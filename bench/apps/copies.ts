import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../../test/netns/lab/command.ts";
import type { App } from "./app.ts";

const PORT = 2222;
const MB = 200;

export const SCP: App = {
  name: "scp",
  title: `scp of a file of ${MB} MB`,
  programs: ["scp", "sshd", "ssh-keygen"],
  figures: [{ name: "rate", unit: "MB/s", better: "more", digits: 0 }],
  async run({ server, client, serverAddress }) {
    const { directory } = server;
    const [hostKey, key, file] = ["host-key", "key", "file"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [hostKey, key]) await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
    await writeFile(file, "");
    await truncate(file, MB * 1e6);
    await mkdir("/run/sshd", { recursive: true });
    const settings = join(directory, "sshd_config");
    await writeFile(
      settings,
      `Port ${PORT}\nHostKey ${hostKey}\nAuthorizedKeysFile ${key}.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n`,
    );
    // It insists on being called by its whole path.
    const program = (await must("sh", ["-c", "command -v sshd"])).trim();
    const daemon = server.start("sshd", program, ["-D", "-e", "-f", settings]);
    await daemon.becomes("it listens", () => server.hasTcpListener(PORT));
    const trusting = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
    const how = ["-q", "-i", key, "-P", String(PORT), ...trusting.flatMap((one) => ["-o", one])];
    const startedAt = performance.now();
    await client.must("scp", [...how, `root@${serverAddress}:${file}`, "/dev/null"], { timeoutMs: 60_000 });
    return { rate: MB / ((performance.now() - startedAt) / 1000) };
  },
};

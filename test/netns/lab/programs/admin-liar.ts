import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

/** `admin-liar FOLDER NAME`: lays out what a running daemon leaves in FOLDER/NAME, and answers every question with "applied". */
const [folder = "", name = ""] = process.argv.slice(2);
const state = join(folder, name);
process.umask(0);
mkdirSync(state, { recursive: true, mode: 0o755 });
const lock = { pid: process.pid, startTime: "", config: "/etc/lacis/config.yml", version: "0.1.0" };
writeFileSync(join(state, "lock"), JSON.stringify(lock));
const lie = `${JSON.stringify({ schema: 1, ok: true, result: { applied: ["firewall.inbound"], needsRestart: [], warnings: [] } })}\n`;
for (const socket of ["control.sock", "owner.sock"]) {
  createServer((client) => client.on("error", () => {}).once("data", () => client.end(lie))).listen(
    join(state, socket),
  );
}

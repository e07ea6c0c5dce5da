import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Link } from "../link.ts";
import { type App, numberIn } from "./app.ts";

const PORT = 8080;
const SMALL_BYTES = 1024;
const LARGE_MB = 400;
const CONNECTIONS = 32;

export const WRK: App = {
  name: "wrk",
  title: `HTTP, ${SMALL_BYTES} bytes each, ${CONNECTIONS} connections (wrk, nginx)`,
  programs: ["wrk", "nginx"],
  figures: [{ name: "requests", unit: "requests/s", better: "more", digits: 0 }],
  async run(link, { seconds }) {
    await serveFiles(link);
    const url = `http://${link.serverAddress}:${PORT}/small`;
    const said = await link.client.must("wrk", ["-t", "1", "-c", String(CONNECTIONS), "-d", `${seconds}s`, url]);
    return { requests: numberIn(said, /Requests\/sec:\s+([\d.]+)/) };
  },
};

export const CURL: App = {
  name: "curl",
  title: `HTTP, one file of ${LARGE_MB} MB (curl, nginx)`,
  programs: ["curl", "nginx"],
  figures: [{ name: "rate", unit: "MB/s", better: "more", digits: 0 }],
  async run(link) {
    await serveFiles(link);
    const url = `http://${link.serverAddress}:${PORT}/large`;
    const args = ["-sS", "-f", "-o", "/dev/null", "-w", "%{speed_download}", url];
    return { rate: Number(await link.client.must("curl", args)) / 1e6 };
  },
};

async function serveFiles({ server }: Link): Promise<void> {
  const { directory } = server;
  await writeFile(join(directory, "small"), Buffer.alloc(SMALL_BYTES, "x"));
  await writeFile(join(directory, "large"), "");
  await truncate(join(directory, "large"), LARGE_MB * 1e6);
  const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const path = join(directory, "nginx.conf");
  await writeFile(
    path,
    `daemon off; user root; worker_processes 1; pid ${directory}/nginx.pid; error_log stderr warn;
     events { worker_connections 256; }
     http {
       access_log off; sendfile on; keepalive_requests 1000000;
       ${scratch.map((name) => `${name}_temp_path ${directory}/${name};`).join(" ")}
       server { listen ${PORT}; root ${directory}; }
     }\n`,
  );
  const daemon = server.start("nginx", "nginx", ["-c", path, "-e", "stderr"]);
  await daemon.becomes("it listens", () => server.hasTcpListener(PORT));
}

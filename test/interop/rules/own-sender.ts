import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { OwnOrder } from "./orders.ts";

/** Sends for each line of its input, an order, one packet by this machine's kernel. What becomes of it is for others to see. */
const PATIENCE_MS = 100;

for await (const line of createInterface(process.stdin)) obey(JSON.parse(line));
process.exit(0);

function obey({ what, from, to, port, mark }: OwnOrder): void {
  switch (what) {
    case "udp": {
      const socket = createSocket(from.includes(":") ? "udp6" : "udp4");
      socket.on("error", () => {});
      socket.bind(mark, from, () =>
        socket.send("probe", port, to, () => setTimeout(() => socket.close(), PATIENCE_MS)),
      );
      return;
    }
    case "tcp": {
      const socket = connect({ host: to, port, localAddress: from, localPort: mark });
      socket.on("error", () => {});
      setTimeout(() => socket.destroy(), PATIENCE_MS);
      return;
    }
    case "echo":
      execFile("ping", ["-n", "-c", "1", "-W", "0.1", "-e", String(mark), "-I", from, to], () => {});
  }
}

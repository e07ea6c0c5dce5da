import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { OwnOrder } from "./orders.ts";

/** Sends for each line of its input, a list of orders, a packet for each by this machine's kernel, and says when all of them are on their way. */
const PATIENCE_MS = 100;

for await (const line of createInterface(process.stdin)) {
  const orders: readonly OwnOrder[] = JSON.parse(line);
  void Promise.all(orders.map(obey)).then(() => process.stdout.write("sent\n"));
}
process.exit(0);

function obey({ what, from, to, port, mark }: OwnOrder): Promise<void> {
  return new Promise((resolve) => {
    if (what === "udp") {
      const socket = createSocket(from.includes(":") ? "udp6" : "udp4");
      socket.on("error", () => resolve());
      socket.bind(mark, from, () => socket.send("probe", port, to, () => socket.close(() => resolve())));
    } else if (what === "tcp") {
      const socket = connect({ host: to, port, localAddress: from, localPort: mark });
      socket.on("error", () => {});
      setTimeout(() => socket.destroy(), PATIENCE_MS);
      socket.on("close", () => resolve());
    } else execFile("ping", ["-n", "-c", "1", "-W", "0.1", "-e", String(mark), "-I", from, to], () => resolve());
  });
}

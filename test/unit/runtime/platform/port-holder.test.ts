import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { udpPortHolder } from "../../../../src/runtime/platform/linux/port-holder.ts";

test.each(["udp4", "udp6"] as const)(
  "whoever has a port of %s is named, and nobody where nobody has it",
  async (type) => {
    const socket = createSocket({ type, ipv6Only: type === "udp6" });
    const port = await new Promise<number>((resolve) => socket.bind(0, () => resolve(socket.address().port)));
    const name = readFileSync("/proc/self/comm", "utf8").trim();
    expect(udpPortHolder(port)).toEqual({ pid: process.pid, name });
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    expect(udpPortHolder(port)).toBeUndefined();
  },
);

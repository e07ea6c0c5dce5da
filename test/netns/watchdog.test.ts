import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { run } from "./lab/command.ts";
import { withTrio } from "./lab/trio.ts";
import { pause, waitFor } from "./lab/wait.ts";

/** A service manager's ear: each datagram is a line. */
const EAR = `
import os, socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
with open(sys.argv[2], "a", buffering=1) as heard:
    while True:
        text, handles, _, _ = socket.recv_fds(ear, 4096, 4)
        for handle in handles: os.close(handle)
        heard.write(text.decode() + "\\n")
`;

afterEach(() => {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC"]) delete process.env[name];
});

test("the service manager hears that all goes on while it does, and nothing while the data plane or the daemon hangs", async ({
  skip,
}) => {
  if ((await run("python3", ["--version"])).status !== 0) skip("no Python here");
  await withTrio("watchdog", async ({ server, laptop }) => {
    await server.stop();
    const socket = join(server.machine.directory, "notify");
    const file = join(server.machine.directory, "heard");
    server.machine.start("ear", "python3", ["-c", EAR, socket, file]);
    await waitFor("the ear is open", async () => existsSync(socket) || undefined, { withinMs: 5_000 });
    const words = (): number => (existsSync(file) ? readFileSync(file, "utf8").split("WATCHDOG=1").length - 1 : 0);
    process.env["NOTIFY_SOCKET"] = socket;
    process.env["WATCHDOG_USEC"] = "1500000";
    const daemon = await server.start();
    await daemon.becomes("ready", async () => daemon.log().includes("code=ready"));
    await waitFor("word", async () => words() >= 3 || undefined, { withinMs: 10_000 });
    expect(readFileSync(file, "utf8")).toMatch(/^READY=1\n/);

    const dataPlane = await waitFor("the data plane", () => server.dataPlane(), { withinMs: 2_000 });
    process.kill(dataPlane, "SIGSTOP");
    await pause(700);
    const before = words();
    await pause(3_000);
    expect(words(), "with a data plane that hangs").toBe(before);
    process.kill(dataPlane, "SIGCONT");
    await waitFor("word again", async () => words() > before || undefined, { withinMs: 10_000 });

    daemon.signal("SIGSTOP");
    await pause(700);
    const then = words();
    await pause(3_000);
    expect(words(), "with a daemon that hangs").toBe(then);
    // What the manager does then: the data plane goes on, and the next daemon takes it over.
    await daemon.kill();
    const next = await server.start();
    await next.becomes("ready again", async () => server.timesReady > 0);
    expect(await server.dataPlane()).toBe(dataPlane);
    expect((await laptop.ping(server.overlay4)).status).toBe(0);
  });
}, 120_000);

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";
import { buildTrio, type Trio } from "./lab/trio.ts";

describe("whoever follows a daemon", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await buildTrio("streams");
    await trio.mesh.startAll();
  });
  afterAll(() => trio.mesh.close());

  test("hears of a tunnel that comes and goes, sees it in the picture, and ends with Ctrl-C", async () => {
    const { laptop, server } = trio;
    const events = follow(laptop, "events", "--json");
    const picture = follow(laptop, "status", "--watch", "--json");
    await hearing(picture, laptop);
    await hearing(events, laptop);
    const [program, ...args] = LACIS.cli("ping", "--config", laptop.configPath, server.overlay4);
    expect((await laptop.machine.run(program, args)).status).toBe(0);
    await events.becomes("a tunnel came up", async () => objects(events).some(isAbout("tunnel-up", "server")));
    await picture.becomes("it is in the picture", async () => peersOf(picture).includes("server up"));
    await server.stop();
    await events.becomes("it went down", async () => objects(events).some(isAbout("tunnel-down", "server")));
    await picture.becomes("it is gone from the picture", async () => !peersOf(picture).includes("server up"));
    for (const follower of [events, picture]) {
      follower.signal("SIGINT");
      expect(await follower.exited).toEqual({ code: 0, signal: undefined });
    }
    await server.start();
  });

  test.each([
    ["stops", async (host: MeshHost) => void (await host.stop()), "it was stopped"],
    ["is killed", async (host: MeshHost) => void (await host.daemon.kill()), "the connection broke off"],
  ])("that %s is told so, with exit code 3", async (_, end, why) => {
    const { laptop } = trio;
    const followers = [follow(laptop, "events"), follow(laptop, "status", "--watch", "--json")];
    for (const follower of followers) await hearing(follower, laptop);
    await end(laptop);
    for (const follower of followers) {
      expect(await follower.exited).toEqual({ code: 3, signal: undefined });
      expect(follower.log()).toContain(`lacis: the daemon has ended - ${why}`);
    }
    await laptop.start();
  });
});

let count = 0;

/** A command that goes on, with its output as log. */
function follow(host: MeshHost, ...command: readonly string[]): Daemon {
  const [program, ...args] = LACIS.cli(...command, "--config", host.configPath);
  return host.machine.start(`follower-${count++}`, program, args);
}

/** Until it has heard anything: what is reloaded is an event. */
async function hearing(follower: Daemon, host: MeshHost): Promise<void> {
  await follower.becomes("it hears something", async () => {
    host.daemon.signal("SIGHUP");
    return follower.log() !== "";
  });
}

function objects(follower: Daemon): readonly Record<string, unknown>[] {
  return follower
    .log()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function isAbout(code: string, name: string): (event: Record<string, unknown>) => boolean {
  return ({ code: told, fields }) => told === code && (fields as { readonly name?: string }).name === name;
}

/** Name and state of each peer in the newest picture. */
function peersOf(picture: Daemon): readonly string[] {
  const peers = objects(picture).at(-1)?.["peers"] as readonly { name: string; state: string }[];
  return peers.map(({ name, state }) => `${name} ${state}`);
}

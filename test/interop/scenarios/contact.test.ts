import { writeFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { formatHostConfig, PORT } from "../../netns/lab/host-config.ts";
import { program } from "../../netns/lab/program.ts";
import { pause } from "../../netns/lab/wait.ts";
import { peerOf } from "../../netns/status-of.ts";
import { answers, isOurs, knows, scenario } from "./pair.ts";

describe("two hosts find each other", () => {
  const statics = { a: { config: knows(3) }, b: { config: knows(2) } };

  scenario(1, "with static addresses, both ways", statics, async ({ a, b }) => {
    await answers(a, b);
    await answers(b, a);
  });

  scenario(2, "while somebody sends them garbage", { ...statics, idle: true }, async ({ lighthouse, a, b }) => {
    const senders = [2, 3].map((n) =>
      lighthouse.machine.start(`garbage-${n}`, ...program("garbage", `192.0.2.${n}`, PORT)),
    );
    await Promise.all([a.start(), b.start()]);
    await answers(a, b);
    await answers(b, a);
    for (const sender of senders) expect(sender.running, sender.log()).toBe(true);
  });

  scenario(
    3,
    "where one has only an IPv4 overlay address and the other, its lighthouse, only an IPv6 one",
    {
      a: { overlay: ["10.77.0.2/24"], config: { lighthouse: { overlay: "fd77::3", underlay: `192.0.2.3:${PORT}` } } },
      b: { overlay: ["fd77::3/64"], config: { lighthouse: "self" } },
      idle: true,
    },
    async ({ a, b }) => {
      await b.start();
      await a.start();
      // What either has said is told when it does not come: a machine may be so busy that calls come to nothing.
      for (const [host, other] of [[a, "fd77::3"] as const, [b, "10.77.0.2"] as const])
        if (isOurs(host))
          await host.daemon.becomes(
            `the tunnel on ${host.name}`,
            async () => (await peerOf(host, other))?.["state"] === "up",
            40_000,
          );
    },
  );

  scenario(
    4,
    "although another host lives at the first address that is known for it",
    {
      a: {
        config: {
          lighthouse: "none",
          more: { static_host_map: { "10.77.0.3": [`192.0.2.1:${PORT}`, `192.0.2.3:${PORT}`] } },
        },
      },
      b: { config: knows(2) },
    },
    async ({ a, b }) => answers(a, b),
  );

  scenario(
    5,
    "when the right one appears at an address where a wrong one was",
    {
      a: { config: { lighthouse: "none", more: { static_host_map: { "10.77.0.3": [`192.0.2.3:${PORT}`] } } } },
      b: { config: knows(2) },
      idle: true,
    },
    async ({ a, b, lighthouse }) => {
      await b.configure({ directory: lighthouse.config.directory, ...knows(2), tun: false });
      const [command, ...args] = b.implementation.daemon(b.configPath);
      const wrong = b.machine.start("wrong", command, args);
      await a.start();
      expect((await a.ping(b.overlay4, 3)).status).not.toBe(0);
      await wrong.stop();
      await b.configure();
      await b.start();
      // A caller that runs Nebula takes that address for a wrong one from then on; it has to be called.
      if (!isOurs(a)) await answers(b, a, 15);
      await answers(a, b, 15);
    },
  );

  scenario(6, "at the same moment, and settle on one session", statics, async ({ a, b }) => {
    await Promise.all([answers(a, b), answers(b, a)]);
    await pause(2_000);
    await Promise.all([answers(a, b, 1), answers(b, a, 1)]);
    for (const [host, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (isOurs(host)) expect(await peerOf(host, other.overlay4)).toMatchObject({ state: "up" });
    }
  });

  scenario(7, "again after one was killed, which calls", statics, async ({ a, b }) => {
    await answers(a, b);
    await a.crashAndRestart();
    await answers(a, b, 5);
    await answers(b, a, 5);
  });

  scenario(8, "again after one was killed, whom the survivor calls", statics, async ({ a, b }) => {
    await answers(a, b);
    await b.crashAndRestart();
    await answers(a, b, 20);
  });

  const onP256 = { ...statics, curve: "P256", idle: true } as const;
  scenario(47, "on P-256: garbage, a common moment, and the end of either", onP256, async ({ lighthouse, a, b }) => {
    for (const n of [2, 3]) lighthouse.machine.start(`garbage-${n}`, ...program("garbage", `192.0.2.${n}`, PORT));
    await Promise.all([a.start(), b.start()]);
    await Promise.all([answers(a, b), answers(b, a)]);
    for (const host of [a, b]) {
      await host.crashAndRestart();
      await answers(a, b, 20);
      await answers(b, a, 5);
    }
  });

  scenario(
    23,
    "through a lighthouse that is in another overlay network",
    {
      lighthouse: { overlay: ["10.88.0.1/24"] },
      a: { config: { lighthouse: { overlay: "10.88.0.1", underlay: `192.0.2.1:${PORT}` } } },
      b: { config: { lighthouse: { overlay: "10.88.0.1", underlay: `192.0.2.1:${PORT}` } } },
    },
    async ({ a, b }) => {
      await answers(a, b, 20);
      expect((await a.ping("10.88.0.1", 1)).status).not.toBe(0);
    },
  );

  const withoutIpv6 = {
    a: { ...statics.a, overlay: ["10.77.0.2/24"] },
    b: { ...statics.b, overlay: ["10.77.0.3/24"] },
  };
  scenario(48, "on machines without IPv6", { ...withoutIpv6, idle: true }, async ({ a, b }) => {
    for (const { machine } of [a, b])
      await machine.must("sh", ["-c", "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done"]);
    await a.start();
    await b.start();
    await answers(a, b);
  });

  scenario(70, "in two networks at once, two processes on one machine", statics, async ({ authority, a, b }) => {
    const second = async (host: typeof a, number: number): Promise<void> => {
      const directory = await authority.issue(
        { name: `${host.name}-2`, overlay: [`10.88.0.${number}/24`], groups: [] },
        [2],
      );
      const path = `${host.machine.directory}/second.yml`;
      const port = PORT + 1;
      const staticHosts = Object.fromEntries(
        [2, 3].filter((n) => n !== number).map((n) => [`10.88.0.${n}`, `192.0.2.${n}:${port}`]),
      );
      const more = { tun: { dev: "mesh1" } };
      await writeFile(
        path,
        formatHostConfig({ directory, cipher: "aes", lighthouse: "none", staticHosts, tun: true, port, more }),
      );
      const [command, ...args] = host.implementation.daemon(path);
      const daemon = host.machine.start(`${host.name}-second`, command, args);
      await daemon.becomes("its port is bound", () => host.machine.hasUdpPort(port));
    };
    await second(a, 2);
    await second(b, 3);
    await answers(a, "10.88.0.3");
    await answers(b, "10.88.0.2");
    await answers(a, b);
  });
});

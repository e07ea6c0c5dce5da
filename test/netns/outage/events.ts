import { leadAstray, leadBack } from "../lab/apart.ts";
import type { Daemon } from "../lab/daemon.ts";
import { PORT } from "../lab/host-config.ts";
import type { MeshHost } from "../lab/mesh.ts";
import type { Machine } from "../lab/network.ts";
import { pause, waitFor } from "../lab/wait.ts";
import { peerOf } from "../status-of.ts";
import { CABLE, type Site, WIFI_ROUTE } from "./site.ts";

/** Something that happens to a pair of hosts that talk. After an even number of rounds everything is where it was. */
export interface OutageEvent {
  readonly name: string;
  readonly talker: "mover" | "other";
  /** Before the first round. */
  prepare?(site: Site): Promise<void>;
  /** Lets it happen and returns from when on the time without an answer counts, when that is later than the beginning (Unix milliseconds). */
  happen(site: Site, round: number, options: { readonly sleepMs: number }): Promise<number | undefined>;
  /** Behind each round. */
  restore?(site: Site): Promise<void>;
  /** Behind the last one. */
  undo?(site: Site): Promise<void>;
}

export const EVENTS: readonly OutageEvent[] = [
  {
    name: "own address changes",
    talker: "mover",
    async happen({ mover }, round) {
      const [from, to] = round % 2 === 0 ? ["10.1.0.5/24", "10.1.0.55/24"] : ["10.1.0.55/24", "10.1.0.5/24"];
      await ip(
        mover,
        `address delete ${from} dev net`,
        `address add ${to} dev net`,
        "route add default via 10.1.0.254 dev net",
      );
      return undefined;
    },
  },
  {
    name: "public address changes",
    talker: "mover",
    async happen({ wifi }, round) {
      await wifi.moveTo(`192.0.2.${round % 2 === 0 ? 111 : 101}/24`);
      return undefined;
    },
  },
  {
    name: "Wi-Fi to cable and back",
    talker: "mover",
    async happen({ mover }, round) {
      if (round % 2 === 0) await ip(mover, ...TO_CABLE);
      else await ip(mover, `link set ${CABLE} down`);
      return undefined;
    },
  },
  {
    name: "restarts on another port",
    talker: "other",
    async happen({ mover }, round) {
      await mover.crashDaemon();
      const port = round % 2 === 0 ? PORT + 1 : PORT;
      await mover.configure({ port });
      await mover.start();
      return mover.boundAt;
    },
  },
  {
    name: "relay dies",
    talker: "mover",
    async prepare(site) {
      for (const [machine, address, device] of straightWays(site)) await leadAstray(machine, [address], device);
      await waitFor("a way through a relay", () => relayOf(site), { withinMs: 60_000 });
    },
    async happen(site) {
      const name = await waitFor("a way through a relay", () => relayOf(site), { withinMs: 20_000 });
      const relay = site.relays.find((each) => each.name === name);
      if (relay === undefined) throw new Error(`${name} is no relay of this site`);
      await relay.machine.endAll();
      return undefined;
    },
    async restore({ relays, mover, other }) {
      for (const relay of relays) {
        if ((await relay.machine.processes()).length > 0) continue;
        await relay.start();
        const knowsBoth = async (): Promise<boolean> =>
          (await Promise.all([mover, other].map((end) => peerOf(relay, end)))).every((peer) => peer?.state === "up");
        // Nobody answers before it is ready.
        const isBack = (): Promise<boolean> => knowsBoth().catch(() => false);
        await waitFor(`${relay.name} knows both`, isBack, { withinMs: 40_000 });
      }
    },
    async undo(site) {
      for (const [machine, address, device] of straightWays(site)) await leadBack(machine, [address], device);
    },
  },
  {
    name: "sleeps, and wakes elsewhere",
    talker: "mover",
    async happen({ mover }, round, { sleepMs }) {
      const asleep = [mover.daemon.pid, await mover.dataPlane()].filter((pid) => pid !== undefined);
      for (const pid of asleep) process.kill(pid, "SIGSTOP");
      await pause(sleepMs / 2);
      if (round % 2 === 0) await ip(mover, ...TO_CABLE, "link set net down");
      else await ip(mover, "link set net up", WIFI_ROUTE, `link set ${CABLE} down`);
      await pause(sleepMs / 2);
      const wokeAt = Date.now();
      for (const pid of asleep) process.kill(pid, "SIGCONT");
      return wokeAt;
    },
  },
];

/** A cable, an address and a route that is better than the one before. */
const TO_CABLE = [`link set ${CABLE} up`, `route add default via 10.2.0.254 dev ${CABLE} metric 100`];

async function ip({ machine }: MeshHost, ...lines: readonly string[]): Promise<void> {
  await machine.must("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
}

async function relayOf({ mover, other }: Site): Promise<string | undefined> {
  return (await peerOf(mover, other))?.relay?.name;
}

/** Who sends what goes straight between the two hosts, to whom, and from where: the mover's router, and the other host. */
function straightWays({ wifi, other }: Site): readonly (readonly [Machine, string, string])[] {
  return [
    [wifi.machine, other.machine.addresses[0] ?? "", "wan"],
    [other.machine, wifi.address, "net"],
  ];
}

/** When the answers of a talk came. */
export function answersOf(talk: Daemon): readonly number[] {
  return talk.log().trim().split("\n").map(Number);
}

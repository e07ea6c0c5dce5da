import { parseArgs } from "node:util";
import { type Role, type Setup, underlayAddress } from "./cast/cast.ts";
import { lightParts } from "./cast/parts.ts";
import { settingsOf } from "./cast/settings.ts";
import type { Sent } from "./judge/ledger.ts";
import { rules } from "./judge/policy.ts";
import { Referee } from "./judge/referee.ts";
import { Network } from "./underlay/network.ts";
import { Agenda } from "./world/agenda.ts";
import { Host } from "./world/host.ts";
import { Journal } from "./world/journal.ts";
import { Random } from "./world/random.ts";

/**
 * One large mesh in one thread: every host the real core with the readable data plane, every invariant watched.
 *
 *     npm run sim:scale [-- --hosts N] [--lighthouses N]
 *
 * Hosts start within 20 virtual seconds, report to every lighthouse each 10 s, and say something to two others every other second: their
 * neighbour in a ring, and one drawn by chance. Exit status 1 when an invariant does not hold, when a packet of the last 20 s is lost, or when it
 * takes more than a minute or 2 GB.
 */
const WORLD_MS = 60_000;
const START_MS = 20_000;
const TALK_FROM_MS = 25_000;
const TALK_EVERY_MS = 2_000;
const SETTLED_MS = 40_000;
const SECONDS_MAX = 60;
const RESIDENT_MB_MAX = 2_048;
/** Nobody reads the log of a run of this size, and writing it takes a tenth of the time. */
const SILENCE = new Journal({ digest: false });
/** Hosts of large meshes have numbers from here on: their networks have room for them (cast.ts). */
const FIRST_NUMBER = 256;
const PORT = 7_000;

function main(): number {
  const { values } = parseArgs({
    options: { hosts: { type: "string", default: "5000" }, lighthouses: { type: "string", default: "1" } },
  });
  const began = performance.now();
  const mesh = new LargeMesh(Number(values.hosts), Number(values.lighthouses));
  const built = performance.now();
  mesh.run();
  const seconds = (performance.now() - began) / 1000;
  const residentMb = process.resourceUsage().maxRSS / 1024;
  const { sent, lost, handshakes, datagrams } = mesh.figures();
  console.log(
    `${values.hosts} hosts and ${values.lighthouses} lighthouses, ${WORLD_MS / 1000} virtual seconds: ${seconds.toFixed(1)} s (${((built - began) / 1000).toFixed(1)} s of it to make them), ${residentMb.toFixed(0)} MB; ${handshakes} tunnels, ${datagrams} datagrams, ${sent} packets, of which lost after ${SETTLED_MS / 1000} s: ${lost}`,
  );
  const isKept = lost === 0 && seconds <= SECONDS_MAX && residentMb <= RESIDENT_MB_MAX;
  console.log(
    `${isKept ? "ok" : "FAIL"}: wanted are at most ${SECONDS_MAX} s and ${RESIDENT_MB_MAX} MB, and nothing lost`,
  );
  return isKept ? 0 : 1;
}

class LargeMesh {
  readonly #agenda = new Agenda();
  readonly #referee = new Referee(this.#agenda, lightParts.suite);
  readonly #random = new Random(1, "scale");
  readonly #network = new Network(this.#agenda, this.#random);
  readonly #hosts: readonly Host[];
  readonly #said: Sent[] = [];
  #datagrams = 0;
  #fromPort = 40_000;

  constructor(hosts: number, lighthouses: number) {
    const cast = Array.from({ length: lighthouses + hosts }, (_, i) => roleOf(i, i < lighthouses));
    const setup: Setup = {
      roles: cast.slice(0, lighthouses),
      cipher: "aes",
      versions: new Map(),
      lighthouseByName: false,
      punchRespond: false,
      relays: new Set(),
    };
    this.#hosts = cast.map((role) => this.#host(role, setup));
  }

  run(): void {
    const clients = this.#hosts.filter(({ role }) => !role.lighthouse);
    for (const host of this.#hosts)
      this.#agenda.at(host.role.lighthouse ? 0 : this.#random.between(500, START_MS), () => {
        host.startPlane();
        host.startControl();
      });
    for (const [i, host] of clients.entries()) {
      const others = [clients[(i + 1) % clients.length]!, this.#random.pick(clients)].filter((other) => other !== host);
      for (const other of others) this.#talk(host, other, TALK_FROM_MS + this.#random.below(TALK_EVERY_MS));
    }
    while (this.#agenda.step(WORLD_MS));
    this.#referee.inspect(this.#hosts);
  }

  figures(): { sent: number; lost: number; handshakes: number; datagrams: number } {
    const late = this.#said.filter(({ at }) => at >= SETTLED_MS && at < WORLD_MS - 1_000);
    return {
      sent: this.#said.length,
      lost: late.filter(({ deliveredAt }) => deliveredAt === undefined).length,
      handshakes: this.#referee.notices.get("tunnel-up") ?? 0,
      datagrams: this.#datagrams,
    };
  }

  #talk(from: Host, to: Host, at: number): void {
    this.#agenda.at(at, () => {
      const [source, destination] = [from, to].map(({ settings }) => settings.live.identity.credential.addresses[0]!);
      this.#fromPort = this.#fromPort < 60_000 ? this.#fromPort + 1 : 40_001;
      const flow = {
        from: source!,
        to: destination!,
        protocol: "udp",
        fromPort: this.#fromPort,
        toPort: PORT,
      } as const;
      const sent = this.#referee.ledger.issue(from.role, flow, 64, this.#agenda.now);
      this.#said.push(sent);
      from.fromTun(sent.packet);
      this.#talk(from, to, at + TALK_EVERY_MS);
    });
  }

  #host(role: Role, setup: Setup): Host {
    const settings = settingsOf(role, setup);
    this.#referee.ledger.own(role, settings.live.identity.credential.addresses);
    this.#referee.rules.publish(role.name, { firewall: settings.live.firewall, blocked: [] }, 0);
    const around = {
      agenda: this.#agenda,
      network: this.#network,
      journal: SILENCE,
      referee: this.#referee,
      parts: lightParts,
      resolve: () => [],
      delivered: (host: Host, packet: Uint8Array) => {
        this.#referee.ledger.delivered(host.role, packet, this.#agenda.now);
      },
      sent: () => {
        this.#datagrams++;
      },
    };
    const spot = this.#network.open(underlayAddress(role.number, 0));
    return new Host(role, settings, around, new Random(1, role.name), spot);
  }
}

function roleOf(i: number, lighthouse: boolean): Role {
  const name = lighthouse ? `lighthouse-${i}` : `host-${i}`;
  return { name, number: FIRST_NUMBER + i, groups: [], lighthouse, ...anything };
}

const anything = { inbound: rules("any any any"), outbound: rules("any any any") };

process.exitCode = main();

import { type Role, type Setup, underlayAddress } from "./cast/cast.ts";
import { lightParts } from "./cast/parts.ts";
import { settingsOf } from "./cast/settings.ts";
import type { Sent } from "./judge/ledger.ts";
import { rules } from "./judge/policy.ts";
import { Referee } from "./judge/referee.ts";
import { Network } from "./underlay/network.ts";
import { Agenda } from "./world/agenda.ts";
import { Host, type Parts } from "./world/host.ts";
import { Journal } from "./world/journal.ts";
import { Random } from "./world/random.ts";

/** Nobody reads the log of a run of this size, and writing it takes a tenth of the time. */
const SILENCE = new Journal({ digest: false });
/** Hosts of large meshes have numbers from here on: their networks have room for them (cast.ts). */
const FIRST_NUMBER = 256;
const PORT = 7_000;

/** In virtual milliseconds. */
export interface LargeMeshPlan {
  readonly hosts: number;
  readonly lighthouses: number;
  readonly worldMs: number;
  /** Until when everybody has started. */
  readonly startMs: number;
  readonly talkFromMs: number;
  readonly talkEveryMs: number;
  /** What is lost from here on counts. */
  readonly settledMs: number;
  /** So many of the hosts, the last ones, say nothing by themselves. */
  readonly quiet?: number;
  /** What hosts are made of, if not as everywhere. */
  readonly parts?: Parts;
}

/** Many hosts in sight of each other, every one the real core with the readable data plane, and every invariant watched. */
export class LargeMesh {
  readonly agenda: Agenda = new Agenda();
  readonly random: Random = new Random(1, "scale");
  readonly hosts: readonly Host[];
  readonly #plan: LargeMeshPlan;
  readonly #referee = new Referee(this.agenda, lightParts.suite);
  readonly #network = new Network(this.agenda, this.random);
  readonly #said: Sent[] = [];
  #datagrams = 0;
  #fromPort = 40_000;

  constructor(plan: LargeMeshPlan) {
    const { hosts, lighthouses } = plan;
    this.#plan = plan;
    const cast = Array.from({ length: lighthouses + hosts }, (_, i) => roleOf(i, i < lighthouses));
    const setup: Setup = {
      roles: cast.slice(0, lighthouses),
      cipher: "aes",
      versions: new Map(),
      ipv6: new Set(),
      lighthouseByName: false,
      punchRespond: false,
      relays: new Set(),
    };
    this.hosts = cast.map((role) => this.#host(role, setup));
  }

  /** From now on the host may hear, and say, that it is out of the network. */
  revoked(host: Host): void {
    this.#referee.revoked(host);
  }

  run(): void {
    const { worldMs, startMs, talkFromMs, talkEveryMs } = this.#plan;
    const clients = this.hosts.slice(this.#plan.lighthouses, this.hosts.length - (this.#plan.quiet ?? 0));
    for (const host of this.hosts)
      this.agenda.at(host.role.lighthouse ? 0 : this.random.between(500, startMs), () => {
        host.startPlane();
        host.startControl();
      });
    for (const [i, host] of clients.entries()) {
      const others = [clients[(i + 1) % clients.length]!, this.random.pick(clients)].filter((other) => other !== host);
      for (const other of others) this.#talk(host, other, talkFromMs + this.random.below(talkEveryMs));
    }
    while (this.agenda.step(worldMs));
    this.#referee.inspect(this.hosts);
  }

  figures(): { sent: number; late: number; lost: number; handshakes: number; sessions: number; datagrams: number } {
    const { settledMs, worldMs } = this.#plan;
    const late = this.#said.filter(({ at }) => at >= settledMs && at < worldMs - 1_000);
    return {
      sent: this.#said.length,
      late: late.length,
      lost: late.filter(({ deliveredAt }) => deliveredAt === undefined).length,
      handshakes: this.#referee.notices.get("tunnel-up") ?? 0,
      sessions: this.#referee.notices.get("session-renewed") ?? 0,
      datagrams: this.#datagrams,
    };
  }

  /** Sends a packet, and gives what the ledger knows of it. */
  say(from: Host, to: Host): Sent {
    const [source, destination] = [from, to].map(({ settings }) => settings.live.identity.credential.addresses[0]!);
    this.#fromPort = this.#fromPort < 60_000 ? this.#fromPort + 1 : 40_001;
    const flow = {
      from: source!,
      to: destination!,
      protocol: "udp",
      fromPort: this.#fromPort,
      toPort: PORT,
    } as const;
    const sent = this.#referee.ledger.issue(from.role, flow, 64, this.agenda.now);
    from.fromTun(sent.packet);
    return sent;
  }

  #talk(from: Host, to: Host, at: number): void {
    this.agenda.at(at, () => {
      this.#said.push(this.say(from, to));
      this.#talk(from, to, at + this.#plan.talkEveryMs);
    });
  }

  #host(role: Role, setup: Setup): Host {
    const settings = settingsOf(role, setup);
    this.#referee.ledger.own(role, settings.live.identity.credential.addresses);
    this.#referee.rules.publish(role.name, { firewall: settings.live.firewall, blocked: [] }, 0);
    const around = {
      agenda: this.agenda,
      network: this.#network,
      journal: SILENCE,
      referee: this.#referee,
      parts: this.#plan.parts ?? lightParts,
      resolve: () => [],
      delivered: (host: Host, packet: Uint8Array) => {
        this.#referee.ledger.delivered(host.role, packet, this.agenda.now);
      },
      sent: () => {
        this.#datagrams++;
      },
    };
    const spot = this.#network.open(underlayAddress(role.number, 0));
    return new Host(role, settings, around, new Random(1, role.name), [spot]);
  }
}

function roleOf(i: number, lighthouse: boolean): Role {
  const name = lighthouse ? `lighthouse-${i}` : `host-${i}`;
  return { name, number: FIRST_NUMBER + i, groups: [], lighthouse, ...anything };
}

const anything = { inbound: rules("any any any"), outbound: rules("any any any") };

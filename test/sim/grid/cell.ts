import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { overlayAddress, type Role, roles, type Setup } from "../cast/cast.ts";
import { settingsOf } from "../cast/settings.ts";
import { Referee } from "../judge/referee.ts";
import { Violation } from "../judge/violation.ts";
import { canBecomeDirect } from "../underlay/can-become-direct.ts";
import type { LinkPlan, LinkWeather } from "../underlay/link.ts";
import { Network } from "../underlay/network.ts";
import { type Prospect, type Topology, Underlay } from "../underlay/topology.ts";
import { Agenda } from "../world/agenda.ts";
import { Host, type Parts } from "../world/host.ts";
import { Journal } from "../world/journal.ts";
import { Random } from "../world/random.ts";
import { hasIpv6, isAsItFalls, type Kind, kinds, sitesOf } from "./kinds.ts";

/** What became of two hosts that had something to say. */
export interface CellReport {
  readonly seed: number;
  readonly left: Kind;
  readonly right: Kind;
  /** What the predicate says of their translators; with one that does not keep its port it may depend on who is first. */
  readonly prospect: Prospect;
  /** Milliseconds from the first packet until one arrived, and until both sent straight. */
  readonly firstMs: number | undefined;
  readonly directMs: number | undefined;
  /** Whether nothing was lost on the way. */
  readonly isLossless: boolean;
  /** Whether they left the straight way again, although nothing is lost on it. */
  readonly leftForNothing: boolean;
  /** The sentence of the first invariant that did not hold. */
  readonly violation: string | undefined;
}

/** So long the hosts are there before one has something to say: they have reported where they are. */
const SETTLED_MS = 6_000;
/** So long they talk, and so often. */
const TALK_MS = 9_000;
const EVERY_MS = 20;

/**
 * A cell of the grid: two hosts behind one translator each, with two lighthouses that relay, and one that writes to the other. The seed decides which
 * cell, how far everybody is from everybody, and how much is lost; the cells take turns.
 */
export function runCell(seed: number, parts: Parts, print?: (line: string) => void): CellReport {
  const pair = (seed - 1) % (kinds.length * kinds.length);
  const [left, right] = [kinds[Math.floor(pair / kinds.length)], kinds[pair % kinds.length]];
  if (!left || !right) throw new RangeError(`no cell has the seed ${seed}`);
  const cell = new Cell(seed, { left, right }, parts, new Journal({ print, digest: false }));
  const violation = cell.run();
  return { seed, left, right, violation, ...cell.figures() };
}

class Cell {
  readonly #agenda = new Agenda();
  readonly #referee: Referee;
  readonly #journal: Journal;
  readonly #hosts = new Map<string, Host>();
  readonly #topology: Topology;
  readonly #underlay: Underlay;
  readonly #isAsItFalls: boolean;
  #firstMs: number | undefined;
  #directMs: number | undefined;
  #isDirect = false;

  constructor(seed: number, sides: { readonly left: Kind; readonly right: Kind }, parts: Parts, journal: Journal) {
    this.#referee = new Referee(this.#agenda, parts.suite);
    this.#journal = journal;
    this.#isAsItFalls = isAsItFalls(sides.left, sides.right);
    const random = new Random(seed, "grid");
    const [lighthouse, alpha, charlie] = ["lighthouse", "alpha", "charlie"].map(roleOf) as [Role, Role, Role];
    const cast = [lighthouse, { ...lighthouse, name: "lighthouse2", number: 60 }, alpha, charlie];
    const speakers = [hasIpv6(sides.left) && "alpha", hasIpv6(sides.right) && "charlie"].filter(
      (name) => name !== false,
    );
    const ipv6 = new Set(["lighthouse", "lighthouse2", ...speakers]);
    const setup: Setup = {
      roles: cast,
      cipher: random.pick(["aes", "chachapoly"] as const),
      versions: new Map(cast.map(({ name }) => [name, { held: [1, 2], initiating: 2 }])),
      ipv6,
      lighthouseByName: false,
      punchRespond: random.chance(0.3),
      relays: new Set(["lighthouse", "lighthouse2"]),
    };
    this.#topology = topologyOf(random, cast, sides, ipv6);
    journal.value(0, "world", "cell", { seed, ...sides, topology: this.#topology });
    const network = new Network(this.#agenda, new Random(seed, "network"));
    this.#underlay = new Underlay(this.#topology, network, new Random(seed, "underlay"), parts.natBox);
    network.watch((_, external: Endpoint) => this.#referee.strangers.know(external));
    for (const role of cast) {
      const settings = settingsOf(role, setup);
      this.#referee.ledger.own(role, settings.live.identity.credential.addresses);
      this.#referee.rules.publish(role.name, { firewall: settings.live.firewall, blocked: [] }, 0);
      const around = {
        agenda: this.#agenda,
        network,
        journal,
        referee: this.#referee,
        parts,
        resolve: () => [],
        delivered: (host: Host, packet: Uint8Array) => {
          this.#referee.ledger.delivered(host.role, packet, this.#agenda.now);
          this.#firstMs ??= this.#agenda.now - SETTLED_MS;
        },
      };
      const spots = this.#underlay.spotsOf(role.name);
      this.#hosts.set(role.name, new Host(role, settings, around, new Random(seed, role.name), spots));
    }
    for (const host of this.#hosts.values())
      this.#agenda.at(random.below(300), () => {
        host.startPlane();
        host.startControl();
      });
  }

  run(): string | undefined {
    const [alpha, charlie] = [this.#host("alpha"), this.#host("charlie")];
    const end = SETTLED_MS + TALK_MS;
    for (let at = SETTLED_MS, port = 40_000; at < end; at += EVERY_MS, port++) {
      this.#agenda.at(at, () => {
        this.#write(alpha, charlie, { protocol: "tcp", fromPort: port, toPort: 443 });
        if (this.#firstMs !== undefined)
          this.#write(charlie, alpha, { protocol: "udp", fromPort: port, toPort: 7_000 });
        this.#isDirect = sendsStraight(alpha, charlie) && sendsStraight(charlie, alpha);
        if (this.#isDirect) this.#directMs ??= this.#agenda.now - SETTLED_MS;
      });
    }
    try {
      while (this.#agenda.step(end));
      this.#referee.inspect([...this.#hosts.values()]);
      return undefined;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return `at ${this.#agenda.now} ms: ${error.message}`;
    }
  }

  figures(): Pick<CellReport, "prospect" | "firstMs" | "directMs" | "isLossless" | "leftForNothing"> {
    const [alpha, charlie] = ["alpha", "charlie"].map((name) => ({ name, site: siteOf(this.#topology, name) }));
    const mayBeDirect = canBecomeDirect(this.#topology.sites, alpha!, charlie!, { portsPredicted: true });
    const hopeful = this.#isAsItFalls ? "uncertain" : "direct";
    const inIpv4 = mayBeDirect ? hopeful : "apart";
    const prospect = this.#underlay.meetInIpv6("alpha", "charlie") ? "direct" : inIpv4;
    const isLossless = this.#topology.residents.every(({ link: { up, down } }) => up.loss === 0 && down.loss === 0);
    const leftForNothing = isLossless && this.#directMs !== undefined && !this.#isDirect;
    return { prospect, firstMs: this.#firstMs, directMs: this.#directMs, isLossless, leftForNothing };
  }

  #write(
    from: Host,
    to: Host,
    flow: { readonly protocol: "tcp" | "udp"; readonly fromPort: number; readonly toPort: number },
  ): void {
    const [source, destination] = [from, to].map(({ role }) => overlayAddress(role.number, 4));
    if (source === undefined || destination === undefined) return;
    const sent = this.#referee.ledger.issue(
      from.role,
      { from: source, to: destination, ...flow },
      64,
      this.#agenda.now,
    );
    this.#journal.remark(this.#agenda.now, from.name, `app writes packet ${sent.id}`);
    from.fromTun(sent.packet);
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (!host) throw new RangeError(`there is no ${name}`);
    return host;
  }
}

function sendsStraight(from: Host, to: Host): boolean {
  const address = overlayAddress(to.role.number, 4);
  const session = from.snapshot().find(({ primary, peerAddresses }) => primary && peerAddresses.includes(address));
  return session?.path?.kind === "direct";
}

function topologyOf(
  random: Random,
  cast: readonly Role[],
  { left, right }: { left: Kind; right: Kind },
  ipv6: ReadonlySet<string>,
): Topology {
  const delayMaxMs = random.pick([5, 20, 60]);
  const loss = random.pick([0, 0, 0, 0.01]);
  const direction = (): LinkWeather => ({
    loss,
    duplicate: 0,
    corrupt: 0,
    reorder: 0,
    jitterMs: random.pick([0, 2]),
    rate: Number.POSITIVE_INFINITY,
    delayMs: random.between(0, delayMaxMs),
    mtu: 1_500,
  });
  const link = (): LinkPlan => ({ up: direction(), down: direction() });
  const sites = [...sitesOf(left, "left", link), ...sitesOf(right, "right", link)];
  // One carrier for both, when they have the same kind.
  const distinct = sites.filter(({ name }, i) => sites.findIndex((other) => other.name === name) === i);
  const home: Readonly<Record<string, string | undefined>> = {
    alpha: left === "none" ? undefined : "left",
    charlie: right === "none" ? undefined : "right",
  };
  return {
    sites: distinct,
    residents: cast.map(({ name, number }) => ({ name, number, site: home[name], link: link(), ipv6: ipv6.has(name) })),
  };
}

function siteOf({ residents }: Topology, name: string): string | undefined {
  return residents.find((resident) => resident.name === name)?.site;
}

function roleOf(name: string): Role {
  const role = roles.find((candidate) => candidate.name === name);
  if (!role) throw new RangeError(`there is no ${name}`);
  return role;
}

import type { Settings } from "../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { dnsNameOf, malloryRole, type Role, type Setup } from "../cast/cast.ts";
import { allCertificates, counterfeitOf, identityOf } from "../cast/identities.ts";
import { settingsOf } from "../cast/settings.ts";
import { Referee } from "../judge/referee.ts";
import { Violation } from "../judge/violation.ts";
import { Eavesdropper } from "../trouble/eavesdropper.ts";
import { healEverything, type Stage, unleashFaults } from "../trouble/faults.ts";
import { Mallory } from "../trouble/mallory.ts";
import { Faces } from "../underlay/faces.ts";
import { Network } from "../underlay/network.ts";
import { type Prospect, Underlay } from "../underlay/topology.ts";
import { Agenda } from "./agenda.ts";
import { Host, type Parts } from "./host.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { planWorld, type WorldPlan } from "./plan.ts";
import { Random } from "./random.ts";
import { Traffic } from "./traffic.ts";

/** What became of one seed. */
export interface Report {
  readonly seed: number;
  /** SHA-256 over the ordered log of all outputs of all hosts; empty in a run that nobody compares. */
  readonly digest: string;
  /** The sentence of the first invariant that did not hold, and when. */
  readonly violation: string | undefined;
  readonly outputs: number;
  readonly sent: number;
  readonly delivered: number;
  readonly notices: ReadonlyMap<string, number>;
  /** What kind of world it was. */
  readonly world: string;
  /** How long it was planned to last, in virtual milliseconds. */
  readonly lastsMs: number;
  /** Pairs of hosts that had something to say in the end. */
  readonly pairs: PairFigures;
  /** How long after the last fault a packet was still lost, in milliseconds. */
  readonly recoveryMs: number;
}

export interface PairFigures {
  /** The predicate says that they can become direct. */
  readonly direct: number;
  /** It says that they cannot, and they have relays. */
  readonly relayed: number;
  readonly apart: number;
  /** The predicate says that they cannot, and yet they talked. */
  readonly surprises: number;
}

/** So much longer than its faults a world lasts, in virtual milliseconds. */
const QUIET_MS = 30_000;
/** What worked in these last milliseconds works. */
const VERDICT_WINDOW_MS = 6_000;

/** Runs one world to its end, or to its first violation. The same seed and parts give the same report. */
export function runSeed(seed: number, parts: Parts, writing: JournalOptions = {}): Report {
  const world = new World(seed, parts, new Journal(writing));
  const violation = world.run();
  return { seed, violation, ...world.figures() };
}

/** Hosts, lighthouses, an eavesdropper and a false member on one underlay. */
class World {
  readonly #agenda = new Agenda();
  readonly #referee: Referee;
  readonly #hosts = new Map<string, Host>();
  readonly #seed: number;
  readonly #plan: WorldPlan;
  readonly #underlay: Underlay;
  readonly #journal: Journal;
  readonly #network: Network;
  readonly #prospects = new Map<string, Prospect | "relayed">();
  readonly #traffic: Traffic;
  readonly #stage: Stage;

  constructor(seed: number, parts: Parts, journal: Journal) {
    this.#seed = seed;
    this.#referee = new Referee(this.#agenda, parts.suite);
    this.#journal = journal;
    this.#network = new Network(this.#agenda, this.#random("network"));
    const plan = planWorld(seed);
    const { setup, topology } = plan;
    this.#plan = plan;
    journal.value(0, "world", "setup", { seed, ...setup, topology });
    this.#underlay = new Underlay(topology, this.#network, this.#random("underlay"), parts.natBox);
    this.#traffic = new Traffic(this.#agenda, this.#random("traffic"), this.#referee.ledger, journal, this.#hosts);
    for (const role of setup.roles) this.#add(role, setup, parts);
    this.#stage = {
      agenda: this.#agenda,
      random: this.#random("faults"),
      network: this.#network,
      journal,
      rules: this.#referee.rules,
      hosts: [...this.#hosts.values()],
      underlay: this.#underlay,
      end: this.#plan.faultsEndMs,
    };
    this.#invite(setup, parts);
  }

  run(): string | undefined {
    try {
      this.#start();
      while (this.#agenda.step(this.#plan.faultsEndMs));
      healEverything(this.#stage);
      this.#traffic.demandEverything(this.#endMs - 1_000, this.#plan.partners);
      while (this.#agenda.step(this.#endMs));
      this.#traffic.verdict(this.#endMs - VERDICT_WINDOW_MS, this.#mustReach);
      return undefined;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return `at ${this.#agenda.now} ms: ${error.message}`;
    }
  }

  figures(): Omit<Report, "seed" | "violation"> {
    const { ledger, notices } = this.#referee;
    const { entries: outputs } = this.#journal;
    const { description: world } = this.#plan;
    const recoveryMs = Math.max(0, (this.#traffic.lastLoss(this.#mustReach) ?? 0) - this.#plan.faultsEndMs);
    const { issued: sent, deliveries: delivered } = ledger;
    return {
      digest: this.#journal.digest(),
      outputs,
      sent,
      delivered,
      notices,
      recoveryMs,
      world,
      lastsMs: this.#endMs,
      pairs: this.#pairs(),
    };
  }

  #pairs(): PairFigures {
    const pairs = this.#traffic.pairs(this.#endMs - VERDICT_WINDOW_MS);
    const having = (prospect: Prospect | "relayed"): typeof pairs =>
      pairs.filter(({ from, to }) => this.#prospectOf(from, to) === prospect);
    const apart = having("apart");
    const surprises = apart.filter(({ talked }) => talked).length;
    return { direct: having("direct").length, relayed: having("relayed").length, apart: apart.length, surprises };
  }

  get #endMs(): number {
    return this.#plan.faultsEndMs + QUIET_MS;
  }

  readonly #mustReach = (a: Host, b: Host): boolean => ["direct", "relayed"].includes(this.#prospectOf(a, b));

  /** The oracle: whether the NATs on the way let these two become direct. */
  #prospectOf(a: Host, b: Host): Prospect | "relayed" {
    const where = [a, b].map(({ name }) => `${name} in ${this.#underlay.siteOf(name)}`).join();
    const hasRelays = this.#plan.setup.relays.size > 0;
    const prospect = this.#prospects.get(where) ?? this.#underlay.prospectOf(a.name, b.name, { hasRelays });
    this.#prospects.set(where, prospect);
    return prospect;
  }

  #start(): void {
    for (const host of this.#hosts.values()) {
      this.#agenda.at(this.#stage.random.below(300), () => {
        host.startPlane();
        host.startControl();
      });
    }
    const { faults, faultsAtLeast, faultsAtMost } = this.#plan;
    unleashFaults(this.#stage, faults, this.#stage.random.between(faultsAtLeast, faultsAtMost));
    this.#traffic.start(this.#plan.faultsEndMs);
    for (let at = 1_000; at < this.#endMs; at += 1_000) {
      this.#agenda.at(at, () => this.#referee.inspect(this.#stage.hosts));
    }
  }

  #add(role: Role, setup: Setup, parts: Parts): void {
    const settings: Settings = settingsOf(role, setup);
    this.#referee.ledger.own(role, settings.live.identity.credential.addresses);
    this.#referee.rules.publish(role.name, { firewall: settings.live.firewall, blocked: [] }, 0);
    const around = {
      agenda: this.#agenda,
      network: this.#network,
      journal: this.#journal,
      referee: this.#referee,
      parts,
      resolve: (name: string) => this.#resolve(name),
      delivered: (host: Host, packet: Uint8Array) => {
        this.#traffic.arrived(host, this.#referee.ledger.delivered(host.role, packet, this.#agenda.now));
      },
    };
    const spots = this.#underlay.spotsOf(role.name);
    this.#hosts.set(role.name, new Host(role, settings, around, this.#random(role.name), spots));
  }

  /** The uninvited guests. */
  #invite(setup: Setup, parts: Parts): void {
    const random = this.#random("attackers");
    const faces = new Faces();
    this.#network.watch((sender, external) => {
      this.#referee.strangers.know(external);
      faces.translated(sender, external);
    });
    const eavesdropper = new Eavesdropper(this.#agenda, this.#network, random, this.#journal, allCertificates(setup));
    const own = identityOf(malloryRole, setup.versions.get(malloryRole.name)).credential;
    const credential = random.chance(0.2) ? counterfeitOf(random.pick(setup.roles)) : own;
    this.#referee.ledger.own(malloryRole, own.addresses);
    this.#referee.rules.publish(malloryRole.name, { firewall: malloryRole, blocked: [] }, 0);
    const mallory = new Mallory({
      suite: parts.suite,
      credential,
      cipher: setup.cipher,
      agenda: this.#agenda,
      network: this.#network,
      random,
      journal: this.#journal,
      referee: this.#referee,
      victims: [...this.#hosts.values()],
      faces,
    });
    const falseAnswers = random.chance(0.3);
    this.#network.tap((source, destination, datagram) => {
      if (this.#agenda.now >= this.#plan.faultsEndMs) return;
      eavesdropper.hear(source, destination, datagram);
      if (falseAnswers) mallory.hear(source, destination, datagram);
    });
    if (random.chance(0.8)) eavesdropper.attack(random.pick([100, 500, 1_500]), this.#plan.faultsEndMs);
    if (random.chance(0.6)) mallory.attack(random.pick([200, 1_000]), this.#plan.faultsEndMs);
  }

  /** DNS fails now and then as long as faults last. */
  #resolve(name: string): readonly IpAddress[] {
    const fails = this.#agenda.now < this.#plan.faultsEndMs && this.#stage.random.chance(0.2);
    const named = this.#stage.hosts.find(({ role }) => dnsNameOf(role) === name);
    return fails || !named ? [] : named.endpoints.map(endpointAddress);
  }

  #random(stream: string): Random {
    return new Random(this.#seed, stream);
  }
}

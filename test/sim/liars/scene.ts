import { createLighthouse } from "../../../lighthouse/index.ts";
import type { LocalIndex } from "../../../src/core/dataplane/contract.ts";
import type { LighthouseService } from "../../../src/core/discovery/service.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { Node } from "../../../src/core/node.ts";
import type { Notice } from "../../../src/core/notice.ts";
import { PacketType } from "../../../src/core/wire/header.ts";
import { encodeLighthouseMessage, type LighthouseMessage } from "../../../src/core/wire/lighthouse.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { malloryRole, overlayAddress, type Role, roles, type Setup } from "../cast/cast.ts";
import { identityOf } from "../cast/identities.ts";
import { realParts } from "../cast/parts.ts";
import { settingsOf } from "../cast/settings.ts";
import { Referee } from "../judge/referee.ts";
import { HOME_ROUTER } from "../nat/behaviour.ts";
import type { Impostor } from "../trouble/impostor.ts";
import { Faces } from "../underlay/faces.ts";
import { ideal } from "../underlay/link.ts";
import { Network } from "../underlay/network.ts";
import { type Resident, type Site, Underlay } from "../underlay/topology.ts";
import { Agenda } from "../world/agenda.ts";
import { Host, type Parts } from "../world/host.ts";
import { Journal } from "../world/journal.ts";
import { Random } from "../world/random.ts";
import type { Crossing } from "../world/stand.ts";

/** Where alpha and charlie live: in sight of everybody, or charlie, or both, behind a router that wants to be opened from inside first. */
export type Setting = "open" | "home" | "homes";

/** What a lighthouse answers instead of what the honest one would. */
export type Lies = (honest: LighthouseService) => LighthouseService;

/** What became of a conversation. */
export interface Talk {
  /** The longest that something had to wait until anything got through. */
  readonly longestWaitMs: number;
  /** Packets. */
  readonly lost: number;
  /** Sessions of alpha's that ended without that a newer one had taken their place or the peer had said so. */
  readonly ends: number;
}

/** How long the application sends, once every `PAUSE_MS`, and how long it is waited for. */
const SENDING_MS = 8_000;
const PAUSE_MS = 100;
const LAST_WORD_MS = 8_000;
/** Less than punchy.delay. */
const FIRST_PUNCHES_MS = 500;

/**
 * A quiet network of six: a lighthouse that is honest and one that may lie, alpha, which wants to talk to charlie, and bravo and delta. An
 * attacker in the network hears every datagram that crosses the internet and sends what it likes from wherever it likes.
 */
export class Scene {
  readonly agenda: Agenda = new Agenda();
  readonly referee: Referee = new Referee(this.agenda, nodeSuite);
  readonly random: Random = new Random(2, "attacker");
  readonly hosts: ReadonlyMap<string, Host>;
  readonly tape: Crossing[] = [];
  /** What each host sent to where nobody is: how many datagrams to which address. */
  readonly drawn: Map<string, Map<IpAddress, number>> = new Map();
  readonly #network: Network = new Network(this.agenda, new Random(1, "network"));
  readonly #faces: Faces = new Faces();
  readonly #underlay: Underlay;
  readonly #setup: Setup;
  #hears: (crossing: Crossing) => void = () => {};
  #ends = 0;

  constructor(setting: Setting, options: { readonly parts: Parts; readonly lies: Lies }) {
    const cast: readonly Role[] = [...roles, liarRole];
    this.#setup = {
      roles: cast,
      cipher: "aes",
      versions: new Map(),
      ipv6: new Set(),
      lighthouseByName: false,
      punchRespond: false,
      relays: new Set(),
    };
    this.#underlay = new Underlay(topologyOf(setting, cast), this.#network, new Random(1, "underlay"));
    this.#network.watch((sender, external) => {
      this.referee.strangers.know(external);
      this.#faces.translated(sender, external);
    });
    this.#network.tap((source, destination, datagram) => {
      const crossing = { source, destination, datagram: datagram.slice() };
      this.tape.push(crossing);
      this.#hears(crossing);
    });
    const liar = lying(options.lies);
    this.hosts = new Map(
      cast.map((role) => [role.name, this.#host(role, role === liarRole ? liar : options.parts)] as const),
    );
  }

  /** Everybody starts, and finds the lighthouses. */
  begin(): void {
    for (const host of this.hosts.values()) {
      host.startPlane();
      host.startControl();
    }
    this.run(2_000);
  }

  /** From now on the attacker does this with every datagram that crosses the internet. */
  listen(hears: (crossing: Crossing) => void): void {
    this.#hears = hears;
  }

  /** Does something again and again. */
  every(pauseMs: number, act: () => void): void {
    this.agenda.after(pauseMs, () => {
      act();
      this.every(pauseMs, act);
    });
  }

  run(ms: number): void {
    const end = this.agenda.now + ms;
    while (this.agenda.step(end));
  }

  /** A datagram arrives for certain, unless a router is in front that does not expect it. */
  inject(source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    this.#network.inject(source, destination, datagram, 0);
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (!host) throw new RangeError(`${name} does not play`);
    return host;
  }

  /** Where a host is seen from outside. */
  faceOf(name: string): Endpoint {
    return this.#faces.of(this.host(name));
  }

  /** Anybody with a certificate of this network. */
  get member(): Impostor {
    const { credential } = identityOf(malloryRole);
    return { suite: nodeSuite, cipher: this.#setup.cipher, credential, random: this.random };
  }

  /** Whatever goes to these is counted, and nothing else held against whoever sends it. */
  victims(places: readonly Endpoint[]): readonly Endpoint[] {
    for (const place of places) this.referee.strangers.know(place);
    return places;
  }

  /** A lighthouse hears a message as if this host had sent it through its tunnel. */
  tellLighthouse(lighthouse: string, from: string, message: LighthouseMessage): void {
    const host = this.host(lighthouse);
    const address = overlayAddress(this.host(from).role.number, 4);
    const session = host.snapshot().find(({ peerAddresses }) => peerAddresses.includes(address));
    const body = encodeLighthouseMessage(message, 1);
    if (!session || !body) throw new Error(`${from} has no tunnel to ${lighthouse}`);
    const { localIndex } = session as { localIndex: LocalIndex };
    const event = { kind: "message", localIndex, type: PacketType.lighthouse, subtype: 0, body } as const;
    host.tell({ kind: "data-plane", event });
  }

  /** An application on alpha sends to charlie all the while. The first punches are lost, so that a router is in the way for a second. */
  talk(): Talk {
    this.#network.swallow((datagram) => datagram.length === 1);
    this.agenda.after(FIRST_PUNCHES_MS, () => this.#network.swallow(() => false));
    const endsBefore = this.#ends;
    const sent: ReturnType<Referee["ledger"]["issue"]>[] = [];
    const end = this.agenda.now + SENDING_MS;
    for (let at = this.agenda.now; at < end; at += PAUSE_MS) this.agenda.at(at, () => sent.push(this.write("charlie")));
    this.run(SENDING_MS + LAST_WORD_MS);
    let arrival = Number.POSITIVE_INFINITY;
    let longest = 0;
    for (const { at, deliveredAt } of sent.reverse()) {
      arrival = Math.min(arrival, deliveredAt ?? Number.POSITIVE_INFINITY);
      longest = Math.max(longest, arrival - at);
    }
    const lost = sent.filter(({ deliveredAt }) => deliveredAt === undefined).length;
    return { longestWaitMs: longest, lost, ends: this.#ends - endsBefore };
  }

  /** Alpha's application sends one packet. */
  write(to: string): ReturnType<Referee["ledger"]["issue"]> {
    return this.writeTo(overlay(to));
  }

  writeTo(to: IpAddress): ReturnType<Referee["ledger"]["issue"]> {
    const alpha = this.host("alpha");
    const flow = { from: overlay("alpha"), to, protocol: "tcp", fromPort: 40_000, toPort: 443 } as const;
    const sent = this.referee.ledger.issue(alpha.role, flow, 64, this.agenda.now);
    alpha.fromTun(sent.packet);
    return sent;
  }

  #host(role: Role, parts: Parts): Host {
    const settings = settingsOf(role, this.#setup);
    this.referee.ledger.own(role, settings.live.identity.credential.addresses);
    this.referee.rules.publish(role.name, { firewall: settings.live.firewall, blocked: [] }, 0);
    const around = {
      agenda: this.agenda,
      network: this.#network,
      journal: new Journal({ digest: false }),
      referee: this.referee,
      parts,
      resolve: () => [],
      delivered: (host: Host, packet: Uint8Array) => {
        this.referee.ledger.delivered(host.role, packet, this.agenda.now);
      },
      sent: (host: Host, destination: Endpoint) => this.#count(host, destination),
      noticed: ({ name }: Host, { code, fields }: Notice) => {
        const isEnd = code === "tunnel-down" || code === "session-ended";
        if (isEnd && name === "alpha" && !inGoodOrder.has(String(fields["reason"]))) this.#ends++;
      },
    };
    return new Host(role, settings, around, new Random(1, role.name), this.#underlay.spotsOf(role.name));
  }

  #count(sender: Host, destination: Endpoint): void {
    const isSomebody = [...this.hosts.values()].some(
      (host) => host.endpoint === destination || endpointAddress(this.#faces.of(host)) === endpointAddress(destination),
    );
    if (!isSomebody || destination === sender.endpoint) {
      const drawn = this.drawn.get(sender.name) ?? new Map<IpAddress, number>();
      const address = endpointAddress(destination);
      this.drawn.set(sender.name, drawn.set(address, (drawn.get(address) ?? 0) + 1));
    }
  }
}

const inGoodOrder: ReadonlySet<string> = new Set(["replaced", "surplus", "closed-by-peer"]);

const liarRole: Role = { ...roles[0]!, name: "liar", number: 9 };

function lying(lies: Lies): Parts {
  return {
    ...realParts,
    control: (settings, entropy, clock) => {
      const honest = createLighthouse({ ownNetworks: settings.live.identity.credential.networks });
      return new Node(settings, { crypto: nodeSuite, entropy, clock, lighthouse: lies(honest) });
    },
  };
}

function topologyOf(
  setting: Setting,
  cast: readonly Role[],
): { sites: readonly Site[]; residents: readonly Resident[] } {
  const link = { up: ideal, down: ideal };
  const home = (name: string, number: number): Site => ({
    name,
    within: undefined,
    nat: { ...HOME_ROUTER, mappingLifetimeMs: 60_000 },
    prefix: `192.168.${number}`,
    uplink: link,
  });
  const homes: Readonly<Record<Setting, readonly string[]>> = {
    open: [],
    home: ["charlie"],
    homes: ["alpha", "charlie"],
  };
  const atHome = homes[setting];
  return {
    sites: atHome.map((name, i) => home(`${name}'s home`, 2 + 2 * i)),
    residents: cast.map(({ name, number }) => {
      return { name, number, site: atHome.includes(name) ? `${name}'s home` : undefined, link };
    }),
  };
}

export function overlay(role: string): IpAddress {
  return overlayAddress(roleOf(role).number, 4);
}

export function roleOf(name: string): Role {
  const role = [...roles, liarRole].find((other) => other.name === name);
  if (!role) throw new RangeError(`${name} does not play`);
  return role;
}

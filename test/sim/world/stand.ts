import { type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpoint } from "../../../src/core/netip/endpoint.ts";
import type { Notice } from "../../../src/core/notice.ts";
import { overlayAddress, roles, type Setup, underlayAddress } from "../cast/cast.ts";
import { realParts } from "../cast/parts.ts";
import { settingsOf } from "../cast/settings.ts";
import { Referee } from "../judge/referee.ts";
import { Network } from "../underlay/network.ts";
import { Agenda } from "./agenda.ts";
import { Host } from "./host.ts";
import { Journal } from "./journal.ts";
import { Random } from "./random.ts";

/** A datagram that crossed the network. */
export interface Crossing {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly datagram: Uint8Array;
}

/**
 * Three quiet hosts - a lighthouse, alpha and charlie - with a tunnel between the last two that is in use, and everything they
 * said on tape. Alpha is the victim of whatever a test injects.
 */
export class Stand {
  readonly agenda: Agenda = new Agenda();
  readonly referee: Referee = new Referee(this.agenda, realParts.suite);
  readonly random: Random;
  readonly tape: Crossing[] = [];
  /** What alpha sent to anybody who is not a host. */
  readonly answers: Crossing[] = [];
  readonly notices: Notice[] = [];
  readonly alpha: Host;
  readonly charlie: Host;
  readonly #network: Network;
  readonly #hosts: readonly Host[];
  #fromPort = 40_000;

  constructor(seed: number) {
    this.random = new Random(seed, "stand");
    this.#network = new Network(this.agenda, this.random);
    const setup: Setup = {
      roles,
      cipher: this.random.pick(["aes", "chachapoly"] as const),
      versions: new Map(),
      ipv6: new Set(),
      lighthouseByName: false,
      punchRespond: false,
      relays: new Set(),
    };
    const [lighthouse, alpha, charlie] = ["lighthouse", "alpha", "charlie"].map((name) => this.#host(name, setup));
    if (!lighthouse || !alpha || !charlie) throw new Error("three roles are missing");
    this.alpha = alpha;
    this.charlie = charlie;
    this.#hosts = [lighthouse, alpha, charlie];
    this.#network.tap((source, destination, datagram) => {
      const crossing = { source, destination, datagram: datagram.slice() };
      const known = this.#hosts.some((host) => host.endpoint === destination);
      if (known) this.tape.push(crossing);
      else if (source === alpha.endpoint) this.answers.push(crossing);
    });
    for (const host of this.#hosts) {
      host.startPlane();
      host.startControl();
    }
    this.run(1_000);
    // One after the other: crossed handshakes would leave a second session for a while.
    this.#write(this.alpha, this.charlie, 443);
    this.run(1_000);
    if (!this.canTalk()) throw new Error("alpha and charlie do not talk");
    this.run(10_000);
    this.notices.length = 0;
    this.answers.length = 0;
  }

  run(ms: number): void {
    const end = this.agenda.now + ms;
    while (this.agenda.step(end));
  }

  /** A datagram arrives at alpha. */
  inject(source: Endpoint, datagram: Uint8Array): void {
    this.#network.inject(source, this.alpha.endpoint, datagram, 0);
  }

  /** Both ways, within two seconds. */
  canTalk(): boolean {
    const there = this.#write(this.alpha, this.charlie, 443);
    const back = this.#write(this.charlie, this.alpha, 7_000);
    this.run(2_000);
    return [there, back].every(({ deliveredAt }) => deliveredAt !== undefined);
  }

  /** An endpoint where no host is; each number is another one. */
  stranger(number: number): Endpoint {
    const address = parseAddress(`203.0.${113 + ((number >> 8) & 127)}.${number & 255}`) as IpAddress;
    return endpoint(address, 1_024 + (number % 60_000));
  }

  #write(from: Host, to: Host, toPort: number): ReturnType<Referee["ledger"]["issue"]> {
    const [source, destination] = [overlayAddress(from.role.number, 4), overlayAddress(to.role.number, 4)];
    const protocol = toPort === 443 ? ("tcp" as const) : ("udp" as const);
    const flow = { from: source, to: destination, protocol, fromPort: ++this.#fromPort, toPort };
    const sent = this.referee.ledger.issue(from.role, flow, 64, this.agenda.now);
    from.fromTun(sent.packet);
    return sent;
  }

  #host(name: string, setup: Setup): Host {
    const role = roles.find((candidate) => candidate.name === name);
    if (!role) throw new Error(`there is no ${name}`);
    const settings = settingsOf(role, setup);
    this.referee.ledger.own(role, settings.live.identity.credential.addresses);
    this.referee.rules.publish(name, { firewall: settings.live.firewall, blocked: [] }, 0);
    const around = {
      agenda: this.agenda,
      network: this.#network,
      journal: new Journal({ digest: false }),
      referee: this.referee,
      parts: realParts,
      resolve: () => [],
      delivered: (host: Host, packet: Uint8Array) => {
        this.referee.ledger.delivered(host.role, packet, this.agenda.now);
      },
      noticed: (host: Host, notice: Notice) => {
        if (host.name === "alpha") this.notices.push(notice);
      },
    };
    const spot = this.#network.open(underlayAddress(role.number, 0));
    return new Host(role, settings, around, new Random(1, name), [spot]);
  }
}

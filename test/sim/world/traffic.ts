import { familyOf, type IpAddress } from "../../../src/core/netip/address.ts";
import type { Role } from "../cast/cast.ts";
import { describeFlow, type Ledger, type Sent } from "../judge/ledger.ts";
import { permits } from "../judge/policy.ts";
import { Violation } from "../judge/violation.ts";
import type { Agenda } from "./agenda.ts";
import type { Host } from "./host.ts";
import { type InnerFlow, type InnerProtocol, reversed } from "./inner.ts";
import type { Journal } from "./journal.ts";
import type { Random } from "./random.ts";

/** Something an application on one host may want of another. Some of it is denied by somebody's rules. */
const services: readonly { readonly protocol: InnerProtocol; readonly port: number }[] = [
  { protocol: "icmp", port: 1 },
  { protocol: "tcp", port: 22 },
  { protocol: "tcp", port: 443 },
  { protocol: "udp", port: 5432 },
  { protocol: "udp", port: 5555 },
  { protocol: "udp", port: 7000 },
  { protocol: "udp", port: 9999 },
];

/** What must work at the end: every packet of it that was sent late enough. */
interface Demand {
  readonly from: Host;
  readonly to: Host;
  readonly what: string;
  readonly attempts: Sent[];
}

/** Applications on every host: they talk to each other all the time, allowed or not, and answer what reaches them. */
export class Traffic {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #journal: Journal;
  readonly #hosts: ReadonlyMap<string, Host>;
  #fromPort = CLIENT_PORT;
  readonly #required: Demand[] = [];

  constructor(agenda: Agenda, random: Random, ledger: Ledger, journal: Journal, hosts: ReadonlyMap<string, Host>) {
    this.#agenda = agenda;
    this.#random = random;
    this.#ledger = ledger;
    this.#journal = journal;
    this.#hosts = hosts;
  }

  /** Lets every host chatter until `end`. */
  start(end: number): void {
    for (const host of this.#hosts.values()) {
      if (!host.role.lighthouse)
        this.#chatter(host, this.#flowTo(this.#random.pick(this.#othersThan(host)), host), end);
    }
  }

  /** An application got this packet; it may answer. */
  arrived(host: Host, { flow, bytes }: Sent): void {
    if (flow.protocol === "icmp" || flow.fromPort < CLIENT_PORT || !this.#random.chance(0.5)) return;
    this.#agenda.after(1, () => this.#send(host, reversed(flow), bytes >> 1));
  }

  /**
   * From now on, what both sides' rules allow is tried again and again; `verdict` tells whether it worked. Each host does so with this many
   * partners, and they with it.
   */
  demandEverything(end: number, partners: number): void {
    const chosen = this.#pairs(partners);
    for (const from of this.#hosts.values()) {
      for (const to of this.#hosts.values()) {
        if (from === to || from.role.lighthouse || !chosen(from, to)) continue;
        for (const { source, destination } of addressPairs(from, to)) {
          if (canBeFound(from, to, destination)) this.#demand(from, to, source, destination, end);
        }
      }
    }
  }

  /** Of what was demanded between hosts that must reach each other, nothing was lost from `since` on. */
  verdict(since: number, mustReach: (from: Host, to: Host) => boolean): void {
    for (const { from, to, what, attempts } of this.#required) {
      if (!mustReach(from, to)) continue;
      const lost = attempts.find((sent) => sent.at >= since && !arrived(sent));
      if (lost) throw new Violation(`${what} may talk, but 24 seconds after the last fault packet ${lost.id} was lost`);
    }
  }

  /** Pairs that were asked to talk, in one direction each, and whether anything arrived from `since` on. */
  pairs(since: number): readonly { readonly from: Host; readonly to: Host; readonly talked: boolean }[] {
    const pairs = new Map<string, { readonly from: Host; readonly to: Host; talked: boolean }>();
    for (const { from, to, attempts } of this.#required) {
      const pair = pairs.get(`${from.name} ${to.name}`) ?? { from, to, talked: false };
      pair.talked ||= attempts.some((sent) => sent.at >= since && arrived(sent));
      pairs.set(`${from.name} ${to.name}`, pair);
    }
    return [...pairs.values()];
  }

  /** When the last demanded packet was sent that had to arrive and did not; undefined when all did. */
  lastLoss(mustReach: (from: Host, to: Host) => boolean): number | undefined {
    const required = this.#required.filter(({ from, to }) => mustReach(from, to));
    const losses = required.flatMap(({ attempts }) => attempts.filter((sent) => !arrived(sent)));
    return losses.length === 0 ? undefined : Math.max(...losses.map(({ at }) => at));
  }

  /** Half of the packets belong to one conversation that goes on, through changes of rules and all. */
  #chatter(host: Host, conversation: InnerFlow, end: number): void {
    this.#agenda.after(this.#random.between(20, 1_200), () => {
      const other = this.#random.pick(this.#othersThan(host));
      const flow = this.#random.chance(0.5) ? conversation : this.#flowTo(other, host);
      this.#send(host, flow, this.#random.chance(0.2) ? this.#random.between(12, 1200) : 64);
      if (this.#agenda.now < end) this.#chatter(host, conversation, end);
    });
  }

  #flowTo(to: Host, from: Host): InnerFlow {
    const { source, destination } = this.#random.pick(addressPairs(from, to));
    return this.#flow(source, destination, this.#random.pick(services));
  }

  #othersThan(host: Host): readonly Host[] {
    return [...this.#hosts.values()].filter((other) => other !== host);
  }

  #demand(from: Host, to: Host, source: IpAddress, destination: IpAddress, end: number): void {
    for (const service of services) {
      if (!mayTalk(from.role, to.role, source, destination, service)) continue;
      const what = `${from.name} to ${to.name} (${service.protocol} ${service.port}, ${destination})`;
      const attempts: Sent[] = [];
      this.#required.push({ from, to, what, attempts });
      for (let at = this.#agenda.now + this.#random.below(DEMAND_EVERY_MS); at < end; at += DEMAND_EVERY_MS) {
        this.#agenda.at(at, () => {
          attempts.push(this.#send(from, this.#flow(source, destination, service), 64));
        });
      }
    }
  }

  /** Which pairs talk: neighbours in a ring for as many steps as there are partners, and everybody with the lighthouses. */
  #pairs(partners: number): (a: Host, b: Host) => boolean {
    const places = new Map([...this.#hosts.values()].map((host, i) => [host, i]));
    return (a, b) => {
      if (b.role.lighthouse) return true;
      const apart = Math.abs((places.get(a) ?? 0) - (places.get(b) ?? 0));
      return Math.min(apart, places.size - apart) <= (partners + 1) / 2;
    };
  }

  #flow(from: IpAddress, to: IpAddress, { protocol, port }: (typeof services)[number]): InnerFlow {
    if (protocol === "icmp") return { from, to, protocol, fromPort: port, toPort: port };
    this.#fromPort = this.#fromPort < 65_000 ? this.#fromPort + 1 : CLIENT_PORT + 1;
    return { from, to, protocol, fromPort: this.#fromPort, toPort: port };
  }

  #send(host: Host, flow: InnerFlow, payloadBytes: number): Sent {
    const sent = this.#ledger.issue(host.role, flow, payloadBytes, this.#agenda.now);
    this.#journal.remark(this.#agenda.now, host.name, `app writes packet ${sent.id}: ${describeFlow(flow)}`);
    host.fromTun(sent.packet);
    return sent;
  }
}

function addressPairs(from: Host, to: Host): { readonly source: IpAddress; readonly destination: IpAddress }[] {
  const sources = from.settings.live.identity.credential.addresses;
  const destinations = to.settings.live.identity.credential.addresses;
  return sources.flatMap((source, i) => {
    const destination = destinations[i];
    return destination === undefined ? [] : [{ source, destination }];
  });
}

function arrived({ deliveredAt, echoedAt }: Sent): boolean {
  return (deliveredAt ?? echoedAt) !== undefined;
}

/** The v1 dialect cannot carry an IPv6 address, and a lighthouse is known by the addresses of the static host map (protocol 5.2, 5.4). */
function canBeFound(from: Host, to: Host, destination: IpAddress): boolean {
  if (familyOf(destination) === 4) return true;
  return !to.role.lighthouse && [from, to].every(({ settings }) => settings.live.identity.initiatingVersion === 2);
}

function mayTalk(
  from: Role,
  to: Role,
  source: IpAddress,
  destination: IpAddress,
  service: (typeof services)[number],
): boolean {
  const outbound = permits(from.outbound, to, { ...service, remote: destination });
  return outbound && permits(to.inbound, from, { ...service, remote: source });
}

/** Clients use ports from here on. */
const CLIENT_PORT = 40_000;
/** Often enough to keep every tunnel in use, and at least once in the window of the verdict. */
const DEMAND_EVERY_MS = 5_000;

import type { LiveSettings } from "../../../src/core/config/settings.ts";
import type { CryptoSuite } from "../../../src/core/crypto/suite.ts";
import type { DataPlaneCommand, DataPlaneEvent } from "../../../src/core/dataplane/contract.ts";
import type { Input, Output } from "../../../src/core/io.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { render } from "../../../src/core/operator/render.ts";
import { endpointOf, type Path } from "../../../src/core/path/path.ts";
import type { Agenda } from "../world/agenda.ts";
import { CHANNEL_DELAY_MAX_MS } from "../world/channel.ts";
import type { Host } from "../world/host.ts";
import { CANARY } from "../world/inner.ts";
import { Confidence } from "./confidence.ts";
import { Ledger } from "./ledger.ts";
import { innerOf, Relaying } from "./relaying.ts";
import { RuleBook } from "./rule-book.ts";
import { Sessions } from "./sessions.ts";
import { Sightings } from "./sightings.ts";
import { isPathReply, Strangers } from "./strangers.ts";
import { Violation } from "./violation.ts";

/** Sees everything that any host does and throws a `Violation` at the first thing that must never happen. */
export class Referee {
  readonly rules: RuleBook = new RuleBook();
  readonly ledger: Ledger = new Ledger(this.rules);
  readonly sessions: Sessions = new Sessions();
  readonly strangers: Strangers = new Strangers();
  readonly #confidence: Confidence;
  readonly #relaying = new Relaying();
  readonly #sightings = new Sightings();
  /** Where each session was said to lead when it was installed. */
  readonly #beginnings = new Map<string, Endpoint | undefined>();
  readonly #agenda: Agenda;
  readonly #pings = new Map<number, { readonly host: string; readonly due: number }>();
  readonly #ticks = new Map<string, { at: number; count: number }>();
  readonly #notices = new Map<string, number>();
  /** Hosts that may say that they are out of the network. */
  readonly #revoked = new Set<string>();

  /** `suite`: that of the data planes. */
  constructor(agenda: Agenda, suite: CryptoSuite) {
    this.#agenda = agenda;
    this.#confidence = new Confidence(suite, (address) => this.ledger.ownerOf(address));
  }

  /** How often each notice code was given, by all hosts. */
  get notices(): ReadonlyMap<string, number> {
    return this.#notices;
  }

  /** Nothing that comes from outside makes the core throw. */
  guard(host: Host, during: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw new Violation(`${host.name} threw during ${during}: ${error instanceof Error ? error.stack : error}`);
    }
  }

  boundTo(_host: Host, at: Endpoint): void {
    this.strangers.know(at);
  }

  told(host: Host, input: Input): void {
    if (input.kind === "ping") {
      this.#pings.set(input.id, { host: host.name, due: this.#agenda.now + input.timeoutMs + PING_GRACE_MS });
    }
    if (input.kind === "tick") this.#countTick(host);
  }

  /** What the running control plane of `host` has been told of the rules. */
  governs(host: Host, rules: LiveSettings["firewall"]): void {
    this.rules.known(host.name, rules, this.#agenda.now + CHANNEL_DELAY_MAX_MS);
  }

  revoked(host: Host): void {
    this.#revoked.add(host.name);
  }

  heard(host: Host, output: Output): void {
    if (output.to === "operator") {
      const { code, level, text } = render(output.event);
      this.#notices.set(code, (this.#notices.get(code) ?? 0) + 1);
      const isTurnedAway = code === "out-of-network" && this.#revoked.has(host.name);
      if (level === "error" && !isTurnedAway) throw new Violation(`${host.name} gave up: ${text}`);
    }
    if (output.to === "pinger" && !this.#pings.delete(output.id)) {
      throw new Violation(`${host.name} answered ping ${output.id} twice, or was never asked`);
    }
  }

  commanded(host: Host, command: DataPlaneCommand): void {
    // Message 2 authenticates: the tunnel goes to where it came from, even if somebody on the way passed it on.
    if (command.kind === "install-session" && command.confirmed) this.#isThere(command.path);
    if (command.kind === "install-session")
      this.#beginnings.set(`${host.name} ${command.localIndex}`, endpointOf(command.path));
    if (command.kind === "install-session") this.#confidence.installed(host.name, command);
    this.#relaying.commanded(host.name, command);
    this.sessions.commanded(host.name, host.settings.live.identity.credential.addresses, command);
  }

  raised(host: Host, event: DataPlaneEvent): void {
    if (event.kind === "confirmed") this.sessions.confirmed(host.name, event.localIndex);
    if (event.kind === "roamed") this.#isThere(event.path);
    if (event.kind === "command-failed" && mustSucceed.has(event.command)) {
      throw new Violation(`${host.name}'s data plane refused ${event.command}: ${event.code} ${event.error}`);
    }
  }

  /** Whether packets that proved authentic have moved a session there: it began somewhere else. */
  #hasRoamedTo(host: Host, destination: Endpoint): boolean {
    if (this.strangers.isKnown(destination) || !this.#sightings.hasComeFrom(host.name, destination)) return false;
    return host
      .snapshot()
      .some(
        ({ localIndex, confirmed, path }) =>
          confirmed &&
          endpointOf(path) === destination &&
          this.#beginnings.get(`${host.name} ${localIndex}`) !== destination,
      );
  }

  #isThere(path: Path | undefined): void {
    const endpoint = endpointOf(path);
    if (endpoint) this.strangers.know(endpoint);
  }

  received(host: Host, source: Endpoint, datagram: Uint8Array): void {
    this.strangers.received(host.name, source, datagram);
    this.#sightings.received(host.name, source, datagram);
    this.#relaying.received(host.name, datagram);
  }

  sent(host: Host, destination: Endpoint, datagram: Uint8Array): void {
    if (Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length).includes(CANARY, 0, "latin1")) {
      throw new Violation(`${host.name} sent inner bytes in the clear to ${destination}`);
    }
    this.sessions.sent(host.name, datagram);
    this.#confidence.sent(host.name, innerOf(datagram) ?? datagram);
    this.#relaying.sent(host.name, datagram);
    this.#sightings.sent(datagram);
    // Of a path that moves often not every change is told at once.
    if (this.#hasRoamedTo(host, destination)) this.strangers.know(destination);
    if (isPathReply(datagram) && !this.strangers.isKnown(destination)) {
      if (!this.#sightings.hasComeFrom(host.name, destination))
        throw new Violation(`${host.name} answered a path request that never came from ${destination}`);
    }
    this.strangers.sent(host.name, destination, datagram);
  }

  controlCrashed(host: Host): void {
    for (const [id, ping] of this.#pings) if (ping.host === host.name) this.#pings.delete(id);
  }

  /** Whoever sleeps answers later. */
  slept(host: Host, ms: number): void {
    for (const [id, ping] of this.#pings) {
      if (ping.host === host.name) this.#pings.set(id, { ...ping, due: ping.due + ms });
    }
  }

  planeCrashed(host: Host): void {
    this.sessions.planeCrashed(host.name);
    this.rules.forget(host.name);
  }

  /** Once a virtual second: caps, and nobody waits for a ping for ever. */
  inspect(hosts: readonly Host[]): void {
    for (const host of hosts) this.sessions.inspect(host.name, host.snapshot());
    for (const [id, { host, due }] of this.#pings) {
      if (due < this.#agenda.now) throw new Violation(`${host} left ping ${id} without an answer`);
    }
  }

  #countTick(host: Host): void {
    const ticks = this.#ticks.get(host.name);
    if (ticks?.at !== this.#agenda.now) {
      this.#ticks.set(host.name, { at: this.#agenda.now, count: 1 });
    } else if (++ticks.count > TICKS_PER_MS_MAX) {
      throw new Violation(`${host.name} spins: its deadline does not move`);
    }
  }
}

/** Races with a session that closed by itself may make the others fail; these never. */
const mustSucceed: ReadonlySet<string> = new Set(["configure", "install-session", "apply-policies"]);
/** A frozen control plane answers when it wakes up. */
const PING_GRACE_MS = 3_000;
const TICKS_PER_MS_MAX = 50;

import type { Entropy } from "../../../src/core/base/entropy.ts";
import { type Clock, type Instant, instant, wallTime } from "../../../src/core/base/time.ts";
import { type Rate, TokenBucket } from "../../../src/core/base/token-bucket.ts";
import type { LiveSettings, Settings } from "../../../src/core/config/settings.ts";
import type { CryptoSuite } from "../../../src/core/crypto/suite.ts";
import type { DataPlaneCommand, DataPlaneEvent, Relay, SessionSnapshot } from "../../../src/core/dataplane/contract.ts";
import type { Input, Output } from "../../../src/core/io.ts";
import { familyOf, type IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { type Driven, NodeDriver } from "../../../src/core/node-driver.ts";
import type { Notice } from "../../../src/core/notice.ts";
import { render } from "../../../src/core/operator/render.ts";
import { type Role, UNDERLAY_PORT } from "../cast/cast.ts";
import type { Referee } from "../judge/referee.ts";
import type { Network } from "../underlay/network.ts";
import type { Spot, Spots } from "../underlay/realm.ts";
import type { BoxMaker } from "../underlay/topology.ts";
import type { Agenda } from "./agenda.ts";
import { Alarm, Channel } from "./channel.ts";
import type { Journal } from "./journal.ts";
import type { Random } from "./random.ts";
import { Reassembly } from "./reassembly.ts";

/** The core, as a host drives it: `Node`, or a variant of it that is wrong on purpose. */
export type ControlPlane = Driven;

/** `ReferenceDataPlane`, or a variant of it that is wrong on purpose. */
export interface DataPlane {
  command(command: DataPlaneCommand, now: Instant): void;
  fromTun(packet: Uint8Array, now: Instant): void;
  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void;
  tick(now: Instant): void;
  poll(): DataPlaneOutput | undefined;
  pollTimeout(): Instant | undefined;
  snapshot(): readonly SessionSnapshot[];
  /** A data plane that was made wrong on purpose may not tell: then they are asked for anew. */
  relays?(): readonly Relay[];
}

export type DataPlaneOutput =
  | { readonly to: "udp"; readonly endpoint: Endpoint; readonly datagram: Uint8Array }
  | { readonly to: "tun"; readonly packet: Uint8Array }
  | { readonly to: "control"; readonly event: DataPlaneEvent };

/** What a host is made of. */
export interface Parts {
  readonly suite: CryptoSuite;
  /** The NATs around it, when they are not what the topology says. */
  readonly natBox?: BoxMaker;
  control(settings: Settings, entropy: Entropy, clock: Clock): ControlPlane;
  dataPlane(suite: CryptoSuite): DataPlane;
}

/** What all hosts of a world share. */
export interface Surroundings {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly journal: Journal;
  readonly referee: Referee;
  readonly parts: Parts;
  readonly resolve: (name: string) => readonly IpAddress[];
  readonly delivered: (host: Host, packet: Uint8Array) => void;
  readonly noticed?: (host: Host, notice: Notice) => void;
  readonly sent?: (host: Host, destination: Endpoint) => void;
}

/** Of what cannot be sent, as the data planes tell it (SEMANTICS 5.3). */
const SEND_ERRORS_TOLD: Rate = { perSecond: 10, burst: 10 };

/** Wall clock of every host at the start of a world: 2026-11-20T00:00:00Z. */
export const WORLD_EPOCH_NS: bigint = 1_795_132_800_000_000_000n;

/** One machine: a data plane process, a control plane process, the channel between them, a TUN device and a UDP port, of one or two address families. */
export class Host {
  readonly role: Role;
  settings: Settings;
  /** Added to the wall clock; the monotonic clock does not feel it. */
  wallSkewNs = 0n;
  readonly #around: Surroundings;
  readonly #random: Random;
  /** Monotonic time at the start of the world. It falls behind while the machine sleeps. */
  #bootMs: number;
  readonly #toControl: Channel<Input>;
  readonly #toPlane: Channel<DataPlaneCommand>;
  readonly #controlAlarm: Alarm;
  readonly #planeAlarm: Alarm;
  #control: NodeDriver | undefined;
  #plane: DataPlane | undefined;
  #spots: Spots;
  #port = UNDERLAY_PORT;
  /** Present while the machine sleeps. */
  #sleep: { readonly since: number; readonly until: number } | undefined;
  /** Without a way out until then: what it sends is refused, and that is told now and then. */
  #unpluggedUntil = 0;
  readonly #reassembly = new Reassembly();
  readonly #sendErrors = new TokenBucket(SEND_ERRORS_TOLD);
  /** Those of the running control plane, which may be behind `settings`. */
  #rules: LiveSettings["firewall"];

  constructor(role: Role, settings: Settings, around: Surroundings, random: Random, spots: Spots) {
    this.role = role;
    this.settings = settings;
    this.#rules = settings.live.firewall;
    this.#around = around;
    this.#random = random;
    this.#bootMs = random.between(1, 1_000_000);
    this.#spots = spots;
    for (const { address, place } of spots) place.realm.residents.add(address);
    for (const at of this.endpoints) around.referee.boundTo(this, at);
    this.#toControl = new Channel(around.agenda, random, (input) => this.#tellNow(input));
    this.#toPlane = new Channel(around.agenda, random, (command) => this.#commandNow(command));
    this.#controlAlarm = new Alarm(around.agenda, () => this.#toControl.send({ kind: "tick" }));
    this.#planeAlarm = new Alarm(around.agenda, () => this.#withPlane((plane) => plane.tick(this.clock().now)));
  }

  get name(): string {
    return this.role.name;
  }

  /** In IPv4. */
  get endpoint(): Endpoint {
    return endpoint(this.spot.address, this.#port);
  }

  /** In each family. */
  get endpoints(): readonly Endpoint[] {
    return this.#spots.map(({ address }) => endpoint(address, this.#port));
  }

  /** In IPv4. */
  get spot(): Spot {
    return this.#spots[0];
  }

  get controlUp(): boolean {
    return this.#control !== undefined;
  }

  get planeUp(): boolean {
    return this.#plane !== undefined;
  }

  clock(): Clock {
    const { now } = this.#around.agenda;
    return {
      now: instant((this.#sleep?.since ?? now) + this.#bootMs),
      wall: wallTime(WORLD_EPOCH_NS + BigInt(now) * 1_000_000n + this.wallSkewNs),
    };
  }

  startPlane(port: number = this.#port): void {
    this.#plane = this.#around.parts.dataPlane(this.#around.parts.suite);
    this.#rebind(port);
    if (this.#control) this.#connect();
  }

  startControl(): void {
    this.#control = new NodeDriver(this.#around.parts.control(this.settings, this.#random, this.clock()), {
      clock: () => this.clock(),
      carryOut: (output) => this.#obey(output),
      rest: (deadline) => this.#controlAlarm.set(this.#due(deadline?.at)),
    });
    this.#rules = this.settings.live.firewall;
    this.#tellAddresses();
    if (this.#plane) this.#connect();
  }

  /** kill -9 of the control plane: the data plane goes on. */
  crashControl(): void {
    this.#control = undefined;
    this.#controlAlarm.set(undefined);
    this.#toControl.cut();
    this.#toPlane.cut();
    this.#around.referee.controlCrashed(this);
  }

  /** kill -9 of the data plane: its sessions are gone. */
  crashPlane(): void {
    this.#plane = undefined;
    this.#planeAlarm.set(undefined);
    this.#close();
    this.#toPlane.cut();
    this.#around.referee.planeCrashed(this);
    if (this.#control) this.tell({ kind: "data-plane-down" });
  }

  /** The control plane stands still for `ms`, as under SIGSTOP or a long collection. */
  freezeControl(ms: number): void {
    this.#toControl.holdUntil(this.#around.agenda.now + ms);
  }

  /** The machine gets other underlay addresses, perhaps behind another router; nothing restarts. */
  move(to: Spots): void {
    this.#close();
    for (const { address, place } of this.#spots) place.realm.residents.delete(address);
    this.#spots = to;
    for (const { address, place } of to) place.realm.residents.add(address);
    this.#rebind(this.#port);
    this.#tellAddresses();
  }

  /** The cable is out, or the radio off, for `ms`: the system has no way to anywhere, and says so. */
  unplug(ms: number): void {
    this.#unpluggedUntil = this.#around.agenda.now + ms;
  }

  /** The lid is closed for `ms`: nothing runs, nothing is heard, and the monotonic clock stands. Wakes by itself. */
  sleep(ms: number): void {
    const { agenda, referee } = this.#around;
    if (this.#sleep) return;
    this.#sleep = { since: agenda.now, until: agenda.now + ms };
    this.#close();
    this.#toControl.holdUntil(agenda.now + ms);
    referee.slept(this, ms);
    agenda.after(ms, () => this.#wake(ms));
  }

  /** Something happens to the control plane; lost when it does not run. */
  tell(input: Input): void {
    if (this.#control) this.#toControl.send(input);
  }

  /** An application writes to the TUN device; lost when there is no data plane. */
  fromTun(packet: Uint8Array): void {
    if (!this.#sleep) this.#withPlane((plane) => plane.fromTun(packet.slice(), this.clock().now));
  }

  snapshot(): readonly SessionSnapshot[] {
    return this.#plane?.snapshot() ?? [];
  }

  #tellAddresses(): void {
    const addresses = this.#spots.map(({ address }) => address);
    const networks = addresses.map((address) => ({ address, bits: familyOf(address) === 4 ? 24 : 64 }));
    this.tell({ kind: "local-addresses", addresses, networks });
  }

  #connect(): void {
    const sessions = this.snapshot();
    const relays = this.#plane?.relays?.() ?? [];
    this.tell({ kind: "data-plane-up", udpPort: this.#port, sessions, relays });
  }

  #rebind(port: number): void {
    this.#port = port;
    for (const at of this.endpoints) this.#around.referee.boundTo(this, at);
    if (!this.#plane || this.#sleep) return;
    const receiver = (source: Endpoint, datagram: Uint8Array): void => {
      if (this.#around.agenda.now < this.#unpluggedUntil) return;
      this.#around.referee.received(this, source, datagram);
      this.#withPlane((plane) => plane.fromUdp(source, datagram.slice(), this.clock().now));
    };
    for (const { address, place } of this.#spots) this.#around.network.listen(endpoint(address, port), receiver, place);
  }

  #close(): void {
    for (const { address, place } of this.#spots) this.#around.network.close(endpoint(address, this.#port), place);
  }

  #wake(sleptMs: number): void {
    this.#bootMs -= sleptMs;
    this.#sleep = undefined;
    this.#rebind(this.#port);
  }

  #tellNow(input: Input): void {
    const control = this.#control;
    if (!control) return;
    if (input.kind === "reload") this.#rules = input.settings.firewall;
    if (input.kind === "reload" || input.kind === "data-plane-up") this.#around.referee.governs(this, this.#rules);
    this.#around.referee.told(this, input);
    this.#around.referee.guard(this, input.kind, () => control.feed(input));
  }

  #obey(output: Output): void {
    const { agenda, journal, referee } = this.#around;
    journal.value(agenda.now, this.name, output.to, output);
    if (output.to === "data-plane") {
      if (this.#plane) this.#toPlane.send(output.command);
    } else if (output.to === "resolver") {
      const answer: Input = { kind: "resolved", name: output.name, addresses: this.#around.resolve(output.name) };
      agenda.after(this.#random.between(1, 50), () => this.tell(answer));
    } else if (output.to === "carrier") {
      // There is no TCP in this world.
      const { order } = output;
      if (order.what === "open")
        agenda.after(1, () =>
          this.tell({ kind: "carrier", news: { is: "failed", host: order.host, why: "unreachable" } }),
        );
    } else {
      referee.heard(this, output);
      if (output.to === "operator") this.#around.noticed?.(this, render(output.event));
    }
  }

  #commandNow(command: DataPlaneCommand): void {
    this.#around.referee.commanded(this, command);
    this.#withPlane((plane) => plane.command(command, this.clock().now));
  }

  #withPlane(act: (plane: DataPlane) => void): void {
    const plane = this.#plane;
    if (!plane) return;
    this.#around.referee.guard(this, "data plane", () => act(plane));
    for (let output = plane.poll(); output; output = plane.poll()) this.#carry(output);
    this.#planeAlarm.set(this.#due(plane.pollTimeout()));
  }

  #carry(output: DataPlaneOutput): void {
    const { agenda, journal, network, referee } = this.#around;
    if (output.to === "udp") {
      journal.bytes(agenda.now, this.name, "sends", output.endpoint, output.datagram);
      referee.sent(this, output.endpoint, output.datagram);
      this.#around.sent?.(this, output.endpoint);
      const from = this.#spotTo(output.endpoint);
      if (!from || agenda.now < this.#unpluggedUntil) this.#refused(output.endpoint);
      else if (!this.#sleep)
        network.send(endpoint(from.address, this.#port), output.endpoint, output.datagram, from.place);
    } else if (output.to === "tun") {
      journal.bytes(agenda.now, this.name, "delivers", "", output.packet);
      const whole = this.#reassembly.take(output.packet);
      if (whole) this.#around.delivered(this, whole);
    } else {
      journal.value(agenda.now, this.name, "event", output.event);
      referee.raised(this, output.event);
      const plane = this.#plane;
      if (this.#control) this.#toControl.send({ kind: "data-plane", event: output.event }, () => this.#plane === plane);
    }
  }

  #spotTo(destination: Endpoint): Spot | undefined {
    const family = familyOf(endpointAddress(destination));
    return this.#spots.find(({ address }) => familyOf(address) === family);
  }

  #refused(endpoint: Endpoint): void {
    const event = { kind: "send-error", endpoint, error: "ENETUNREACH" } as const;
    if (this.#sendErrors.take(this.clock().now)) this.tell({ kind: "data-plane", event });
  }

  #due(at: number | undefined): number | undefined {
    return at === undefined ? undefined : Math.max(at - this.#bootMs, this.#sleep?.until ?? 0);
  }
}

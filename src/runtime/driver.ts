import type { Clock } from "../core/base/time.ts";
import type { Bulletin } from "../core/bulletin/bulletin.ts";
import type { HeldBulletin } from "../core/bulletin/held.ts";
import type { BulletinRefusal } from "../core/bulletin/verify.ts";
import type { DataPlaneCommand, DataPlaneEvent } from "../core/dataplane/contract.ts";
import type { FlowStory, SeenPacket } from "../core/flow-story.ts";
import type {
  Input,
  Inquiry,
  InquiryResult,
  NodeDetails,
  NodeStatus,
  Output,
  PingResult,
  PingTarget,
  RememberedHost,
} from "../core/io.ts";
import type { CarrierOrder } from "../core/machine/carriers/orders.ts";
import type { IpAddress } from "../core/netip/address.ts";
import type { NamedHost } from "../core/node/directory.ts";
import type { StatusOf } from "../core/node/status.ts";
import type { UsedRule } from "../core/node/used-rules.ts";
import { type Driven, NodeDriver } from "../core/node-driver.ts";
import type { OperatorEvent } from "../core/operator/event.ts";
import { Alarm } from "./alarm.ts";
import type { DataPlaneListener, Survivors } from "./dataplane/data-plane.ts";
import type { Ending } from "./service.ts";
import { StrangerWork } from "./strangers/stranger-work.ts";

/** What the driver drives: `Node`, or a stand-in in tests. */
export interface Decider extends Driven {
  status(clock: Clock, whom?: StatusOf): NodeStatus;
  directory(): readonly NamedHost[];
  rules(): readonly UsedRule[];
  remembered(clock: Clock): readonly RememberedHost[];
  details(clock: Clock): NodeDetails;
}

/** Where outputs go. */
export interface DriverSurroundings {
  readonly clock: () => Clock;
  readonly command: (command: DataPlaneCommand) => void;
  readonly resolve: (name: string) => void;
  readonly tell: (event: OperatorEvent) => void;
  readonly carrier: (order: CarrierOrder) => void;
  /** Everything of the authorities that is held from now on. */
  readonly bulletins: (held: readonly HeldBulletin[]) => void;
  readonly flows: (stories: readonly FlowStory[], untold: number) => void;
  readonly captured: (packets: readonly SeenPacket[], lost: number) => void;
  /** Flows that go on, part of the answer to `list-flows`. */
  readonly openFlows: (stories: readonly FlowStory[], isLast: boolean) => void;
  /** Sees what comes from the data plane before anybody acts on it. */
  readonly heard: (event: DataPlaneEvent) => void;
}

/** Pings that may wait for their answer at once. Each can cost a handshake. */
const PINGS_MAX = 64;
/** The same of questions about packets. */
const INQUIRIES_MAX = 32;

/** Connects a node to the world: what it wants done, a timer for its next deadline, and promises for pings. */
export class Driver implements DataPlaneListener {
  readonly #node: Decider;
  readonly #world: DriverSurroundings;
  readonly #pings = new Map<number, (result: PingResult) => void>();
  readonly #inquiries = new Map<number, (result: InquiryResult) => void>();
  readonly #publishers = new Map<number, (refusal: BulletinRefusal | undefined) => void>();
  readonly #searches = new Map<number, (addresses: readonly IpAddress[]) => void>();
  #nextId = 1;
  readonly #driver: NodeDriver;
  readonly #strangers = new StrangerWork((event) => this.feed({ kind: "data-plane", event }));
  readonly #alarm: Alarm;
  #stopped = false;

  constructor(node: Decider, world: DriverSurroundings) {
    this.#node = node;
    this.#world = world;
    this.#alarm = new Alarm(
      () => world.clock().now,
      () => this.feed({ kind: "tick" }),
    );
    this.#driver = new NodeDriver(node, {
      clock: world.clock,
      carryOut: (output) => this.#carryOut(output),
      rest: (deadline) => this.#alarm.set(deadline?.at),
    });
  }

  feed(input: Input): void {
    if (!this.#stopped) this.#driver.feed(input);
  }

  up(udpPort: number, survivors: Survivors): void {
    this.feed({ kind: "data-plane-up", udpPort, ...survivors });
  }

  event(event: DataPlaneEvent): void {
    this.#world.heard(event);
    if (event.kind === "datagram") {
      if (!this.#stopped) this.#strangers.add(event);
    } else if (event.kind === "sampled") {
      const counters = this.#strangers.completed(event.counters);
      this.feed({ kind: "data-plane", event: { ...event, counters } });
    } else {
      this.feed({ kind: "data-plane", event });
    }
  }

  behind(ms: number): void {
    this.feed({ kind: "behind", ms });
  }

  down(): void {
    this.#strangers.clear();
    this.feed({ kind: "data-plane-down" });
  }

  tell(event: OperatorEvent): void {
    this.#world.tell(event);
  }

  /** Resolves with what came of it; undefined when too many pings wait already. */
  async ping(target: PingTarget, timeoutMs: number): Promise<PingResult | undefined> {
    if (this.#pings.size + this.#searches.size >= PINGS_MAX || this.#stopped) return undefined;
    const id = this.#nextId++;
    const located = target.by === "name" ? await this.#located(target) : target;
    if (this.#stopped) return undefined;
    return new Promise((resolve) => {
      this.#pings.set(id, resolve);
      this.feed({ kind: "ping", id, target: located, timeoutMs });
    });
  }

  /** Resolves with what both ends say; undefined when too many ask already. */
  async inquire(inquiry: Inquiry, timeoutMs: number): Promise<InquiryResult | undefined> {
    if (this.#inquiries.size + this.#searches.size >= INQUIRIES_MAX || this.#stopped) return undefined;
    const id = this.#nextId++;
    const { host } = inquiry;
    const located = host.by === "name" ? { ...inquiry, host: await this.#located(host) } : inquiry;
    if (this.#stopped) return undefined;
    return new Promise((resolve) => {
      this.#inquiries.set(id, resolve);
      this.feed({ kind: "inquire", id, inquiry: located, timeoutMs });
    });
  }

  /** Resolves with the overlay addresses of the host with this name; none: nobody knows it. */
  async find(name: string): Promise<readonly IpAddress[]> {
    if (this.#stopped) return [];
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#searches.set(id, resolve);
      this.feed({ kind: "find", id, name });
    });
  }

  /** Gives a bulletin to the network; why it is not taken, if it is not. */
  async publish(bulletin: Bulletin): Promise<BulletinRefusal | undefined> {
    if (this.#stopped) return undefined;
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#publishers.set(id, resolve);
      this.feed({ kind: "bulletins", news: { what: "published", id, bulletin } });
    });
  }

  async #located(target: Extract<PingTarget, { by: "name" }>): Promise<PingTarget> {
    const [address] = await this.find(target.name);
    return address === undefined ? target : { by: "address", address };
  }

  status(whom: StatusOf = "everybody"): NodeStatus {
    return this.#node.status(this.#world.clock(), whom);
  }

  /** Everybody that this host knows by a certificate, itself first. */
  directory(): readonly NamedHost[] {
    return this.#node.directory();
  }

  rules(): readonly UsedRule[] {
    return this.#node.rules();
  }

  /** Who is to be known at the next start. */
  remembered(): readonly RememberedHost[] {
    return this.#node.remembered(this.#world.clock());
  }

  details(): NodeDetails {
    return this.#node.details(this.#world.clock());
  }

  /** The last input, unless another process goes on; nothing is heard after it. */
  stop(ending: Ending = "asked"): void {
    if (ending !== "replaced") this.feed({ kind: "shutdown" });
    this.#stopped = true;
    this.#strangers.clear();
    this.#alarm.set(undefined);
  }

  #carryOut(output: Output): void {
    switch (output.to) {
      case "data-plane":
        this.#world.command(output.command);
        break;
      case "resolver":
        this.#world.resolve(output.name);
        break;
      case "operator":
        this.#world.tell(output.event);
        break;
      case "carrier":
        this.#world.carrier(output.order);
        break;
      case "flow-log":
        this.#world.flows(output.stories, output.untold);
        break;
      case "capture":
        this.#world.captured(output.packets, output.lost);
        break;
      case "flow-list":
        this.#world.openFlows(output.stories, output.isLast);
        break;
      case "bulletins":
        this.#world.bulletins(output.held);
        break;
      case "publisher":
        this.#publishers.get(output.id)?.(output.refusal);
        this.#publishers.delete(output.id);
        break;
      case "pinger":
        this.#pings.get(output.id)?.(output.result);
        this.#pings.delete(output.id);
        break;
      case "finder":
        this.#searches.get(output.id)?.(output.addresses);
        this.#searches.delete(output.id);
        break;
      case "inquirer":
        this.#inquiries.get(output.id)?.(output.result);
        this.#inquiries.delete(output.id);
    }
  }
}

import type { Clock, Instant } from "./base/time.ts";
import type { Settings } from "./config/settings.ts";
import type { DataPlaneEvent, LocalIndex } from "./dataplane/contract.ts";
import type { Deadline, Input, NodeStatus, Output } from "./io.ts";
import type { IpAddress } from "./netip/address.ts";
import type { Endpoint } from "./netip/endpoint.ts";
import { tellDrop } from "./node/drop-notice.ts";
import { Parts } from "./node/parts.ts";
import { type NodeEnvironment, NodeState } from "./node/state.ts";
import { statusOf } from "./node/status.ts";
import { reachOf } from "./route/reach.ts";
import type { Tunnel } from "./tunnel/tunnel.ts";
import { decodeHeader, PacketType, TestSubtype } from "./wire/header.ts";

export type { NodeEnvironment } from "./node/state.ts";

type Event<Kind extends DataPlaneEvent["kind"]> = Extract<DataPlaneEvent, { kind: Kind }>;

/**
 * One host of the mesh, without a clock, a socket or a random generator: it is told one fact at a time and says what should happen.
 *
 *     node.handle(input, clock);
 *     for (let output = node.poll(); output; output = node.poll()) ...
 *     // and again at node.pollTimeout()
 *
 * This file says who is asked when; what happens is in the parts (node/), which ask the state machines below them.
 */
export class Node {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(settings: Settings, env: NodeEnvironment) {
    this.#state = new NodeState(settings, env);
    this.#parts = new Parts(this.#state);
  }

  /** Exactly one fact from outside. Never throws on what came from the network; never waits. */
  handle(input: Input, clock: Clock): void {
    this.#state.clock = clock;
    const { adoption, pings, reload, whereabouts } = this.#parts;
    switch (input.kind) {
      case "data-plane-up":
        adoption.dataPlaneUp(input.udpPort, input.tunnels);
        break;
      case "data-plane-down":
        adoption.dataPlaneDown();
        break;
      case "data-plane":
        // What the old data plane still had to say when it died is about sessions that are gone.
        if (this.#state.udpPort !== undefined) this.#event(input.event);
        break;
      case "tick":
        break;
      case "resolved":
        whereabouts.resolved(input.name, input.addresses);
        break;
      case "local-addresses":
        whereabouts.localAddresses(input.addresses);
        break;
      case "ping":
        pings.start(input.id, input.target, input.timeoutMs);
        break;
      case "reload":
        reload.apply(input.settings);
        break;
      case "shutdown":
        adoption.shutdown();
        break;
    }
    this.#tick();
  }

  /** The next thing to do outside. Drain to undefined before the next `handle`. */
  poll(): Output | undefined {
    return this.#state.out.poll();
  }

  /** When to call `handle` with a tick at the latest. */
  pollTimeout(): Deadline | undefined {
    const { pending, unconfirmed, statics, announcer, punches } = this.#state;
    const { health, pings, adoption } = this.#parts;
    const deadlines: readonly (readonly [Instant | undefined, string])[] = [
      [pending.nextAt(), "handshake attempt"],
      [unconfirmed.nextAt(), "unconfirmed session"],
      [health.nextAt(), "liveness"],
      [announcer.nextAt(), "report to lighthouses"],
      [statics.nextAt(), "names of static hosts"],
      [punches.nextAt(), "hole punch"],
      [pings.nextAt(), "ping timeout"],
      [adoption.nextAt(), "calling lost peers"],
    ];
    return deadlines.reduce<Deadline | undefined>(
      (first, [at, why]) => (at !== undefined && (!first || at < first.at) ? { at, why } : first),
      undefined,
    );
  }

  status(clock: Clock): NodeStatus {
    this.#state.clock = clock;
    return statusOf(this.#state);
  }

  #tick(): void {
    const { whereabouts, adoption, health, pings, calls } = this.#parts;
    whereabouts.tick();
    adoption.tick();
    health.tick();
    pings.tick();
    // Last: the others start calls, and the first attempt of a call is due at once.
    calls.tick();
  }

  #event(event: DataPlaneEvent): void {
    switch (event.kind) {
      case "datagram":
        this.#datagram(event.source, event.datagram);
        return;
      case "need-session":
        this.#needSession(event.destination);
        return;
      case "sampled":
        this.#parts.health.sampled(event);
        return;
      case "drop-sample":
        tellDrop(this.#state, event);
        return;
      case "command-failed":
        this.#commandFailed(event);
        return;
      default:
        this.#tunnelEvent(event, this.#tunnel(event.localIndex));
        return;
    }
  }

  #tunnelEvent(event: Event<"message" | "confirmed" | "roamed" | "counter-high">, tunnel: Tunnel | undefined): void {
    if (!tunnel) return;
    if (event.kind === "message") this.#message(tunnel, event);
    else if (event.kind === "confirmed") this.#parts.sessions.confirmed(tunnel);
    else if (event.kind === "roamed") this.#parts.sessions.roamed(tunnel, event.path);
    else this.#parts.health.counterHigh(tunnel, event);
  }

  #datagram(source: Endpoint, datagram: Uint8Array): void {
    const header = decodeHeader(datagram);
    if (!header.ok) return;
    const { type, counter, remoteIndex } = header.value;
    if (type === PacketType.recvError) this.#parts.health.recvError(source, remoteIndex);
    else if (type !== PacketType.handshake) return;
    else if (counter === 1n && remoteIndex === 0) this.#parts.answers.message1(source, datagram);
    else if (counter !== 1n) this.#parts.calls.message2(source, header.value, datagram);
  }

  #message(tunnel: Tunnel, message: Event<"message">): void {
    if (message.type === PacketType.closeTunnel) {
      this.#parts.sessions.forget(tunnel, "closed-by-peer");
      return;
    }
    this.#parts.health.heard(tunnel);
    if (message.type === PacketType.lighthouse) this.#parts.whereabouts.received(tunnel, message.body);
    else if (message.type === PacketType.test && message.subtype === TestSubtype.reply)
      this.#parts.health.testReplied(tunnel);
  }

  #needSession(destination: IpAddress): void {
    const { ownNetworks, out } = this.#state;
    const standing = this.#state.tunnels.primaryOf(destination);
    // Said again even if the data plane heard it meanwhile: the two must not disagree for good on which session sends.
    if (standing) this.#parts.sessions.makePrimary(standing);
    else if (reachOf(ownNetworks, destination) === "host") this.#parts.calls.start(destination);
    else out.command({ kind: "drop-parked", destination });
  }

  #commandFailed(failure: Event<"command-failed">): void {
    const { command, code, error } = failure;
    const tunnel = failure.localIndex === undefined ? undefined : this.#tunnel(failure.localIndex);
    this.#state.out.notice("warn", "data-plane-refused", `The data plane refused ${command}: ${error}`, {
      command,
      code,
    });
    if (failure.rulesStand) this.#parts.sessions.endAll("rules");
    if (!tunnel) return;
    if (command === "install-session" || code === "unknown-session")
      this.#parts.sessions.forget(tunnel, "refused-by-data-plane");
  }

  #tunnel(index: LocalIndex): Tunnel | undefined {
    return this.#state.tunnels.get(index);
  }
}

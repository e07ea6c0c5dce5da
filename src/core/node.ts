import type { Entropy } from "./base/entropy.ts";
import type { Clock } from "./base/time.ts";
import type { Settings } from "./config/settings.ts";
import type { CryptoSuite } from "./crypto/suite.ts";
import type { LighthouseService } from "./discovery/service.ts";
import type { Deadline, Input, NodeDetails, NodeStatus, Output, RememberedHost } from "./io.ts";
import type { StopReason } from "./machine/machine.ts";
import type { IpAddress } from "./netip/address.ts";
import { postCommands, senderOf } from "./node/delivery.ts";
import { detailsOf } from "./node/details.ts";
import { directoryOf, type NamedHost } from "./node/directory.ts";
import { Due } from "./node/due.ts";
import { NodeFacts } from "./node/facts.ts";
import { FromDataPlane } from "./node/from-data-plane.ts";
import { hearOfBulletins } from "./node/hear-of-bulletins.ts";
import { hearOfEnds } from "./node/hear-of-ends.ts";
import { hearOfNat } from "./node/hear-of-nat.ts";
import { hearOfQuestions, startQuestion } from "./node/hear-of-questions.ts";
import { hearOfStart } from "./node/hear-of-starts.ts";
import { assemble, type Machines, type NodeEvent } from "./node/machines.ts";
import { carryOut } from "./node/orders.ts";
import { Outbox } from "./node/outbox.ts";
import { hearOfOutlived } from "./node/outlived.ts";
import { hearOfTcp } from "./node/over-tcp.ts";
import { rememberedHosts } from "./node/remembered.ts";
import { type StatusOf, statusOf } from "./node/status.ts";
import { type UsedRule, usedRulesOf } from "./node/used-rules.ts";
import { hearOfWays } from "./node/ways.ts";
import type { Parcel } from "./peer/parcel.ts";
import { PeerTable } from "./peer/peer-table.ts";
import type { FinishedHandshake, Session } from "./peer/session.ts";

/** What a node is given at its start. */
export interface NodeEnvironment {
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly clock: Clock;
  /** Answers for others; present when the configuration says `am_lighthouse`. */
  readonly lighthouse?: LighthouseService;
}

/**
 * One host of the mesh, without a clock, a socket or a random generator: it is told one fact at a time and says what should happen.
 *
 *     node.handle(input, clock);
 *     for (let output = node.poll(); output; output = node.poll()) ...
 *     // and again at node.pollTimeout()
 *
 * This is the one place where the machines meet: `handle` tells an input to the machine that it is for, and `#hear` tells each event that
 * follows to whom it concerns, one after the other in the order in which they were said.
 */
export class Node {
  readonly #facts: NodeFacts;
  readonly #peers = new PeerTable();
  readonly #out = new Outbox();
  readonly #machines: Machines;
  readonly #due: Due;
  readonly #fromDataPlane: FromDataPlane;
  #events: NodeEvent[] = [];

  constructor(settings: Settings, env: NodeEnvironment) {
    this.#facts = new NodeFacts(settings, env);
    this.#machines = assemble(this.#facts, this.#peers, env.lighthouse, (event) => this.#events.push(event));
    this.#due = new Due(this.#machines.all);
    this.#fromDataPlane = new FromDataPlane(this.#facts, this.#peers, this.#machines, this.#out);
  }

  /** Exactly one fact from outside. Never throws on what came from the network; never waits. */
  handle(input: Input, clock: Clock): void {
    this.#facts.clock = clock;
    this.#input(input);
    this.#settle();
    this.#due.workOff(this.#facts.now, () => this.#settle());
  }

  /** The next thing to do outside. Drain to undefined before the next `handle`. */
  poll(): Output | undefined {
    return this.#out.poll();
  }

  /** When to call `handle` with a tick at the latest. */
  pollTimeout(): Deadline | undefined {
    return this.#due.next();
  }

  status(clock: Clock, whom: StatusOf = "everybody"): NodeStatus {
    this.#facts.clock = clock;
    return statusOf(this.#facts, this.#peers, this.#machines, whom);
  }

  /** Everybody that this host knows by a certificate, itself first. */
  directory(): readonly NamedHost[] {
    return directoryOf(this.#facts, this.#peers);
  }

  /** Who is to be known at the next start, those in use first. */
  remembered(clock: Clock): readonly RememberedHost[] {
    this.#facts.clock = clock;
    return rememberedHosts(this.#facts, this.#peers, this.#machines);
  }

  /** Every rule of the configuration, with what it has allowed. */
  rules(): readonly UsedRule[] {
    return usedRulesOf(this.#facts, this.#machines.policies);
  }

  details(clock: Clock): NodeDetails {
    this.#facts.clock = clock;
    return detailsOf(this.#facts, this.#peers, this.#machines);
  }

  #input(input: Input): void {
    const { adoption, carriers, discovery, gateways, losses } = this.#machines;
    switch (input.kind) {
      case "data-plane-up":
        if (this.#facts.udpPort !== undefined) this.#stop("data-plane-gone");
        this.#facts.udpPort = input.udpPort;
        this.#facts.keepsMemos = !input.isShortLived;
        this.#facts.behindMs = 0;
        this.#out.dataPlaneIsUp = true;
        losses.dataPlaneIsUp(input.ranBefore ?? false);
        gateways.reload();
        adoption.takeOver(input.sessions, input.relays ?? []);
        return;
      case "data-plane-down":
        this.#stop("data-plane-gone");
        return;
      case "data-plane":
        // What the old data plane still had to say when it died is about sessions that are gone.
        if (this.#facts.udpPort !== undefined) this.#fromDataPlane.hear(input.event);
        return;
      case "behind":
        this.#facts.behindMs = input.ms;
        return;
      case "tick":
        return;
      case "resolved":
        discovery.resolved(input.name, input.addresses);
        return;
      case "local-addresses":
        discovery.localAddresses(input);
        return;
      case "recalled":
        discovery.recallHosts(input.hosts);
        adoption.call(
          input.hosts.flatMap(({ inUse, addresses: [name] }) => (inUse && name !== undefined ? [name] : [])),
        );
        return;
      case "woke":
        carriers.woke();
        discovery.presence.woke(input.asleepMs);
        return;
      case "system-routes":
        this.#facts.replaceLearned(input.routes);
        gateways.reload();
        return;
      case "ping":
      case "inquire":
      case "find":
        startQuestion(input, this.#machines);
        return;
      case "reload":
        this.#facts.replaceLive(input.settings);
        for (const machine of this.#machines.all) {
          machine.reload?.();
          this.#settle();
        }
        return;
      case "carrier":
        carriers.told(input.news);
        return;
      case "bulletins":
        this.#machines.bulletins.told(input.news);
        return;
      case "order":
        carryOut(input.order, this.#peers, this.#machines, (command) =>
          this.#events.push({ kind: "command", command }),
        );
        return;
      case "shutdown":
        this.#stop("shutting-down");
        return;
      default:
        unheard(input);
    }
  }

  /** Until nothing that was said is unheard. */
  #settle(): void {
    if (this.#events.length === 0) return;
    for (let next = 0; next < this.#events.length; next++) {
      const event = this.#events[next];
      if (event) this.#hear(event);
    }
    this.#events = [];
  }

  /** Who hears which event. */
  #hear(event: NodeEvent): void {
    const { liveness, discovery, gateways, shortcuts, calls, answers, sessions, promotion } = this.#machines;
    switch (event.kind) {
      case "command":
        if (event.command.kind === "seal-and-send") liveness.posted(event.command);
        this.#out.command(event.command);
        return;
      case "tell":
        this.#out.tell(event.event);
        return;
      case "resolve":
        this.#out.resolve(event.name);
        return;
      case "pong":
      case "ping-failed":
      case "inquired":
      case "found":
      case "undeliverable":
      case "caller-refused":
      case "refused-there":
      case "turned-away":
      case "cut-off":
        hearOfQuestions(event, this.#machines, this.#out);
        return;
      case "send":
        this.#send(event.to, event.parcel);
        return;
      case "deliver":
        this.#deliverAll(event);
        return;
      case "probe":
      case "measure":
      case "used":
      case "doubted":
      case "false-alarm":
      case "path-heard":
      case "ping-replied":
      case "use-path":
      case "silent":
      case "moved":
      case "straight-failed":
        hearOfWays(event, this.#machines);
        return;
      case "unproven":
        answers.probe(event.session);
        return;
      case "ask-where":
        discovery.ask(event.target);
        return;
      case "new-endpoints":
        calls.newEndpoints(event.target);
        shortcuts.newEndpoints(event.target);
        return;
      case "new-ways":
        calls.newWays(event.target);
        return;
      case "seen-by-lighthouse":
      case "nat-changed":
      case "told-about":
        hearOfNat(event, this.#machines);
        return;
      case "quiet":
        discovery.keepAlive(event.session, { path: !event.sends });
        return;
      case "carrier":
        this.#out.carrier(event.order);
        return;
      case "carried":
      case "udp-returned":
      case "relay-sought":
      case "call-begun":
      case "wrong-responder":
        hearOfTcp(event, this.#peers, this.#machines);
        return;
      case "called-again":
        promotion.calledFrom(event.session, event.at);
        return;
      case "call-anew":
        calls.start(event.target, {
          ...(event.version !== undefined && { version: event.version }),
          ...(event.only && { only: event.only }),
          isUrgent: event.isUrgent ?? false,
        });
        return;
      case "call-straight":
        calls.start(event.target, { only: "straight" });
        return;
      case "call-failed":
        discovery.callFailed(event.target);
        return;
      case "renewal-failed":
        liveness.renewalFailed(event.session, event.failure);
        return;
      case "call-answered":
        this.#install(event.handshake, event.waiting);
        return;
      case "handshake-answered": {
        this.#install(event.handshake, []);
        const { to, message2: datagram } = event;
        this.#events.push({ kind: "command", command: { kind: "send-datagram", to, datagram } });
        return;
      }
      case "session-up": {
        const { session, how, waiting } = event;
        hearOfStart(session, this.#machines);
        if (how === "answered") liveness.heard(session);
        // Behind what they have to say: a lighthouse is told where we are before it is asked for others.
        this.#events.push({ kind: "deliver", session, parcels: waiting, first: how === "called" });
        return;
      }
      case "session-gone":
      case "peer-down":
        hearOfEnds(event, this.#machines);
        return;
      case "bulletins-changed":
      case "published":
      case "revoked":
      case "network-rules":
      case "bulletin-became":
      case "guest-rules":
      case "guests-gone":
      case "rules-stand":
        hearOfBulletins(event, this.#facts, this.#machines, this.#out);
        return;
      case "heard":
        gateways.heard(event.session);
        sessions.proven(event.session);
        return;
      case "path-proven":
        discovery.learned(event.session, event.endpoint);
        return;
      case "prefer-session":
        sessions.makePrimary(event.session);
        return;
      case "end-session":
        sessions.end(event.session, event.why, { sendClose: event.sendClose });
        return;
      case "adopt":
      case "taken-over":
        hearOfOutlived(event, this.#machines);
        return;
      default:
        unheard(event);
    }
  }

  #install(handshake: FinishedHandshake, waiting: readonly Parcel[]): void {
    const { policies, sessions } = this.#machines;
    const policyId = policies.bind(handshake.peer);
    sessions.install(handshake, policyId, waiting);
  }

  #send(to: IpAddress, parcel: Parcel): void {
    const session = this.#peers.primaryOf(to);
    if (session) this.#deliver(session, parcel);
    else this.#machines.calls.start(to, { parcel });
  }

  /**
   * What waited for this session. A lighthouse was told where we are in the moment its tunnel came up. The responder of a call of ours waits
   * for proof, so at least a test request goes through at once (reliability R10); its reply is the first measurement of the way.
   */
  #deliverAll({ session, parcels, first }: Extract<NodeEvent, { kind: "deliver" }>): void {
    const { calls, paths } = this.#machines;
    const waiting = [...parcels, ...calls.takeWaiting(session.addresses)];
    const sent = waiting.filter((parcel) => parcel.kind !== "announcement" && this.#deliver(session, parcel));
    if (first && !sent.some(({ kind }) => kind === "test" || kind === "ping")) paths.probe(session);
  }

  #deliver(session: Session, parcel: Parcel): boolean {
    const { inquiries, paths, pings } = this.#machines;
    if (parcel.kind === "test") return paths.probe(session);
    if (parcel.kind === "ping") return pings.sessionReady(parcel.id, session);
    if (parcel.kind === "question") return inquiries.sessionReady(parcel.id, session);
    const commands = postCommands(session, parcel, senderOf(this.#facts, this.#machines));
    for (const command of commands) this.#events.push({ kind: "command", command });
    return commands.length > 0;
  }

  /** There is no data plane any more, or this host ends: what comes after is lost. */
  #stop(why: StopReason): void {
    if (why === "data-plane-gone") this.#out.dataPlaneIsUp = false;
    if (why === "data-plane-gone") this.#facts.udpPort = undefined;
    for (const machine of this.#machines.all) machine.stop?.(why);
    this.#settle();
    this.#facts.udpPort = undefined;
    this.#out.dataPlaneIsUp = false;
  }
}

/** Does not compile while a kind is left out. */
function unheard(_: never): void {}

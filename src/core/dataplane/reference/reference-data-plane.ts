import { fail, ok, type Result } from "../../base/result.ts";
import { earliest, type Instant } from "../../base/time.ts";
import type { CryptoSuite } from "../../crypto/suite.ts";
import { DropReason } from "../../drop-reason.ts";
import { ALLOW_RULES_MAX, countRules } from "../../netip/allow-list.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { Path } from "../../path/path.ts";
import { RouteTable } from "../../route/route-table.ts";
import { DATAGRAM_BYTES_MAX, PacketType, TestSubtype } from "../../wire/header.ts";
import {
  AWAIT_MS_MAX,
  type DataPlaneCommand,
  type LocalIndex,
  type PolicyId,
  type Relay,
  refusedCommand,
  type SessionSnapshot,
} from "../contract.ts";
import { FLOWS_MAX } from "../flow-limit.ts";
import { wantsAnswer } from "./acquaintances.ts";
import { refusalOfFilter } from "./capture.ts";
import { Firewall } from "./firewall.ts";
import { Inbound } from "./inbound.ts";
import { refusalOfAnswer } from "./kept-answer.ts";
import { MessageLimiter } from "./message-limiter.ts";
import { BODY_BYTES_MAX, Outbound, type OutboundMessage } from "./outbound.ts";
import type { DataPlaneOutput } from "./outbox.ts";
import { refusalOfPrograms } from "./policy-table.ts";
import { bad, type Refusal } from "./refusal.ts";
import { refusalOfRelay } from "./relay-table.ts";
import { Session } from "./session.ts";
import { SILENCE_MS_MAX } from "./silence-watch.ts";
import { Tables } from "./tables.ts";

export type { DataPlaneOutput } from "./outbox.ts";

/**
 * native/contract/SEMANTICS.md as a program: what the simulator and a host without a TUN device run on, and what the native engine is
 * compared with. `inbound.ts` and `outbound.ts` are the two ways of a packet; this is the door: commands, packets and time in,
 * outputs out.
 *
 * Bytes handed in belong to the data plane from then on; bytes handed out belong to the caller. Nothing throws on packets.
 */
export class ReferenceDataPlane {
  readonly #suite: CryptoSuite;
  readonly #tables = new Tables();
  readonly #messages = new MessageLimiter();
  readonly #firewall = new Firewall(this.#tables, this.#messages);
  readonly #outbound = new Outbound(this.#tables, this.#firewall);
  readonly #inbound = new Inbound(this.#tables, this.#firewall, this.#messages, this.#outbound);
  #tunReadPackets = 0n;
  #udpReceivedDatagrams = 0n;

  constructor(suite: CryptoSuite) {
    this.#suite = suite;
  }

  /** One command of the control plane. One that cannot be carried out changes nothing and is answered by `command-failed`. */
  command(command: DataPlaneCommand, now: Instant): void {
    this.tick(now);
    const done = this.#execute(command, now);
    if (done.ok) return;
    this.#tables.out.tell({ kind: "command-failed", ...refusedCommand(command), ...done.reason });
  }

  /** A packet that this host sends into the mesh. */
  fromTun(packet: Uint8Array, now: Instant): void {
    this.tick(now);
    this.#tunReadPackets++;
    this.#outbound.fromTun(packet, now);
  }

  /** A datagram from the socket. `source` is unmapped. */
  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void {
    this.tick(now);
    this.#udpReceivedDatagrams++;
    this.#inbound.fromUdp(source, datagram, now);
  }

  /** What time alone brings about (SEMANTICS 10). Harmless at any moment. */
  tick(now: Instant): void {
    const { parking, flows, flowLog, capture, silence, out } = this.#tables;
    const expired = parking.expire(now);
    if (expired > 0) out.countDrops(DropReason.parkedExpired, expired);
    this.#inbound.expire(now);
    for (const silent of silence.takeSilent(now)) out.tell({ kind: "silent", ...silent });
    flows.sweep(now);
    const records = flowLog.takeDue(now);
    if (records) out.tell({ kind: "flow-records", ...records });
    const captured = capture.takeDue(now);
    if (captured) out.tell({ kind: "captured", ...captured });
  }

  /** The next output, or undefined when all have been taken. */
  poll(): DataPlaneOutput | undefined {
    return this.#tables.out.poll();
  }

  /** When `tick` has something to do. */
  pollTimeout(): Instant | undefined {
    const { parking, silence, flowLog, capture } = this.#tables;
    return earliest(parking.deadline, this.#inbound.deadline, silence.deadline, flowLog.deadline, capture.deadline);
  }

  /** The sessions as a control plane that starts anew finds them, in ascending order of the local index. It knows of nothing that was said before. */
  snapshot(): readonly SessionSnapshot[] {
    const { sessions } = this.#tables;
    for (const session of sessions.all()) session.keptAnswer.forget();
    return sessions.all().map((session) => session.snapshot(sessions.isPrimary(session)));
  }

  /** Its relays, in ascending order of the relay index. */
  relays(): readonly Relay[] {
    return this.#tables.relays.all();
  }

  #execute(command: DataPlaneCommand, now: Instant): Result<void, Refusal> {
    const { out, parking } = this.#tables;
    switch (command.kind) {
      case "configure":
        return this.#configure(command, now);
      case "install-session":
        return this.#install(command, now);
      case "set-path":
        return this.#setPath(command);
      case "set-path-mtu":
        return this.#setPathMtu(command);
      case "set-primary":
        return this.#setPrimary(command.localIndex, now);
      case "remove-session":
        return this.#remove(command, now);
      case "apply-policies":
        return this.#applyPolicies(command);
      case "apply-routes":
        return this.#applyRoutes(command);
      case "seal-and-send":
        return this.#sealAndSend(command, now);
      case "send-datagram":
        return this.#sendDatagram(command, now);
      case "drop-parked":
        out.countDrops(DropReason.parkedDropped, parking.take(command.destination).length);
        return DONE;
      case "set-relay":
        return this.#setRelay(command);
      case "remove-relay":
        this.#tables.relays.remove(command.relayIndex);
        return DONE;
      case "await-session":
        return this.#awaitSession(command, now);
      case "keep-answer":
        return this.#keepAnswer(command, now);
      case "watch-silence":
        return this.#watchSilence(command);
      case "sample":
        this.#sample(now);
        return DONE;
      case "list-flows":
        this.#listFlows(now);
        return DONE;
      case "start-capture":
        return this.#startCapture(command);
      case "stop-capture":
        this.#tables.capture.stop();
        return DONE;
    }
  }

  #configure(command: Command<"configure">, now: Instant): Result<void, Refusal> {
    const { tcpMs, udpMs, otherMs } = command.flowTimeouts;
    if (Math.min(tcpMs, udpMs, otherMs) < 1) return fail(bad("a flow timeout is at least 1 ms"));
    if (command.flowLimit > FLOWS_MAX) return fail(bad(`${command.flowLimit} flows are more than ${FLOWS_MAX}`));
    if (countRules(command.remoteAllowList) > ALLOW_RULES_MAX)
      return fail(bad(`there are more than ${ALLOW_RULES_MAX} rules and ranges of where peers may be`));
    this.#tables.configure(command, now);
    return DONE;
  }

  #install(command: Command<"install-session">, now: Instant): Result<void, Refusal> {
    const { sessions, policies } = this.#tables;
    const refusal = refusalOfInstallation(command);
    if (refusal) return fail(refusal);
    if (sessions.get(command.localIndex)) return fail(bad("the local index is taken"));
    if (!sessions.hasRoomFor(command.peerAddresses)) return fail(bad("the session table is full"));
    if (!policies.has(command.policyId))
      return fail({ code: "unknown-policy", error: "no policy program has this id" });
    const session = new Session(this.#suite, command, sessions.used);
    sessions.add(session);
    if (command.primary && session.confirmed) this.#makePrimary(session, now);
    this.#inbound.catchUp(session, now);
    return DONE;
  }

  #setPath({ localIndex, path, shunLeft }: Command<"set-path">): Result<void, Refusal> {
    const refusal = refusalOfPath(path, localIndex);
    return refusal
      ? fail(refusal)
      : this.#with(localIndex, (session) => session.path.set(path, { shunLeft: shunLeft ?? false }));
  }

  #setPathMtu(command: Command<"set-path-mtu">): Result<void, Refusal> {
    if (command.mtu !== 0 && command.mtu < PATH_MTU_MIN) return fail(bad("no path carries so little"));
    return this.#with(command.localIndex, (session) => session.mtu.set(command));
  }

  #setPrimary(localIndex: LocalIndex, now: Instant): Result<void, Refusal> {
    const session = this.#tables.sessions.get(localIndex);
    if (!session) return fail(UNKNOWN_SESSION);
    if (!session.confirmed) return fail(bad("the session is not confirmed"));
    this.#makePrimary(session, now);
    return DONE;
  }

  #makePrimary(session: Session, now: Instant): void {
    this.#tables.sessions.makePrimary(session);
    this.#outbound.release(session.peerAddresses, now);
  }

  #remove({ localIndex, sendClose }: Command<"remove-session">, now: Instant): Result<void, Refusal> {
    return this.#with(localIndex, (session) => {
      if (sendClose) this.#outbound.transmit(session, CLOSE, now);
      this.#tables.forget(session);
    });
  }

  #awaitSession({ localIndex, forMs }: Command<"await-session">, now: Instant): Result<void, Refusal> {
    if (forMs > AWAIT_MS_MAX) return fail(bad(`no handshake takes longer than ${AWAIT_MS_MAX} ms`));
    this.#inbound.awaited.expect(localIndex, forMs, now);
    return DONE;
  }

  #keepAnswer(command: Command<"keep-answer">, now: Instant): Result<void, Refusal> {
    const refusal = refusalOfAnswer(command);
    return refusal ? fail(refusal) : this.#with(command.localIndex, (session) => session.keptAnswer.keep(command, now));
  }

  #watchSilence({ localIndex, afterMs }: Command<"watch-silence">): Result<void, Refusal> {
    if (afterMs > SILENCE_MS_MAX) return fail(bad(`nobody is silent for more than ${SILENCE_MS_MAX} ms`));
    return this.#with(localIndex, (session) => this.#tables.silence.set(session, afterMs));
  }

  #setRelay({ kind: _, ...relay }: Command<"set-relay">): Result<void, Refusal> {
    const { relays, sessions } = this.#tables;
    const refusal = refusalOfRelay(relay, (index) => sessions.get(index));
    return refusal ? fail(refusal) : relays.set(relay);
  }

  #applyPolicies({ programs, bindings, raiseEpoch }: Command<"apply-policies">): Result<void, Refusal> {
    const { policies, flows, sessions } = this.#tables;
    const refusal = refusalOfPrograms(programs);
    if (refusal) return fail(refusal);
    const brought = new Set(programs.map(({ policyId }) => policyId));
    if (!bindings.every(({ policyId }) => brought.has(policyId) || policies.has(policyId)))
      return fail({ code: "unknown-policy", error: "a binding names a policy program that is not there" });
    // Who only adds a program knows what is here, and need not send it again with the next handshake.
    const kept = raiseEpoch ? this.#policiesInUse(bindings) : "all";
    if (!policies.apply(programs, kept)) return fail(bad("the policy table is full"));
    for (const { localIndex, policyId } of bindings) {
      const session = sessions.get(localIndex);
      if (session) session.policyId = policyId;
    }
    if (raiseEpoch) flows.raiseEpoch();
    return DONE;
  }

  /** Once these bindings hold. */
  #policiesInUse(bindings: Command<"apply-policies">["bindings"]): ReadonlySet<PolicyId> {
    const bound = new Map(bindings.map(({ localIndex, policyId }) => [localIndex, policyId]));
    const sessions = this.#tables.sessions.all();
    return new Set(sessions.map(({ localIndex, policyId }) => bound.get(localIndex) ?? policyId));
  }

  #applyRoutes({ routes }: Command<"apply-routes">): Result<void, Refusal> {
    const table = RouteTable.of(routes);
    if (!table.ok) return fail(bad(table.reason));
    this.#tables.routes = table.value;
    return DONE;
  }

  #sealAndSend(command: Command<"seal-and-send">, now: Instant): Result<void, Refusal> {
    const message = { type: command.type, subtype: command.subtype, body: command.body };
    if (!isSealable(message)) return fail(bad("packets of this type are not sealed on request"));
    if (message.body.length > BODY_BYTES_MAX) return fail(bad("the body does not fit a datagram"));
    return this.#with(command.localIndex, (session) => this.#outbound.transmit(session, message, now, command.to));
  }

  #sample(now: Instant): void {
    const { sessions, policies, relays, flows, parking, out } = this.#tables;
    this.#tellOfFlows(now);
    const used = sessions.takeUsed();
    // Whoever moved has carried something.
    for (const { localIndex, path: held } of used) {
      const path = held.takeUntold(now);
      if (path) out.tell({ kind: "roamed", localIndex, path });
    }
    const activity = used.flatMap((session) => session.takeActivity() ?? []);
    const counters = out.counters({
      tunReadPackets: this.#tunReadPackets,
      udpReceivedDatagrams: this.#udpReceivedDatagrams,
      flows: BigInt(flows.size),
      parked: BigInt(parking.packets),
    });
    const rules = policies.takeCounters();
    out.tell({ kind: "sampled", activity, counters, rules, relays: relays.takeActivity() });
  }

  /** Whoever asks hears of everything before the answer. */
  #tellOfFlows(now: Instant): void {
    const { flowLog, out } = this.#tables;
    const records = flowLog.takeAll(now);
    if (records) out.tell({ kind: "flow-records", ...records });
  }

  #listFlows(now: Instant): void {
    const { flows, out } = this.#tables;
    this.#tellOfFlows(now);
    const all = flows.list(now);
    for (let from = 0; from < all.length; from += FLOWS_TOLD_MAX)
      out.tell({ kind: "flows", flows: all.slice(from, from + FLOWS_TOLD_MAX) });
    out.tell({ kind: "flows", flows: [], isLast: true });
  }

  #startCapture({ filter, snapBytes }: Command<"start-capture">): Result<void, Refusal> {
    const refusal = refusalOfFilter(filter);
    if (refusal) return fail(bad(refusal));
    this.#tables.capture.start(filter, snapBytes);
    return DONE;
  }

  #sendDatagram({ to, datagram }: Command<"send-datagram">, now: Instant): Result<void, Refusal> {
    const isRelayed = to.kind === "relayed";
    if (datagram.length > (isRelayed ? BODY_BYTES_MAX : DATAGRAM_BYTES_MAX))
      return fail(bad("the datagram is longer than any peer reads"));
    const refusal = refusalOfPath(to, undefined);
    if (refusal) return fail(refusal);
    if (!isRelayed && wantsAnswer(datagram)) this.#tables.acquaintances.asked(to.endpoint, now);
    this.#outbound.send(to, datagram, now);
    return DONE;
  }

  #with(localIndex: LocalIndex, act: (session: Session) => void): Result<void, Refusal> {
    const session = this.#tables.sessions.get(localIndex);
    if (!session) return fail(UNKNOWN_SESSION);
    act(session);
    return DONE;
  }
}

type Command<Kind extends DataPlaneCommand["kind"]> = Extract<DataPlaneCommand, { kind: Kind }>;

/** Room for the largest certificate and both handshake messages of an ordinary one. */
const MEMO_BYTES_MAX = 64 * 1024;
const KEY_BYTES = 32;
const CLOSE: OutboundMessage = { type: PacketType.closeTunnel, subtype: 0, body: new Uint8Array() };
const DONE: Result<void, never> = ok(undefined);
const UNKNOWN_SESSION: Refusal = { code: "unknown-session", error: "no session has this local index" };
/** Prefixes behind one peer. */
const ALLOWED_PREFIXES_MAX = 1024;
/** What every link of IPv4 carries (RFC 791). */
const PATH_MTU_MIN = 68;
/** Flows in one event. */
const FLOWS_TOLD_MAX = 1024;

function refusalOfInstallation(command: Command<"install-session">): Refusal | undefined {
  if (command.sendKey.length !== KEY_BYTES || command.receiveKey.length !== KEY_BYTES)
    return bad("a key is not 32 bytes");
  if (command.localIndex === 0 || command.remoteIndex === 0) return bad("an index is 0");
  if (command.peerAddresses.length === 0) return bad("the peer has no address");
  const refusal = command.path && refusalOfPath(command.path, command.localIndex);
  if (refusal) return refusal;
  if (command.allowedPrefixes.length > ALLOWED_PREFIXES_MAX) return bad("too many prefixes lie behind the peer");
  return command.memo.length > MEMO_BYTES_MAX ? bad("the memo is longer than 64 KiB") : undefined;
}

/** A hop may be gone by the time that something is sent; what can never be one is refused. */
function refusalOfPath(path: Path, of: LocalIndex | undefined): Refusal | undefined {
  if (path.kind === "direct") return undefined;
  if (path.relayIndex === 0) return bad("the relay index of a path is 0");
  return path.session === of ? bad("a session is no relay for itself") : undefined;
}

/** The encrypted types, except relay frames: those are not made here. */
function isSealable(message: { type: number; subtype: number; body: Uint8Array }): message is OutboundMessage {
  const { type, subtype } = message;
  if (type === PacketType.test) return TEST_SUBTYPES.has(subtype);
  return subtype === 0 && SEALED_TYPES.has(type);
}

const TEST_SUBTYPES: ReadonlySet<number> = new Set(Object.values(TestSubtype));
const SEALED_TYPES: ReadonlySet<number> = new Set([
  PacketType.message,
  PacketType.lighthouse,
  PacketType.closeTunnel,
  PacketType.control,
]);

import type { DataPlaneEvent, FlowRecord } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Origin } from "../path/path.ts";
import type { LocalIndex } from "../path/session-index.ts";
import type { PeerTable } from "../peer/peer-table.ts";
import type { Session } from "../peer/session.ts";
import { reachOf } from "../route/reach.ts";
import { decodeBulletinMessage } from "../wire/bulletin-message.ts";
import { decodeExplanation } from "../wire/explanation.ts";
import { decodeHeader, PATH_TOKEN_BYTES, PacketType, TestSubtype } from "../wire/header.ts";
import type { NodeFacts } from "./facts.ts";
import { FlowStories } from "./flow-stories.ts";
import type { Machines } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

type Event<Kind extends DataPlaneEvent["kind"]> = Extract<DataPlaneEvent, { kind: Kind }>;

/** What it says about one session. */
type OfSession = "message" | "confirmed" | "large-sent" | "path-replied" | "roamed" | "silent" | "counter-high";

/** Tells what the data plane says to the machines that it concerns. */
export class FromDataPlane {
  readonly #facts: NodeFacts;
  readonly #peers: PeerTable;
  readonly #machines: Machines;
  readonly #out: Outbox;
  readonly #stories: FlowStories;

  constructor(facts: NodeFacts, peers: PeerTable, machines: Machines, out: Outbox) {
    this.#facts = facts;
    this.#peers = peers;
    this.#machines = machines;
    this.#out = out;
    this.#stories = new FlowStories(facts, peers, machines.policies);
  }

  hear(event: DataPlaneEvent): void {
    const { liveness, pathMtu, policies, promotion, refusals, relays, losses } = this.#machines;
    switch (event.kind) {
      case "datagram":
        this.#datagram(event.origin, event.datagram);
        return;
      case "need-session":
        this.#needSession(event.destination);
        return;
      case "sampled":
        liveness.sampled(event);
        losses.sampled(event.counters);
        relays.sampled(event.relays);
        promotion.sampled(event.activity);
        policies.sampled(event.rules);
        return;
      case "drop-sample":
        refusals.dropped(event);
        return;
      case "command-failed":
        this.#commandFailed(event);
        return;
      case "send-error":
        if (event.error !== "EMSGSIZE" || !pathMtu.refusedAsTooLong(event.endpoint))
          losses.refused(event.endpoint, event.error);
        return;
      case "captured":
        this.#out.captured(
          event.packets.map(({ localIndex, ...packet }) => ({ ...packet, peer: this.#session(localIndex)?.peer.name })),
          event.lost,
        );
        return;
      case "flow-records":
        for (const record of event.records) refusals.recorded(record);
        this.#tellOfFlows(event.records, event.untold);
        return;
      case "flows":
        this.#out.openFlows(
          event.flows.map((flow) => this.#stories.ofOpen(flow)),
          event.isLast ?? false,
        );
        return;
      case "message":
      case "confirmed":
      case "large-sent":
      case "path-replied":
      case "roamed":
      case "silent":
      case "counter-high": {
        const session = this.#session(event.localIndex);
        if (session) this.#ofSession(session, event);
        return;
      }
      default:
        unheard(event);
    }
  }

  #ofSession(session: Session, event: Event<OfSession>): void {
    const { carriers, liveness, pathMtu, paths, sessions } = this.#machines;
    switch (event.kind) {
      case "message":
        this.#message(session, event);
        return;
      case "confirmed":
        sessions.confirmed(session);
        return;
      case "large-sent":
        pathMtu.largeSent(session);
        return;
      case "path-replied":
        paths.pathReplied(session, event.origin, event.token);
        carriers.pathReplied(session, event.origin, event.token);
        pathMtu.replied(session, event.token);
        return;
      case "roamed":
        sessions.roamed(session, event.path);
        carriers.roamed(session, event.path);
        return;
      case "silent":
        liveness.unanswered(session);
        return;
      case "counter-high":
        liveness.counterHigh(session, event);
        return;
      default:
        unheard(event);
    }
  }

  #datagram(origin: Origin, datagram: Uint8Array): void {
    const { answers, calls, liveness } = this.#machines;
    const header = decodeHeader(datagram);
    if (!header.ok) return;
    const { type, counter, remoteIndex } = header.value;
    // Nobody answers through a relay that there is no such session: what comes through one has been addressed by the host itself.
    if (type === PacketType.recvError && origin.kind === "direct") liveness.recvError(origin.endpoint, remoteIndex);
    else if (type !== PacketType.handshake) return;
    else if (counter === 1n && remoteIndex === 0) answers.message1(origin, datagram);
    else if (counter !== 1n) calls.message2(origin, remoteIndex as LocalIndex, datagram);
  }

  #message(session: Session, { type, subtype, body, heard = 0 }: Event<"message">): void {
    const { carriers, discovery, liveness, nat, relays, sessions } = this.#machines;
    if (type === PacketType.closeTunnel) {
      sessions.forget(session, "closed-by-peer");
      return;
    }
    liveness.heard(session);
    carriers.heard(session);
    if (type === PacketType.lighthouse) discovery.received(session, body, heard);
    else if (type === PacketType.control) {
      if (!this.#explained(session, body) && !this.#bulletin(session, body) && !carriers.received(session, body))
        relays.received(session, body);
    } else if (type === PacketType.test && subtype === TestSubtype.reply) this.#testReplied(session, body);
    else if (type === PacketType.test && subtype === TestSubtype.bindingReply) nat.bindingReplied(session, body);
  }

  /** Whether this control message was one about what the authority tells everybody. */
  #bulletin(session: Session, body: Uint8Array): boolean {
    const message = decodeBulletinMessage(body);
    if (message) this.#machines.bulletins.heard(session, message);
    return message !== undefined;
  }

  #tellOfFlows(records: readonly FlowRecord[], untold: number): void {
    const stories = records.map((record) => this.#stories.of(record));
    for (const story of stories) this.#machines.networkPolicy.heardOf(story);
    this.#out.flows(stories, untold);
  }

  /** Whether this control message was one about packets and rules. */
  #explained(session: Session, body: Uint8Array): boolean {
    const { inquiries, names, refusals, turnedAway } = this.#machines;
    const message = decodeExplanation(body);
    switch (message?.kind) {
      case "question":
        inquiries.asked(session, message);
        break;
      case "answer":
        inquiries.answered(session, message);
        break;
      case "refused": {
        const refused = refusals.told(session, message);
        if (refused) this.#out.flows([this.#stories.ofRefusedThere(session, refused)], 0);
        break;
      }
      case "tell-handshake-refused":
        turnedAway.tell(session, message);
        break;
      case "handshake-refused":
        turnedAway.told(session, message);
        break;
      case "who-is":
        names.asked(session, message);
        break;
      case "host-is":
        names.answered(session, message);
        break;
      case undefined:
        return false;
    }
    return true;
  }

  /** What only asks whether the peer is there is empty. */
  #testReplied(session: Session, body: Uint8Array): void {
    const { pathMtu, paths } = this.#machines;
    if (body.length === 0) paths.testReplied(session);
    else pathMtu.replied(session, body.subarray(0, PATH_TOKEN_BYTES));
  }

  #needSession(destination: IpAddress): void {
    const { calls, gateways, sessions } = this.#machines;
    const standing = this.#peers.primaryOf(destination);
    // Said again even if the data plane heard it meanwhile: the two must not disagree for good on which session sends.
    if (standing) sessions.makePrimary(standing);
    else if (reachOf(this.#facts.routes, destination) === "host") {
      calls.start(destination);
      gateways.needed(destination);
    } else this.#out.command({ kind: "drop-parked", destination });
  }

  #commandFailed({ command, localIndex, rulesStand, code, error }: Event<"command-failed">): void {
    const { policies, sessions } = this.#machines;
    const session = this.#session(localIndex);
    if (command === "apply-policies" || code === "unknown-policy") policies.refused();
    this.#out.tell({ code: "data-plane-refused", command, reason: code, error });
    if (rulesStand) sessions.endAll("rules");
    if (session && (command === "install-session" || code === "unknown-session"))
      sessions.forget(session, "refused-by-data-plane");
  }

  #session(index: LocalIndex | undefined): Session | undefined {
    return index === undefined ? undefined : this.#peers.session(index);
  }
}

/** Does not compile while a kind is left out. */
function unheard(_: never): void {}

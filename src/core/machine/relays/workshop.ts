import type { CertificateVersion } from "../../cert/certificate.ts";
import type { DataPlaneCommand, RelayRole } from "../../dataplane/contract.ts";
import { drawLocalIndex } from "../../handshake/local-index.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import { controlPacket } from "../../peer/control-packet.ts";
import type { Session } from "../../peer/session.ts";
import { encodeRelayControl, type RelayControl } from "../../wire/relay-control.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit } from "../machine.ts";
import { after, type Ends, type Leg, type LegRole, remoteIndexOf } from "./leg.ts";
import type { Legs } from "./legs.ts";

/** What both sorts of legs need done: made and unmade, talked about with the neighbour, and told to the data plane. */
export class Workshop {
  readonly #facts: Facts;
  readonly #legs: Legs;
  readonly #emit: Emit<CommonEvent>;

  constructor(facts: Facts, legs: Legs, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#legs = legs;
    this.#emit = emit;
  }

  /** The leg on this session that leads there, a new one if there is none. */
  open(session: Session, far: IpAddress, role: LegRole, owner: IpAddress): Leg | undefined {
    return this.#legs.find(session, far, role) ?? this.openAnother(session, far, role, owner);
  }

  /** One more leg on this session that leads there. */
  openAnother(session: Session, far: IpAddress, role: LegRole, owner: IpAddress): Leg | undefined {
    const isTaken = (index: LocalIndex): boolean => this.#legs.byIndex(index) !== undefined;
    const index = drawLocalIndex(this.#facts.entropy, isTaken);
    if (index === undefined) return undefined;
    const state = after(undefined, { is: "asking" }, role);
    const fresh = { askedAs: far, owes: undefined, isTaken: false, bytes: 0, told: undefined };
    const leg: Leg = { index, session, far, role, state, ...fresh };
    const surplus = this.#legs.add(leg, owner);
    if (surplus) this.tellDataPlane(surplus, undefined);
    return leg;
  }

  close(leg: Leg): void {
    this.#legs.remove(leg);
    this.tellDataPlane(leg, undefined);
  }

  /** Asks the neighbour, with the same index every time: a host takes no other one for what it knows already (protocol 13.45). */
  ask(leg: Leg, ends: Ends, dialect: CertificateVersion): void {
    leg.state = after(leg.state, { is: "asking" }, leg.role);
    this.#say(leg, { kind: "request", initiatorIndex: leg.index, from: ends.from, to: ends.to }, dialect);
  }

  /** Answers what the neighbour has asked, if it still waits for that. */
  answer(leg: Leg): void {
    const { owes, index } = leg;
    const initiatorIndex = remoteIndexOf(leg.state);
    if (!owes || initiatorIndex === undefined) return;
    leg.owes = undefined;
    const { from, to, dialect } = owes;
    this.#say(leg, { kind: "response", initiatorIndex, responderIndex: index, from, to }, dialect);
  }

  /** What the data plane does with frames on this leg from now on; undefined: nothing. Says nothing twice. */
  tellDataPlane(leg: Leg, role: RelayRole | undefined): void {
    const { index: relayIndex, session } = leg;
    const remoteIndex = remoteIndexOf(leg.state) ?? 0;
    const told = role && JSON.stringify([remoteIndex, role]);
    if (told === leg.told) return;
    leg.told = told;
    this.#command(
      role
        ? { kind: "set-relay", relayIndex, session: session.localIndex, remoteIndex, role }
        : { kind: "remove-relay", relayIndex },
    );
  }

  #say({ session }: Leg, message: RelayControl, dialect: CertificateVersion): void {
    const body = encodeRelayControl(message, dialect);
    if (body) this.#command(controlPacket(session, body));
  }

  #command(command: DataPlaneCommand): void {
    this.#emit({ kind: "command", command });
  }
}

import type { Instant } from "../../base/time.ts";
import { ProbeBudget, type ProbeKind } from "../../discovery/probe-budget.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { directPath, endpointOf } from "../../path/path.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { KEEPALIVE, PUNCH, type PunchAction, Punches, type PunchNotice } from "../../punch/punches.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit } from "../machine.ts";

export interface OpeningsPorts {
  /** Where the host may be. */
  endpointsOf(host: IpAddress): readonly Endpoint[];
  /** Whether more than somebody's word says that the host is there. */
  isProven(host: IpAddress, at: Endpoint): boolean;
  /** Whose word says so. */
  namedBy(host: IpAddress, at: Endpoint): readonly IpAddress[];
}

/** Bytes that open the routers on the way to a host (protocol 6), and what may be sent on whose word. */
export class Openings {
  readonly #facts: Facts;
  readonly #ports: OpeningsPorts;
  readonly #emit: Emit<CommonEvent>;
  readonly #probes = new ProbeBudget();
  readonly #punches = new Punches();

  constructor(facts: Facts, ports: OpeningsPorts, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** One more datagram of this kind to a place that `owner` has named; false when it must not be sent. */
  mayProbe(kind: ProbeKind, owner: IpAddress, at: Endpoint): boolean {
    return this.#probes.take(kind, owner, at, this.#facts.now);
  }

  /**
   * Somebody is about to call, says a lighthouse: a byte while the first message of the caller is on its way, and another after the delay, for when the
   * first was lost or came too early.
   */
  notified(notice: PunchNotice): void {
    const { settings, now } = this.#facts;
    this.#punches.notified(notice, settings.live.punchy, now);
  }

  /** Of these places of a host, those where a byte may go: for a notice its lighthouse pays, else whoever has named them. */
  punchable(host: IpAddress, endpoints: Iterable<Endpoint>, payers?: readonly IpAddress[]): readonly Endpoint[] {
    return [...endpoints].filter(
      (at) =>
        this.#ports.isProven(host, at) ||
        (payers ?? this.#ports.namedBy(host, at)).some((owner) => this.mayProbe("punch", owner, at)),
    );
  }

  send(endpoints: readonly Endpoint[], datagram: Uint8Array): void {
    for (const at of endpoints)
      this.#emit({ kind: "command", command: { kind: "send-datagram", to: directPath(at), datagram } });
  }

  /**
   * One byte to where the peer is known to be, so that routers in between keep their mapping (`punchy.punch`); not to its path while that carries
   * packets anyway.
   */
  keepAlive(session: Session, options: { readonly path: boolean }): void {
    const { punchy } = this.#facts.settings.live;
    if (!punchy.punch) return;
    const at = endpointOf(session.path);
    const name = nameAddress(session);
    const others = punchy.targetAllRemotes ? this.#ports.endpointsOf(name).filter((other) => other !== at) : [];
    const kept = options.path && at !== undefined ? [at] : [];
    this.send([...kept, ...this.punchable(name, others)], KEEPALIVE);
  }

  nextAt(): Instant | undefined {
    return this.#punches.nextAt();
  }

  /** Punches what is due; returns whom to call back. */
  tick(): readonly IpAddress[] {
    const { now } = this.#facts;
    const callBack: IpAddress[] = [];
    for (let due: PunchAction | undefined = this.#punches.popDue(now); due; due = this.#punches.popDue(now)) {
      if (due.kind === "respond") callBack.push(due.host);
      else this.send(this.punchable(due.host, due.endpoints, [due.lighthouse]), PUNCH);
    }
    return callBack;
  }

  clear(): void {
    this.#punches.clear();
  }
}

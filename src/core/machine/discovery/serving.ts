import { ASKED_BYTES_MAX } from "../../dataplane/kept-answer.ts";
import type { LighthouseRequest, LighthouseService } from "../../discovery/service.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { isCarried } from "../../path/carried.ts";
import { endpointOf } from "../../path/path.ts";
import type { AnswerParcel } from "../../peer/parcel.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { LighthouseMessage } from "../../wire/lighthouse.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, SendEvent } from "../machine.ts";
import { withAllowed } from "./allowed-message.ts";

/** A message as it came: its bytes, and which one it is of those that the data plane told. */
export interface HeardRequest extends LighthouseRequest {
  readonly body: Uint8Array;
  /** 0: the data plane does not count them, and keeps no answers. */
  readonly heard: number;
}

type HostUpdate = Extract<LighthouseMessage, { kind: "host-update" }>;

export interface ServingPorts {
  /** A host says where it is: this host may want to call it. */
  reported(session: Session, update: HostUpdate): void;
  allowed(host: readonly IpAddress[], endpoints: readonly Endpoint[]): readonly Endpoint[];
}

/** What a lighthouse does for others: answers, and has the data plane give them again to whoever only repeats where it is. */
export class Serving {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #lighthouse: LighthouseService;
  readonly #ports: ServingPorts;
  readonly #emit: Emit<CommonEvent | SendEvent>;

  constructor(
    facts: Facts,
    peers: Peers,
    lighthouse: LighthouseService,
    ports: ServingPorts,
    emit: Emit<CommonEvent | SendEvent>,
  ) {
    this.#facts = facts;
    this.#peers = peers;
    this.#lighthouse = lighthouse;
    this.#ports = ports;
    this.#emit = emit;
  }

  serve(session: Session, request: HeardRequest): void {
    const { addresses, peer: certificate } = session;
    const { now, lighthouses } = this.#facts;
    const { message } = request;
    const replies = this.#lighthouse.answer({ addresses, certificate }, request, now, lighthouses);
    if (typeof replies === "string") {
      const event = { code: "lighthouse-message-refused", name: certificate.name, refusal: replies } as const;
      this.#emit({ kind: "tell", event: { ...event, address: nameAddress(session) } });
      return;
    }
    if (message.kind === "host-update") {
      this.#ports.reported(session, message);
      this.#forgetAnswers(session);
    }
    const again = this.#isWorthKeeping(session, request)
      ? { localIndex: session.localIndex, asked: request.body, heard: request.heard }
      : undefined;
    for (const { to, dialect, message: said } of replies) {
      const allowed = withAllowed(said, (host, endpoints) => this.#ports.allowed([host], endpoints));
      const parcel: AnswerParcel = { kind: "answer", reply: { to, dialect, message: allowed }, again };
      this.#emit({ kind: "send", to, parcel });
    }
  }

  /** The peer's authenticated packets come from here. */
  learned(session: Session, at: Endpoint): void {
    this.#lighthouse.learned(session.addresses, at, this.#facts.now);
    this.#forgetAnswers(session);
  }

  /** The last tunnel to the peer is gone. */
  closed({ addresses }: Session): void {
    this.#lighthouse.closed(addresses);
  }

  /**
   * Only where a host is: it says the same every few seconds, and nothing follows from it. Other lighthouses and connections over TCP are watched by
   * what comes of them.
   */
  #isWorthKeeping({ path, addresses }: Session, { message, body, heard }: HeardRequest): boolean {
    if (message.kind !== "host-update" || heard === 0 || body.length > ASKED_BYTES_MAX) return false;
    const at = endpointOf(path);
    return !(at && isCarried(at)) && !addresses.some((address) => this.#facts.isLighthouse(address));
  }

  /** What other sessions of the host are answered may be wrong by now. That of this one is, for the data plane, as old as its last message. */
  #forgetAnswers(session: Session): void {
    const nothing = new Uint8Array();
    for (const { localIndex } of this.#peers.sessionsOf(nameAddress(session))) {
      if (localIndex === session.localIndex) continue;
      const command = { kind: "keep-answer", localIndex, asked: nothing, answer: nothing, forMs: 0, heard: 0 } as const;
      this.#emit({ kind: "command", command });
    }
  }
}

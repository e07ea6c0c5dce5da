import type { CertificateVersion } from "../cert/certificate.ts";
import { Initiation, type Message2Outcome } from "../handshake/initiation.ts";
import type { Call } from "../handshake/pending.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import { REQUERY_ATTEMPT } from "../handshake/schedule.ts";
import { sealedClose } from "../handshake/sealed-close.ts";
import { versionFor } from "../handshake/version-choice.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import { refusalText } from "../operator/failure-text.ts";
import { addressesOf } from "../tunnel/tunnel.ts";
import type { Header } from "../wire/header.ts";
import { isSameParcel, type Parcel } from "./parcel.ts";
import type { Parts } from "./parts.ts";
import type { CallFailure, NodeState } from "./state.ts";

/** Endpoints that one attempt goes to. A host that names more is tried at its best ones. */
const ENDPOINTS_PER_ATTEMPT_MAX = 32;
/** Endpoints that one call goes to in its whole life, however often lighthouses change their mind. */
const TRIED_MAX = 256;
/** Endpoints that one call leaves out. More wrong answers than this are not mistakes. */
const EXCLUDED_MAX = 64;

/** Handshakes that this host starts (protocol 3.7). */
export class Calls {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  /** Calls a host, unless that is under way; `parcel` goes through the tunnel once it stands. */
  start(target: IpAddress, options: { readonly version?: CertificateVersion; readonly parcel?: Parcel } = {}): void {
    const { pending, settings, udpPort, ownAddresses, now } = this.#state;
    const { parcel } = options;
    if (udpPort === undefined || ownAddresses.includes(target)) return;
    const under = pending.get(target);
    const call = under ?? pending.begin(target, versionFor(settings.live.identity, target, options.version), now);
    if (!call) {
      if (parcel) this.#parts.mail.undeliverable(parcel, this.#failure("handshake-timeout", TOO_MANY_CALLS));
      return;
    }
    if (parcel && !call.waiting.some((other) => isSameParcel(other, parcel)) && !pending.wait(call, parcel))
      this.#parts.mail.undeliverable(parcel, this.#failure("handshake-timeout", TOO_MANY_CALLS));
    if (!under) this.#parts.whereabouts.ask(target);
  }

  /** Attempts that are due. */
  tick(): void {
    const { pending, settings, now } = this.#state;
    for (
      let due = pending.popDue(now, settings.boot.handshakes);
      due;
      due = pending.popDue(now, settings.boot.handshakes)
    ) {
      if (due.exhausted) this.#giveUp(due.call);
      else this.#attempt(due.call);
    }
  }

  /** There may be new endpoints for this host: calls it at those at once, outside the rhythm of attempts. */
  newEndpoints(target: IpAddress): void {
    const call = this.#state.pending.get(target);
    if (!call) return;
    const fresh = this.#endpointsFor(call).filter((endpoint) => !call.tried.has(endpoint));
    if (fresh.length > 0) this.#sendTo(call, fresh);
  }

  /** A message 2. The index in its header, and nothing else, says which call it answers. */
  message2(source: Endpoint, header: Header, datagram: Uint8Array): void {
    const { pending, settings, clock } = this.#state;
    const call = pending.byIndex(header.remoteIndex as Initiation["localIndex"]);
    if (call?.progress.at !== "calling" || call.excluded.has(source)) return;
    const { initiation } = call.progress;
    const outcome = initiation.readMessage2(datagram, settings.live.identity, clock.wall);
    if (outcome.kind === "unreadable") this.#tellUnreadable(call, source);
    else if (outcome.kind === "refused") this.#refused(call, source, outcome.refusal);
    else if (!addressesOf(outcome.peer).includes(call.target)) this.#wrongResponder(call, source, outcome);
    else if (this.#parts.sessions.isFull) this.#fail(call, this.#failure("handshake-refused", TOO_MANY_TUNNELS));
    else this.#complete(call, initiation, source, outcome);
  }

  /**
   * What waits for a tunnel to any of these addresses, now that one stands. Calls for which nothing was sent yet end here; the others go on,
   * because the peer may take their session for its newest.
   */
  takeWaiting(addresses: readonly IpAddress[]): readonly Parcel[] {
    const { pending } = this.#state;
    return addresses.flatMap((address) => {
      const call = pending.get(address);
      if (!call) return [];
      if (call.progress.at === "looking") pending.end(call);
      return call.waiting.splice(0);
    });
  }

  /** Drops every call; who waited for one is told. */
  abandon(failure: CallFailure): void {
    for (const call of [...this.#state.pending.all()]) this.#fail(call, failure);
  }

  #attempt(call: Call<Parcel>): void {
    const endpoints = this.#endpointsFor(call);
    const mayStillHear = this.#parts.whereabouts.mayStillHearOf(call.target);
    if (endpoints.length === 0 && !mayStillHear) {
      this.#giveUp(call);
      return;
    }
    if (call.attempt === REQUERY_ATTEMPT && endpoints.length <= 1) this.#parts.whereabouts.ask(call.target);
    if (endpoints.length > 0) this.#sendTo(call, endpoints);
  }

  #sendTo(call: Call<Parcel>, endpoints: readonly Endpoint[]): void {
    const initiation = this.#initiationOf(call);
    if (!initiation) {
      this.#giveUp(call);
      return;
    }
    for (const endpoint of endpoints) {
      if (call.tried.size >= TRIED_MAX && !call.tried.has(endpoint)) continue;
      call.tried.add(endpoint);
      this.#state.out.command({ kind: "send-datagram", to: endpoint, datagram: initiation.message1 });
    }
  }

  /** Message 1 is made when there is somewhere to send it to, and then only repeated. */
  #initiationOf(call: Call<Parcel>): Initiation | undefined {
    if (call.progress.at === "calling") return call.progress.initiation;
    const { pending, handshakeContext, handshakeTime, clock } = this.#state;
    const localIndex = this.#parts.sessions.freeIndex();
    if (localIndex === undefined) return undefined;
    const time = handshakeTime.next(clock.wall);
    const initiation = Initiation.begin(handshakeContext, { version: call.version, localIndex, time });
    if (initiation) pending.carry(call, initiation);
    return initiation;
  }

  #endpointsFor(call: Call<Parcel>): readonly Endpoint[] {
    return this.#parts.whereabouts
      .endpointsOf(call.target)
      .filter((endpoint) => !call.excluded.has(endpoint))
      .slice(0, ENDPOINTS_PER_ATTEMPT_MAX);
  }

  #complete(
    call: Call<Parcel>,
    initiation: Initiation,
    source: Endpoint,
    answer: Extract<Message2Outcome, { kind: "answered" }>,
  ): void {
    const { pending } = this.#state;
    // First of all the call ends: its index becomes that of the session.
    pending.end(call);
    const tunnel = this.#parts.sessions.install({
      ...answer,
      localIndex: initiation.localIndex,
      role: { kind: "initiator" },
      certificate: initiation.certificate,
      path: source,
      startedAt: call.startedAt,
    });
    this.#parts.mail.deliverFirst(tunnel, [...call.waiting, ...this.takeWaiting(tunnel.addresses)]);
  }

  #refused(call: Call<Parcel>, source: Endpoint, refusal: HandshakeRefusal): void {
    this.#state.out.tell({ code: "handshake-refused", address: call.target, endpoint: source, refusal });
    call.refusal = refusal;
    this.#goOnWithout(call, source, refusalText(refusal), { mayMove: false });
  }

  /** Somebody else lives there: say goodbye over the keys just agreed, and look elsewhere (protocol 3.7). */
  #wrongResponder(call: Call<Parcel>, source: Endpoint, answer: Extract<Message2Outcome, { kind: "answered" }>): void {
    const { out, crypto, settings } = this.#state;
    const sendKey = answer.keys.initiatorToResponder;
    const close = sealedClose(crypto, settings.boot.cipher, { remoteIndex: answer.remoteIndex, sendKey });
    out.command({ kind: "send-datagram", to: source, datagram: close });
    const text = `${answer.peer.name} answers there, which is not ${call.target}.`;
    out.notice("warn", "wrong-responder", text, { address: call.target, endpoint: source, name: answer.peer.name });
    this.#goOnWithout(call, source, text, { mayMove: true });
  }

  /**
   * Leaves an endpoint out and waits on. Message 1 stays as it is: its state is not spent by an answer that we did not like, and the right
   * host may have answered it already. With no endpoint left the call is over, unless the host lives elsewhere (`mayMove`) and we may yet
   * hear where.
   */
  #goOnWithout(call: Call<Parcel>, source: Endpoint, why: string, { mayMove }: { readonly mayMove: boolean }): void {
    if (call.excluded.size < EXCLUDED_MAX) call.excluded.set(source, why);
    const waits = mayMove && this.#parts.whereabouts.mayStillHearOf(call.target);
    if (!waits && this.#endpointsFor(call).length === 0) this.#giveUp(call);
  }

  #giveUp(call: Call<Parcel>): void {
    const { handshakes } = this.#state.settings.boot;
    if (call.refusal) {
      this.#fail(call, this.#failure("handshake-refused", refusalText(call.refusal)));
      return;
    }
    if (call.excluded.size > 0) {
      this.#fail(call, this.#failure("handshake-refused", excludedText(call)));
      return;
    }
    if (call.tried.size === 0) {
      this.#fail(call, this.#failure("no-endpoint-known", this.#nowhereText(call)));
      return;
    }
    if (call.unreadableFrom) {
      const { cipher } = this.#state.settings.boot;
      const text = `${call.unreadableFrom} answered, but its answers do not decrypt. Does it use another cipher than ${cipher}?`;
      this.#fail(call, this.#failure("handshake-timeout", text));
      return;
    }
    const seconds = (this.#state.now - call.startedAt) / 1000;
    const text = `No answer from ${[...call.tried].join(", ")} in ${seconds.toFixed(1)} s (${handshakes.retries} attempts).`;
    this.#fail(call, this.#failure("handshake-timeout", text));
  }

  #nowhereText(call: Call<Parcel>): string {
    const { hosts } = this.#state.settings.live.lighthouse;
    if (this.#state.statics.has(call.target)) return `The names in static_host_map for ${call.target} do not resolve.`;
    if (hosts.length === 0) return `${call.target} is not in static_host_map, and there is no lighthouse to ask.`;
    if (this.#state.isLighthouse(call.target)) return `No underlay address is known for the lighthouse ${call.target}.`;
    if (!hosts.some((host) => this.#state.tunnels.primaryOf(host)))
      return `No lighthouse is connected (${hosts.join(", ")}), so nobody could say where ${call.target} is.`;
    return `No lighthouse (${hosts.join(", ")}) said where ${call.target} is.`;
  }

  #failure(reason: CallFailure["reason"], text: string): CallFailure {
    return { reason, text, at: this.#state.now };
  }

  #fail(call: Call<Parcel>, failure: CallFailure): void {
    const { pending, out, tunnels, failures } = this.#state;
    pending.end(call);
    for (const parcel of call.waiting) this.#parts.mail.undeliverable(parcel, failure);
    const standing = tunnels.primaryOf(call.target);
    if (standing) {
      this.#parts.health.renewalFailed(standing, failure);
      return;
    }
    failures.set(call.target, failure);
    this.#parts.whereabouts.callFailed(call.target);
    out.command({ kind: "drop-parked", destination: call.target });
    out.notice("info", "handshake-failed", failure.text, { address: call.target, reason: failure.reason });
  }

  #tellUnreadable(call: Call<Parcel>, source: Endpoint): void {
    call.unreadableFrom = source;
    this.#state.out.notice(
      "debug",
      "message-2-unreadable",
      "An answer to our handshake does not decrypt: forged, damaged, or the peer uses another cipher.",
      { address: call.target, endpoint: source },
    );
  }
}

const TOO_MANY_CALLS = "Too many handshakes are under way.";
const TOO_MANY_TUNNELS = "There are as many tunnels as the data plane holds.";

function excludedText(call: Call<Parcel>): string {
  return [...call.excluded].map(([endpoint, why]) => `${endpoint}: ${why}`).join(" ");
}

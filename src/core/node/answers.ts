import { toHex } from "../base/bytes.ts";
import type { HandshakeRefusal } from "../handshake/refusal.ts";
import { Response } from "../handshake/response.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import { admit } from "../tunnel/admission.ts";
import { nameAddress, type Tunnel } from "../tunnel/tunnel.ts";
import { HEADER_BYTES } from "../wire/header.ts";
import type { Parts } from "./parts.ts";
import type { NodeState } from "./state.ts";

/** Handshakes that others start (protocol 3.6). */
export class Answers {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  /**
   * A message 1, in the order of cost: one that was answered before gets the same answer again, which takes one hash; then the
   * certificate is checked; the key agreements come last.
   */
  message1(source: Endpoint, datagram: Uint8Array): void {
    const { crypto, tunnels, handshakeContext, clock } = this.#state;
    const hash = toHex(crypto.sha256(datagram.subarray(HEADER_BYTES)));
    const answered = tunnels.byMessage1(hash);
    if (answered) {
      this.#answerAgain(answered, source);
      return;
    }
    const response = Response.read(handshakeContext, datagram, clock.wall);
    if (!response.ok) {
      this.#refuse(source, response.reason);
      return;
    }
    const refusal = this.#judge(response.value);
    if (refusal) {
      this.#refuse(source, refusal);
      return;
    }
    this.#answer(response.value, source, hash);
  }

  #judge(response: Response): HandshakeRefusal | undefined {
    const { tunnels, clock } = this.#state;
    const [name] = response.peer.networks;
    const primary = name && tunnels.primaryOf(name.address);
    const admission = admit(primary, response.peerTime, clock.wall);
    if (admission === "accept") return undefined;
    if (admission === "too-old" && primary) this.#parts.health.probe(primary);
    return { code: admission, fingerprint: response.peer.fingerprint };
  }

  #answer(response: Response, source: Endpoint, message1Hash: string): void {
    const { out, handshakeTime, clock } = this.#state;
    const { sessions } = this.#parts;
    const localIndex = sessions.isFull ? undefined : sessions.freeIndex();
    if (localIndex === undefined) {
      this.#refuse(source, { code: "no-free-index" });
      return;
    }
    const written = response.write({ localIndex, time: handshakeTime.next(clock.wall) });
    if (!written) return;
    const { message2, keys } = written;
    const { remoteIndex, peer, peerTime, certificate } = response;
    sessions.install({
      localIndex,
      remoteIndex,
      peer,
      peerTime,
      keys,
      certificate,
      role: { kind: "responder", message1Hash, message2 },
      path: source,
      startedAt: undefined,
    });
    out.command({ kind: "send-datagram", to: source, datagram: message2 });
  }

  #answerAgain(tunnel: Tunnel, source: Endpoint): void {
    if (tunnel.role.kind !== "responder") return;
    const { out } = this.#state;
    out.command({ kind: "send-datagram", to: source, datagram: tunnel.role.message2 });
    out.notice("trace", "handshake-repeated", "A repeated message 1 got its stored answer again.", {
      address: nameAddress(tunnel),
      endpoint: source,
    });
  }

  #refuse(source: Endpoint, refusal: HandshakeRefusal): void {
    this.#state.out.tell({ code: "handshake-refused", address: undefined, endpoint: source, refusal });
  }
}

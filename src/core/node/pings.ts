import { type Instant, later } from "../base/time.ts";
import { TimerQueue } from "../base/timer-queue.ts";
import type { PingResult, PingTarget } from "../io.ts";
import type { IpAddress } from "../netip/address.ts";
import { formatPrefix } from "../netip/prefix.ts";
import { reachOf } from "../route/reach.ts";
import { nameAddress, type Tunnel } from "../tunnel/tunnel.ts";
import type { Parts } from "./parts.ts";
import type { CallFailure, NodeState } from "./state.ts";

type Failure = Extract<PingResult, { outcome: "failed" }>;

interface Ping {
  readonly id: number;
  readonly address: IpAddress;
  readonly startedAt: Instant;
  progress:
    | { readonly at: "calling" }
    | { readonly at: "waiting"; readonly tunnel: Tunnel; readonly handshakeMs: number | undefined };
}

/** Pings at once. Operators are few; beyond this somebody is measuring with the wrong tool. */
const PINGS_MAX = 256;

/** `lacis ping`: a test request through the tunnel, which is built if need be, and its reply. */
export class Pings {
  readonly #state: NodeState;
  readonly #parts: Parts;
  readonly #pings = new Map<number, Ping>();
  readonly #timers = new TimerQueue<number>();

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  start(id: number, target: PingTarget, timeoutMs: number): void {
    const address = target.by === "address" ? target.address : this.#addressOf(target.name);
    if (address === undefined) {
      this.#state.out.pong(id, unknownName(target.by === "name" ? target.name : ""));
      return;
    }
    const refusal = this.#refusal(address);
    if (refusal) {
      this.#state.out.pong(id, refusal);
      return;
    }
    const { now, tunnels } = this.#state;
    this.#pings.set(id, { id, address, startedAt: now, progress: { at: "calling" } });
    this.#timers.schedule(id, later(now, timeoutMs));
    const tunnel = tunnels.primaryOf(address);
    if (tunnel) this.#sendThrough(tunnel, id, undefined);
    else this.#parts.calls.start(address, { parcel: { kind: "ping", id } });
  }

  /** The tunnel that was built for this ping stands. */
  tunnelReady(id: number, tunnel: Tunnel): boolean {
    const ping = this.#pings.get(id);
    return ping?.progress.at === "calling" && this.#sendThrough(tunnel, id, this.#state.now - ping.startedAt);
  }

  /** A new session with this peer: what waits for a reply on an older one may have been sent into the void. */
  tunnelUp(tunnel: Tunnel): void {
    for (const { id, address, progress } of [...this.#pings.values()])
      if (progress.at === "waiting" && progress.tunnel !== tunnel && tunnel.addresses.includes(address))
        this.#sendThrough(tunnel, id, progress.handshakeMs);
  }

  replied(id: number, tunnel: Tunnel, roundTripMs: number): void {
    const ping = this.#pings.get(id);
    if (ping?.progress.at !== "waiting" || ping.progress.tunnel !== tunnel) return;
    this.#finish(ping, {
      outcome: "pong",
      name: tunnel.peer.name,
      address: ping.address,
      path: tunnel.path,
      roundTripMs,
      handshakeMs: ping.progress.handshakeMs,
    });
  }

  callFailed(id: number, failure: CallFailure): void {
    const ping = this.#pings.get(id);
    if (ping) this.#finish(ping, this.#failed(ping.address, failure.reason, failure.text));
  }

  /** No tunnel will come and no reply either. */
  dataPlaneDown(): void {
    for (const ping of [...this.#pings.values()])
      this.#finish(ping, this.#failed(ping.address, "data-plane-down", DOWN));
  }

  tick(): void {
    const { now } = this.#state;
    for (let id = this.#timers.popDue(now); id !== undefined; id = this.#timers.popDue(now)) {
      const ping = this.#pings.get(id);
      if (ping) this.#timedOut(ping);
    }
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  #timedOut(ping: Ping): void {
    const waitedMs = this.#state.now - ping.startedAt;
    if (ping.progress.at === "waiting") {
      const { name } = ping.progress.tunnel.peer;
      const text = `The tunnel to ${name} stands, but no reply came in ${waitedMs} ms.`;
      this.#finish(ping, this.#failed(ping.address, "no-reply", text));
      return;
    }
    const call = this.#state.pending.get(ping.address);
    const tried = call && call.tried.size > 0 ? `tried ${[...call.tried].join(", ")}` : "no endpoint was found";
    const text = `No tunnel to ${ping.address} in ${waitedMs} ms: ${tried}.`;
    this.#finish(ping, this.#failed(ping.address, "handshake-timeout", text));
  }

  #sendThrough(tunnel: Tunnel, id: number, handshakeMs: number | undefined): boolean {
    const ping = this.#pings.get(id);
    if (!ping) return false;
    ping.progress = { at: "waiting", tunnel, handshakeMs };
    return this.#parts.health.probe(tunnel, id);
  }

  #finish(ping: Ping, result: PingResult): void {
    this.#pings.delete(ping.id);
    this.#timers.cancel(ping.id);
    this.#state.out.pong(ping.id, result);
  }

  #addressOf(name: string): IpAddress | undefined {
    for (const tunnel of this.#state.tunnels.peers()) if (tunnel.peer.name === name) return nameAddress(tunnel);
    return this.#state.settings.live.identity.credential.name === name ? this.#state.ownAddresses[0] : undefined;
  }

  #refusal(address: IpAddress): Failure | undefined {
    const { udpPort, ownNetworks } = this.#state;
    const reach = reachOf(ownNetworks, address);
    if (reach === "own-address") return this.#failed(address, "own-address", `${address} is this host itself.`);
    if (reach !== "host" && !this.#state.isLighthouse(address)) {
      const networks = ownNetworks.map(formatPrefix).join(", ");
      const why =
        reach === "outside-networks" ? "is not in any network of this host" : "is not the address of a host in";
      return this.#failed(address, "outside-networks", `${address} ${why} (${networks}).`);
    }
    if (udpPort === undefined) return this.#failed(address, "data-plane-down", DOWN);
    if (this.#pings.size >= PINGS_MAX) return this.#failed(address, "no-reply", "Too many pings are under way.");
    return undefined;
  }

  #failed(address: IpAddress, reason: Failure["reason"], text: string): Failure {
    const name = this.#state.tunnels.primaryOf(address)?.peer.name;
    return { outcome: "failed", name, address, reason, text, hint: HINTS[reason] };
  }
}

const DOWN = "The data plane is not running.";

const HINTS: Readonly<Record<Failure["reason"], string>> = {
  "own-address": "Ping another host of the mesh.",
  "outside-networks": "Check the address; overlay addresses stand in the hosts' certificates.",
  "unknown-name": "Names are known while a tunnel stands; ping the overlay address instead.",
  "no-endpoint-known":
    "Is the host running and reporting to a lighthouse? Otherwise add it to static_host_map with its underlay address.",
  "handshake-timeout":
    "Is the host running, is its UDP port reachable from here, and do both use the same cipher and trust each other's CA?",
  "handshake-refused": "Compare the certificates of both hosts: CA, validity, blocklist.",
  "no-reply": "The peer may have just gone; the tunnel is rebuilt by itself if it comes back. Try again.",
  "data-plane-down": "It is restarted by itself; the log says why it ended.",
};

function unknownName(name: string): Failure {
  return {
    outcome: "failed",
    name,
    address: undefined,
    reason: "unknown-name",
    text: `No host with the certificate name ${JSON.stringify(name)} is connected.`,
    hint: HINTS["unknown-name"],
  };
}

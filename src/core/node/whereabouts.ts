import { orderEndpoints } from "../discovery/endpoint-order.ts";
import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, endpoint } from "../netip/endpoint.ts";
import { KEEPALIVE, PUNCH } from "../punch/punches.ts";
import { nameAddress, type Tunnel } from "../tunnel/tunnel.ts";
import { decodeLighthouseMessage, type LighthouseMessage } from "../wire/lighthouse.ts";
import type { Parts } from "./parts.ts";
import type { NodeState } from "./state.ts";

/** After a lighthouse was lost we call it again this soon, instead of with the next report. */
const LIGHTHOUSE_RETRY_MS = 1000;
/** After a lighthouse did not answer a whole call. Reports may be a minute apart; nobody finds us until the next one gets through. */
const LIGHTHOUSE_PAUSE_MS = 5000;
/** Interfaces change several addresses at a time: one report for all of them. */
const ADDRESS_CHANGE_SETTLE_MS = 200;

/** Where others are and where we are: static map, lighthouses asked and told, hole punching (protocol 5, 6). */
export class Whereabouts {
  readonly #state: NodeState;
  readonly #parts: Parts;

  constructor(state: NodeState, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
    this.#refreshStatics();
  }

  /** Endpoints to call this host at, best first: those that are known, and those of its sessions; never our own. */
  endpointsOf(target: IpAddress): readonly Endpoint[] {
    const { candidates, tunnels, settings } = this.#state;
    const own = new Set(this.ownEndpoints());
    const known = candidates
      .endpointsOf(target, settings.live.preferredRanges)
      .filter((endpoint) => !own.has(endpoint));
    const paths = tunnels.sessionsOf(target).flatMap(({ provenPath }) => (provenPath ? [provenPath] : []));
    return paths.length === 0 ? known : orderEndpoints([...known, ...paths], settings.live.preferredRanges);
  }

  /** Whether an endpoint may still turn up: a lighthouse that can be asked, a name that has not resolved yet. */
  mayStillHearOf(target: IpAddress): boolean {
    return this.#lighthousesFor(target).length > 0 || this.#state.statics.awaitsName(target);
  }

  /**
   * Asks every lighthouse. Only lighthouses are called for it, and they are never asked about: discovery does not cause discovery
   * (reliability R25).
   */
  ask(target: IpAddress): void {
    for (const lighthouse of this.#lighthousesFor(target)) this.#parts.mail.send(lighthouse, { kind: "query", target });
  }

  /** What we tell lighthouses: configured addresses first, then those of our interfaces (protocol 5.3). */
  ownEndpoints(): readonly Endpoint[] {
    const { statics, localAddresses, candidates, udpPort = 0 } = this.#state;
    const local = localAddresses.map((address) => endpoint(address, udpPort));
    return [...new Set(candidates.usable([...statics.advertised(udpPort), ...local]))];
  }

  /** A lighthouse message of a peer. */
  received(tunnel: Tunnel, body: Uint8Array): void {
    const decoded = decodeLighthouseMessage(body);
    if (!decoded.ok) {
      const fields = { name: tunnel.peer.name, reason: decoded.reason };
      this.#state.out.notice("debug", "lighthouse-message-malformed", "A lighthouse message was malformed.", fields);
      return;
    }
    const { message } = decoded.value;
    if (message.kind === "host-query-reply") this.#replied(tunnel, message);
    else if (message.kind === "host-punch") this.#notified(tunnel, message);
    else if (this.#state.lighthouse) this.#serve(tunnel, decoded.value);
  }

  resolved(name: string, addresses: readonly IpAddress[]): void {
    if (!this.#state.statics.resolved(name, addresses)) return;
    this.#refreshStatics();
    for (const host of this.#state.statics.hosts()) this.#parts.calls.newEndpoints(host);
    this.#state.announcer.hurry(this.#state.now, ADDRESS_CHANGE_SETTLE_MS);
  }

  /** Our interfaces have other addresses: tell the lighthouses, and see which tunnels still work. */
  localAddresses(addresses: readonly IpAddress[]): void {
    const { localAddresses, announcer, now } = this.#state;
    if (localAddresses.join() === addresses.join()) return;
    this.#state.localAddresses = addresses;
    announcer.hurry(now, ADDRESS_CHANGE_SETTLE_MS);
    if (localAddresses.length > 0) this.#parts.health.probeAll();
  }

  /** The configuration's static part is another one. */
  replaceStatics(): void {
    const { settings, statics, candidates, now } = this.#state;
    for (const host of statics.hosts()) candidates.forgetStatic(host);
    statics.replace({ ...settings.live, advertise: settings.live.lighthouse.advertise }, now);
    this.#refreshStatics();
  }

  /** Starts to report. */
  start(): void {
    const { announcer, settings, now } = this.#state;
    announcer.start(this.#isReporting() ? settings.live.lighthouse.intervalMs : 0, now);
  }

  tunnelUp(tunnel: Tunnel): void {
    const lighthouse = this.#lighthouseAddress(tunnel);
    if (lighthouse && this.#isReporting()) this.#parts.mail.send(lighthouse, { kind: "announcement" });
  }

  tunnelDown(tunnel: Tunnel): void {
    const { announcer, now } = this.#state;
    if (this.#lighthouseAddress(tunnel)) announcer.hurry(now, LIGHTHOUSE_RETRY_MS);
  }

  /** A host was called in vain. */
  callFailed(target: IpAddress): void {
    const { announcer, now } = this.#state;
    if (this.#state.isLighthouse(target)) announcer.hurry(now, LIGHTHOUSE_PAUSE_MS);
  }

  /** One byte to where the peer is known to be, so that routers in between keep their mapping (`punchy.punch`). */
  keepAlive(tunnel: Tunnel): void {
    const { punchy } = this.#state.settings.live;
    if (!punchy.punch || this.#lighthouseAddress(tunnel)) return;
    const path = tunnel.path ? [tunnel.path] : [];
    this.#sendBytes(punchy.targetAllRemotes ? this.endpointsOf(nameAddress(tunnel)) : path, KEEPALIVE);
  }

  tick(): void {
    const { statics, announcer, punches, out, settings, now } = this.#state;
    for (const name of statics.takeDue(now)) out.resolve(name);
    if (announcer.takeDue(now))
      for (const lighthouse of settings.live.lighthouse.hosts)
        this.#parts.mail.send(lighthouse, { kind: "announcement" });
    for (let due = punches.popDue(now); due; due = punches.popDue(now)) {
      if (due.kind === "punch") this.#sendBytes(due.endpoints, PUNCH);
      else this.#parts.mail.send(due.to, { kind: "test" });
    }
  }

  #replied(tunnel: Tunnel, reply: Extract<LighthouseMessage, { kind: "host-query-reply" }>): void {
    const { candidates, ownAddresses } = this.#state;
    if (!this.#lighthouseAddress(tunnel) || ownAddresses.includes(reply.target)) return;
    candidates.report(reply.target, nameAddress(tunnel), reply.endpoints);
    this.#parts.calls.newEndpoints(reply.target);
  }

  #notified(tunnel: Tunnel, punch: Extract<LighthouseMessage, { kind: "host-punch" }>): void {
    const { candidates, punches, ownAddresses, settings, now } = this.#state;
    if (!this.#lighthouseAddress(tunnel) || ownAddresses.includes(punch.address)) return;
    // Learned and reported addresses are often the same.
    const own = new Set(this.ownEndpoints());
    const endpoints = [...new Set(candidates.usable(punch.endpoints))].filter((endpoint) => !own.has(endpoint));
    punches.notified(punch.address, endpoints, settings.live.punchy, now);
  }

  #serve(tunnel: Tunnel, request: { readonly message: LighthouseMessage; readonly dialect: 1 | 2 }): void {
    const { lighthouse, candidates, now } = this.#state;
    const { addresses, peer } = tunnel;
    const replies = lighthouse?.answer({ addresses, certificate: peer }, request, now) ?? [];
    if (request.message.kind === "host-update")
      for (const address of addresses) candidates.report(address, nameAddress(tunnel), request.message.endpoints);
    for (const reply of replies) this.#parts.mail.send(reply.to, { kind: "answer", reply });
  }

  /** Lighthouses that may know the target: none for a lighthouse itself, and none if we are one (protocol 5.4). */
  #lighthousesFor(target: IpAddress): readonly IpAddress[] {
    const { settings, ownAddresses } = this.#state;
    if (settings.boot.lighthouse.amLighthouse || this.#state.isLighthouse(target)) return [];
    return settings.live.lighthouse.hosts.filter((host) => !ownAddresses.includes(host));
  }

  /** The configured address of a peer that is one of our lighthouses. */
  #lighthouseAddress(tunnel: Tunnel): IpAddress | undefined {
    return tunnel.addresses.find((address) => this.#state.isLighthouse(address));
  }

  #isReporting(): boolean {
    const { boot, live } = this.#state.settings;
    return !boot.lighthouse.amLighthouse && live.lighthouse.intervalMs > 0;
  }

  #refreshStatics(): void {
    const { statics, candidates } = this.#state;
    for (const host of statics.hosts()) candidates.setStatic(host, statics.endpointsOf(host));
  }

  #sendBytes(endpoints: readonly Endpoint[], datagram: Uint8Array): void {
    for (const to of endpoints) this.#state.out.command({ kind: "send-datagram", to, datagram });
  }
}

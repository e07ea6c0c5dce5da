import { readUint32, toHex } from "../../../src/core/base/bytes.ts";
import type {
  DataPlaneCommand,
  LocalIndex,
  SessionInstallation,
  SessionSnapshot,
} from "../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { MessageSubtype, PacketType } from "../../../src/core/wire/header.ts";
import { Violation } from "./violation.ts";

/** One end of a session: who holds the key, and who it thinks is at the other end. */
interface End {
  readonly host: string;
  readonly own: readonly IpAddress[];
  readonly peer: readonly IpAddress[];
}

/**
 * Every session of a world, known by its keys. Holds that a key is installed once, that both ends of a session agree on who they are, that
 * a session is trusted only when somebody holds its other end, that nothing but control messages leaves on an unconfirmed one, and the caps.
 */
export class Sessions {
  readonly #senders = new Map<string, End>();
  readonly #receivers = new Map<string, End>();
  readonly #installed = new Map<
    string,
    Map<LocalIndex, { readonly tunnel: SessionInstallation; confirmed: boolean }>
  >();

  /** Sessions whose initiator found somebody else than it had called: it said goodbye over keys that it never installed (protocol 3.7). */
  readonly #farewells = new Set<number>();

  commanded(host: string, own: readonly IpAddress[], command: DataPlaneCommand): void {
    if (command.kind === "install-session") this.#install(host, own, command);
    if (command.kind === "send-datagram" && command.datagram[0] === (0x10 | PacketType.closeTunnel)) {
      this.#farewells.add(readUint32(command.datagram, 4));
    }
    if (command.kind === "remove-session") this.#installed.get(host)?.delete(command.localIndex);
  }

  /** A session of somebody who is not a simulated host (attacker.ts), so that its keys are known as its own. */
  hold(
    host: string,
    own: readonly IpAddress[],
    peer: readonly IpAddress[],
    sendKey: Uint8Array,
    receiveKey: Uint8Array,
  ): void {
    this.#claim(this.#senders, toHex(sendKey), { host, own, peer });
    this.#claim(this.#receivers, toHex(receiveKey), { host, own, peer });
    this.#agree(toHex(sendKey));
    this.#agree(toHex(receiveKey));
  }

  confirmed(host: string, localIndex: LocalIndex): void {
    const session = this.#installed.get(host)?.get(localIndex);
    if (!session) throw new Violation(`${host} confirmed session ${localIndex}, which it does not have`);
    if (!this.#senders.has(toHex(session.tunnel.receiveKey))) {
      // It will never carry data: the goodbye that confirmed it closes it, too.
      if (this.#farewells.has(localIndex)) return;
      throw new Violation(`${host} confirmed session ${localIndex} although nobody holds its other end`);
    }
    session.confirmed = true;
  }

  sent(host: string, datagram: Uint8Array): void {
    if (datagram.length < 16 || datagram[0] !== (0x10 | PacketType.message)) return;
    // What is sent through a relay is looked at as it was sealed; of what is forwarded the keys are others'.
    if (datagram[1] === MessageSubtype.relay) return;
    const remoteIndex = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4);
    for (const { tunnel, confirmed } of this.#installed.get(host)?.values() ?? []) {
      if (tunnel.remoteIndex === remoteIndex && confirmed) return;
    }
    throw new Violation(`${host} sent data on an unconfirmed session (remote index ${remoteIndex})`);
  }

  planeCrashed(host: string): void {
    this.#installed.delete(host);
  }

  inspect(host: string, tunnels: readonly SessionSnapshot[]): void {
    const perPeer = new Map<IpAddress, number>();
    for (const { peerAddresses, confirmed } of tunnels) {
      if (!confirmed) continue;
      for (const address of peerAddresses) perPeer.set(address, (perPeer.get(address) ?? 0) + 1);
    }
    for (const [address, sessions] of perPeer) {
      if (sessions > SESSIONS_PER_PEER_MAX) throw new Violation(`${host} has ${sessions} sessions with ${address}`);
    }
    const unconfirmed = tunnels.filter((tunnel) => !tunnel.confirmed).length;
    if (unconfirmed > UNCONFIRMED_MAX) throw new Violation(`${host} has ${unconfirmed} unconfirmed sessions`);
  }

  #install(host: string, own: readonly IpAddress[], tunnel: SessionInstallation): void {
    const end = { host, own, peer: tunnel.peerAddresses };
    const [sendKey, receiveKey] = [toHex(tunnel.sendKey), toHex(tunnel.receiveKey)];
    this.#claim(this.#senders, sendKey, end);
    this.#claim(this.#receivers, receiveKey, end);
    this.#agree(sendKey);
    this.#agree(receiveKey);
    if (tunnel.confirmed && !this.#senders.has(receiveKey)) {
      throw new Violation(`${host} trusts session ${tunnel.localIndex} although nobody holds its other end`);
    }
    const sessions = this.#installed.get(host) ?? new Map();
    this.#installed.set(host, sessions.set(tunnel.localIndex, { tunnel, confirmed: tunnel.confirmed }));
  }

  #claim(ends: Map<string, End>, key: string, end: End): void {
    const before = ends.get(key);
    if (before) throw new Violation(`${end.host} installed a session key that ${before.host} has used already`);
    ends.set(key, end);
  }

  #agree(key: string): void {
    const sender = this.#senders.get(key);
    const receiver = this.#receivers.get(key);
    if (!sender || !receiver) return;
    if (sender.own.some((a) => receiver.peer.includes(a)) && receiver.own.some((a) => sender.peer.includes(a))) return;
    throw new Violation(
      `${sender.host} and ${receiver.host} share a session, but take each other for ${sender.peer} and ${receiver.peer}`,
    );
  }
}

/** Confirmed ones (protocol 8.2), and the one that sends when it is older than those. */
const SESSIONS_PER_PEER_MAX = 6;
/** Reliability R10. */
const UNCONFIRMED_MAX = 1024;

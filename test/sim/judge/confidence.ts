import { nonceOf } from "../../../src/core/crypto/nonce.ts";
import type { Aead, CryptoSuite } from "../../../src/core/crypto/suite.ts";
import type { SessionInstallation } from "../../../src/core/dataplane/contract.ts";
import { addressFromBytes, type IpAddress } from "../../../src/core/netip/address.ts";
import { decodeHeader, HEADER_BYTES, PacketType } from "../../../src/core/wire/header.ts";
import { Violation } from "./violation.ts";

interface Sealer {
  readonly session: Pick<SessionInstallation, "cipher" | "peerAddresses">;
  readonly aead: Aead;
}

/** Opens every data packet with the keys it was sealed with. Holds that a peer is sent nothing but what is meant for it. */
export class Confidence {
  readonly #suite: CryptoSuite;
  readonly #ownerOf: (address: IpAddress) => unknown;
  /** By host and index at the receiving end. */
  readonly #sealers = new Map<string, Sealer[]>();

  constructor(suite: CryptoSuite, ownerOf: (address: IpAddress) => unknown) {
    this.#suite = suite;
    this.#ownerOf = ownerOf;
  }

  /** `session` as the control plane meant it, with the first of its addresses naming the peer. */
  installed(host: string, session: SessionInstallation): void {
    const key = `${host} ${session.remoteIndex}`;
    const { cipher, peerAddresses, sendKey } = session;
    const sealer = { session: { cipher, peerAddresses }, aead: this.#suite.aead(cipher, sendKey.slice()) };
    // An index is drawn at random: two peers may have drawn the same.
    this.#sealers.set(key, [sealer, ...(this.#sealers.get(key) ?? [])].slice(0, 4));
  }

  sent(host: string, datagram: Uint8Array): void {
    const header = decodeHeader(datagram);
    if (!header.ok || header.value.type !== PacketType.message) return;
    const { remoteIndex, counter } = header.value;
    for (const { session, aead } of this.#sealers.get(`${host} ${remoteIndex}`) ?? []) {
      const [head, body] = [datagram.subarray(0, HEADER_BYTES), datagram.subarray(HEADER_BYTES)];
      const packet = aead.open(nonceOf(session.cipher, counter), head, body);
      const destination = packet && destinationOf(packet);
      if (destination === undefined) continue;
      const [peer] = session.peerAddresses;
      if (peer !== undefined && this.#ownerOf(destination) === this.#ownerOf(peer)) return;
      throw new Violation(`${host} sealed a packet to ${destination} for ${peer}, who is not meant to see it`);
    }
  }
}

function destinationOf(packet: Uint8Array): IpAddress | undefined {
  const isIpv6 = packet[0] !== undefined && packet[0] >> 4 === 6;
  return addressFromBytes(isIpv6 ? packet.subarray(24, 40) : packet.subarray(16, 20));
}

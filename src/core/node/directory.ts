import type { Certificate } from "../cert/certificate.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Peers } from "../peer/peer.ts";

/** A host that can be named: this one, or one with a tunnel. Its certificate is verified. */
export interface NamedHost {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  readonly certificate: Certificate;
}

/** Everybody that this host knows by a certificate, itself first. */
export function directoryOf(facts: Facts, peers: Peers): readonly NamedHost[] {
  const { certificates, name, addresses } = facts.settings.live.identity.credential;
  const own = certificates[1] ?? certificates[2];
  return [
    ...(own ? [{ name, addresses, certificate: own }] : []),
    ...[...peers.primaries()].map(({ addresses, peer }) => ({ name: peer.name, addresses, certificate: peer })),
  ];
}

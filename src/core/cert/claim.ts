import type { IpAddress } from "../netip/address.ts";
import type { CaPool } from "./ca-pool.ts";
import type { UnreadCertificate } from "./certificate.ts";

/** Who somebody says to be whose certificate is not accepted. */
export interface Claim {
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Whether an authority that is trusted here has signed it; else the sender may have made it up. */
  readonly isProven: boolean;
}

/** Of a name that anybody may have made up. */
const NAME_LENGTH_MAX = 64;
const ADDRESSES_MAX = 4;

/** Reads a certificate that was refused. Costs a signature check at most; undefined when it cannot be read. */
export function claimOf(pool: CaPool, { head, read }: UnreadCertificate): Claim | undefined {
  const certificate = read();
  if (!certificate.ok) return undefined;
  const { name, networks } = certificate.value;
  return {
    name: [...name].slice(0, NAME_LENGTH_MAX).join(""),
    addresses: networks.slice(0, ADDRESSES_MAX).map(({ address }) => address),
    isProven: pool.hasSigned(head),
  };
}

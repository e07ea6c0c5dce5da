import type { Entropy } from "../base/entropy.ts";
import type { Clock, Instant } from "../base/time.ts";
import type { Settings } from "../config/settings.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { HandshakeContext } from "../handshake/initiation.ts";
import type { IpAddress } from "../netip/address.ts";
import type { AllowedRemotes } from "../netip/allow-list.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { RouteTable } from "../route/route-table.ts";

/** What every machine may look at, and only the node changes: the moment, the settings, and whether a data plane is there. */
export interface Facts {
  /** Of the input in hand. */
  readonly clock: Clock;
  readonly now: Instant;
  readonly settings: Settings;
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  /** The port our socket is bound to; undefined while there is no data plane. */
  readonly udpPort: number | undefined;
  /** Whether the data plane may outlive this process, which then finds its sessions by what it has noted with them. */
  readonly keepsMemos: boolean;
  /** How long what the data plane tells waits before it is heard; 0 where that makes no difference. */
  readonly behindMs: number;
  readonly ownNetworks: readonly Prefix[];
  /** Where peers may be. */
  readonly allowedRemotes: AllowedRemotes;
  /** Where packets of this host go. */
  readonly routes: RouteTable;
  readonly ownAddresses: readonly IpAddress[];
  readonly handshakeContext: HandshakeContext;
  /** For the next handshake message of ours: rises strictly (reliability R20). */
  nextHandshakeTime(): bigint;
  /** Those whom this host reports to and asks: all that the configuration names but itself. */
  readonly lighthouses: readonly IpAddress[];
  /** Whether this is the address of a lighthouse of ours. */
  isLighthouse(address: IpAddress): boolean;
}

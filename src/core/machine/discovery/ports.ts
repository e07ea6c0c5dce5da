import type { LighthouseService } from "../../discovery/service.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { NatReport } from "../../wire/nat-report.ts";

/** What discovery asks others. */
export interface DiscoveryPorts {
  /** Answers for others; present when the configuration says `am_lighthouse`. */
  readonly lighthouse: LighthouseService | undefined;
  /** Ways over TCP. */
  readonly carriers: {
    /** Endpoints that stand for connections to a host. */
    placesOf(target: IpAddress): readonly Endpoint[];
    /** Hosts through which others may be reached, whatever those say. */
    relays(): readonly IpAddress[];
  };
  /** What is known about our own translator. */
  ownNat(): NatReport;
}

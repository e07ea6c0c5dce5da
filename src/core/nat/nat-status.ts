import type { Endpoint } from "../netip/endpoint.ts";
import type { NatReport } from "../wire/nat-report.ts";

/** What is known about the translator in front of this host, for people. */
export interface NatStatus extends NatReport {
  /** Where lighthouses see this host, each once. */
  readonly seenAt: readonly Endpoint[];
  /** Whether the port outside is the one that we listen on; undefined while nobody has seen us. */
  readonly keepsPort: boolean | undefined;
}

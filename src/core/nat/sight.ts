import type { Endpoint } from "../netip/endpoint.ts";

/** What a lighthouse says about how it sees this host. */
export interface LighthouseSight {
  /** Where, best first. */
  readonly places: readonly Endpoint[];
  /** Whether it also says where it sees what comes to another place of its own (SEMANTICS 5.4). */
  readonly tellsBindings: boolean;
}

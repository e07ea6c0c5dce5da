import type { PortMappingState } from "../../runtime/port-mapping/port-mapping.ts";
import type { TranslatorReport } from "../translator-report.ts";

/** What `lacis netcheck --json` prints. Field names are promised stable (docs/CLI.md); null is what was not measured. */
export interface NetcheckReport {
  /** Whether datagrams get to a lighthouse and back, or to another host while no lighthouse answers. */
  readonly udp: "yes" | "no" | "unknown";
  readonly ipv4: PublicPlace;
  readonly ipv6: PublicPlace;
  readonly nat: TranslatorReport & {
    /** Whether a host behind it reaches itself, and its neighbours, by the address outside. */
    readonly hairpin: "yes" | "unknown";
  };
  /** The port of the router in front that leads here (`listen.map_port`), or why there is none. */
  readonly portMapping: PortMappingState;
  /** Bytes of the longest inner packet on the way to the lighthouse that carries least. */
  readonly mtu: number | null;
  /** TCP to port 443 of the lighthouses: the way around blocked UDP. */
  readonly tcp443: TcpResult | "unknown";
  readonly lighthouses: readonly LighthouseCheck[];
  /** What all of it means, in one sentence. */
  readonly verdict: string;
}

export interface PublicPlace {
  /** Where lighthouses see this host; several when they disagree. */
  readonly seenAt: readonly string[];
}

/** "refused": the way is open, and nobody listens there. */
export type TcpResult = "open" | "refused" | "no-answer";

/** What keeps a lighthouse from being reached: its name, the way to it, or that it is not trusted or does not trust us. */
export type Obstacle = "dns" | "udp" | "certificate" | "configuration" | "this-host";

export interface LighthouseCheck {
  readonly address: string;
  readonly name: string | null;
  readonly roundTripMs: number | null;
  readonly path: string | null;
  /** What the answer came over; null when there was none. */
  readonly over: "udp" | "tcp" | "relay" | null;
  readonly failed: { readonly obstacle: Obstacle; readonly text: string; readonly todo: string } | null;
}

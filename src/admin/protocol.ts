import type { Notice } from "../core/notice.ts";
import type { FlowFilter } from "../runtime/flowlog/flow-query.ts";
import type { Complaint, ExitCode } from "../runtime/operator-error.ts";
import type { PeerQuery } from "./peer-query.ts";

/**
 * What is said on the admin sockets: one JSON object a line, a request, then what comes of it, then perhaps the next request. Most verbs have
 * one answer. A stream has many, each with `more: true`, until a line with `more: false`, or until the client closes or asks something else.
 * Every line of the daemon carries `schema`; fields are added under the same number, never changed or removed.
 */
export const ADMIN_SCHEMA = 1;

/** A request fits well into this, the largest bulletin as text too; more is not one. */
export const REQUEST_BYTES_MAX: number = 1024 * 1024;
/** A status of ten thousand peers has about four megabytes. */
export const RESPONSE_BYTES_MAX: number = 16 * 1024 * 1024;

/** What can be asked: the rows of verbs.ts. */
export type AdminRequest =
  /** Of the peers those that `peers` asks for; all, if not given. */
  | { readonly verb: "status"; readonly peers?: PeerQuery }
  | { readonly verb: "version" }
  /** `target`: an overlay address or the name in a certificate. */
  | { readonly verb: "ping"; readonly target: string; readonly timeoutMs: number }
  /** Whose an overlay address is, with or without a port, or a name. */
  | { readonly verb: "whois"; readonly target: string }
  | { readonly verb: "rules" }
  /** Whether a packet passes between this host and another one: an address or a name at each end; `from` undefined: this host. */
  | ({ readonly verb: "why" } & WhyQuestion)
  | { readonly verb: "netcheck" }
  /** How programs on this host find names of the overlay (`DnsReport`). */
  | { readonly verb: "dns" }
  /** `target` as of ping; without one only this host is examined. */
  | { readonly verb: "doctor"; readonly target?: string }
  /** The last flows that are meant. */
  | ({ readonly verb: "flows"; readonly limit: number } & FlowFilter)
  /** A stream of `CaptureReport`: packets that the filter means, so many bytes of each (0: all). */
  | { readonly verb: "capture"; readonly filter: string; readonly snapBytes: number }
  /** A stream of what becomes of flows that are meant (`LogLine`), from now on. */
  | ({ readonly verb: "follow-flows" } & FlowFilter)
  | { readonly verb: "reload" }
  /** What a reload would do. */
  | { readonly verb: "diff" }
  /** What is measured, as text for Prometheus (`MetricsPage`). */
  | { readonly verb: "metrics" }
  /** The log tells everything for so long. */
  | { readonly verb: "debug"; readonly forMs: number }
  /** What the authorities tell everybody, and who has applied it. */
  | { readonly verb: "bulletins" }
  /** The policy of the network, as this host knows it. */
  | { readonly verb: "policy" }
  /** One of them, as text, for the whole network. */
  | { readonly verb: "publish"; readonly bulletin: string }
  /** A stream of `EventReport`, of this level and above. */
  | { readonly verb: "events"; readonly level: Notice["level"] }
  /** A stream of `StatusReport`: one now, and one whenever it is another. */
  | { readonly verb: "watch"; readonly peers?: PeerQuery };

/** What is asked: from whom, to whom, for which service; undefined is this host. */
export interface WhyQuestion {
  readonly from: string | undefined;
  readonly to: string;
  readonly service: string;
  readonly timeoutMs: number;
}

export type AdminVerb = AdminRequest["verb"];

export type AdminResponse =
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: true; readonly result: unknown; readonly more?: true }
  /** So many of a stream were left out here, because nobody read. */
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: true; readonly lost: number; readonly more: true }
  /** The end of a stream. */
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: true; readonly more: false; readonly end: EndOfStream }
  | { readonly schema: typeof ADMIN_SCHEMA; readonly ok: false; readonly error: AdminError };

/** The client asked something else; the daemon stops. */
export type EndOfStream = "asked" | "stopping";

export interface AdminError extends Complaint {
  readonly code: string;
  readonly exitCode: ExitCode;
}

/** One event in `lacis events --json`; which ones there are: docs/EVENTS.md. */
export interface EventReport extends Notice {
  /** ISO 8601. */
  readonly time: string;
}

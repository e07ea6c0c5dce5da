import type { PingResult } from "../core/io.ts";
import type { PingFailure } from "../core/operator/failure.ts";
import { pingFailureText } from "../core/operator/failure-text.ts";
import type { Health } from "../runtime/service.ts";

/** One ping in `lacis ping --json`. Field names are promised stable (docs/CLI.md). */
export type PingReport =
  | {
      readonly outcome: "pong";
      readonly name: string;
      readonly address: string;
      /** Underlay endpoint the answer came over; null: unknown. */
      readonly path: string | null;
      /** The relay that it came through; null: none. */
      readonly relay: { readonly name: string; readonly address: string } | null;
      readonly roundTripMs: number;
      /** How long it took to build the tunnel; null when it stood already. */
      readonly handshakeMs: number | null;
    }
  | {
      readonly outcome: "failed";
      readonly name: string | null;
      readonly address: string | null;
      /** Closed list, stable. */
      readonly reason: PingFailure["reason"];
      /** One sentence with what is known: endpoints tried, who refused. */
      readonly text: string;
      /** What to do next. */
      readonly hint: string;
    };

/** `out`: why nobody lets this host in, where that is so; it is then what there is to say. */
export function pingReport(result: PingResult, out?: Pick<Health, "text" | "todo">): PingReport {
  if (result.outcome === "pong") {
    const { outcome, name, address, path = null, relay = null, roundTripMs, handshakeMs = null } = result;
    return { outcome, name, address, path, relay, roundTripMs, handshakeMs };
  }
  const { outcome, name, address, failure } = result;
  const { text, todo: hint } = out ?? pingFailureText(failure);
  return { outcome, name: name ?? null, address: address ?? null, reason: failure.reason, text, hint };
}

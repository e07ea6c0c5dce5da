import { connect, type TLSSocket } from "node:tls";
import { type Endpoint, endpointAddress, endpointPort } from "../../core/netip/endpoint.ts";
import type { CarrierEnd } from "../../core/operator/failure.ts";

/** After so long without an answer the next place is tried beside it. */
const NEXT_PLACE_MS = 250;
/** For all of them together. */
const CONNECT_MS = 5_000;

/** How it went: a connection to one of the places, or why there is none. */
export type Dialled =
  | { readonly tls: TLSSocket; readonly place: Endpoint }
  | { readonly why: Extract<CarrierEnd, "unreachable" | "no-tls"> };

/** Makes one connection to whichever of these places answers first. `abort` ends it without a word. */
export function dial(places: readonly Endpoint[], abort: AbortSignal, done: (dialled: Dialled) => void): void {
  const tried: TLSSocket[] = [];
  let why: Extract<CarrierEnd, "unreachable" | "no-tls"> = "unreachable";
  let failed = 0;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const finish = (dialled: Dialled | undefined): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    clearTimeout(tooLate);
    const kept = dialled && "tls" in dialled ? dialled.tls : undefined;
    for (const tls of tried) if (tls !== kept) tls.destroy();
    if (dialled) done(dialled);
  };
  const tooLate = setTimeout(() => finish({ why }), CONNECT_MS);
  abort.addEventListener("abort", () => finish(undefined), { once: true });
  const next = (): void => {
    const place = places[tried.length];
    if (isOver || place === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(next, NEXT_PLACE_MS);
    // Whoever answers is let in: who it is will be seen from what comes through.
    const tls = connect({
      host: endpointAddress(place),
      port: endpointPort(place),
      minVersion: "TLSv1.3",
      rejectUnauthorized: false,
    });
    tried.push(tls);
    // TCP stands: whatever goes wrong from here on, silence as well, is no TLS.
    tls.once("connect", () => {
      why = "no-tls";
    });
    tls.once("secureConnect", () => finish({ tls, place }));
    tls.on("error", () => {
      if (isOver) return;
      failed++;
      if (failed === places.length) finish({ why });
      else next();
    });
  };
  next();
}

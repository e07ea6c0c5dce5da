import type { PingResult, PingTarget } from "../../core/io.ts";
import type { Endpoint } from "../../core/netip/endpoint.ts";
import { parseEndpoint } from "../../core/netip/endpoint.ts";
import type { PingFailure, Unreachable } from "../../core/operator/failure.ts";
import { isCarried } from "../../core/path/carried.ts";
import { probeUdp } from "./udp-probe.ts";

/** Places that are probed when none has answered. */
const PLACES_MAX = 8;

/** A ping, and where it was in vain, whether somebody on the way says why. */
export async function thoroughPing(
  ping: (target: PingTarget, timeoutMs: number) => Promise<PingResult>,
  target: PingTarget,
  timeoutMs: number,
  probe: typeof probeUdp = probeUdp,
): Promise<PingResult> {
  const result = await ping(target, timeoutMs);
  if (result.outcome === "pong" || !isSilence(result.failure)) return result;
  const places = result.failure.tried.flatMap((place) => endpointIn(place) ?? []).slice(0, PLACES_MAX);
  const answers = await Promise.all(places.map(async (place) => ({ place, why: await probe(place) })));
  const unreachable = answers.flatMap(({ place, why }): Unreachable[] => (why === undefined ? [] : [{ place, why }]));
  return unreachable.length === 0 ? result : { ...result, failure: { ...result.failure, unreachable } };
}

type Silence = Extract<PingFailure, { why: "no-answer" | "no-tunnel-in-time" }>;

function isSilence(failure: PingFailure): failure is Silence {
  return failure.reason === "handshake-timeout" && (failure.why === "no-answer" || failure.why === "no-tunnel-in-time");
}

/** Not for what lies behind a relay, or at the other end of a connection. */
function endpointIn(place: string): Endpoint | undefined {
  const at = parseEndpoint(place);
  return at === undefined || isCarried(at) ? undefined : at;
}

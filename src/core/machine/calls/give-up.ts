import type { IpAddress } from "../../netip/address.ts";
import type { CallFailure, RefusedPlace } from "../../operator/failure.ts";
import { type Call, misanswered } from "../../peer/call.ts";
import type { Facts } from "../facts.ts";

/** What a call that ends without a session knows about why: the most telling first. */
export function failureOf(
  call: Call,
  context: {
    readonly facts: Facts;
    readonly nowhere: NowhereReason;
    readonly places: readonly string[];
    readonly refused: readonly RefusedPlace[];
    /** What became of the last call of this host, or is known of the one under way. */
    readonly failureTo: (host: IpAddress) => CallFailure | undefined;
  },
): CallFailure {
  const { target, tried, unreadableFrom } = call;
  const { now, settings } = context.facts;
  const bad = misanswered(call);
  if (bad) return bad;
  if (tried.size === 0)
    return {
      reason: "no-endpoint-known",
      why: context.nowhere,
      target,
      lighthouses: settings.live.lighthouse.hosts,
      places: context.places,
      because: context.nowhere === "no-lighthouse-connected" ? whyNoLighthouse(context) : undefined,
    };
  if (unreadableFrom)
    return { reason: "handshake-timeout", why: "unreadable", from: unreadableFrom, cipher: settings.boot.cipher };
  return {
    reason: "handshake-timeout",
    why: "no-answer",
    tried: [...tried.keys()],
    waitedMs: now - call.startedAt,
    attempts: call.attempt,
    refused: context.refused,
  };
}

function whyNoLighthouse({
  facts,
  failureTo,
}: Pick<Parameters<typeof failureOf>[1], "facts" | "failureTo">): Extract<
  CallFailure,
  { because?: unknown }
>["because"] {
  for (const lighthouse of facts.lighthouses) {
    const failure = failureTo(lighthouse);
    if (failure) return { lighthouse, failure };
  }
  return undefined;
}

/** Why no endpoint is known. */
export type NowhereReason = Extract<CallFailure, { reason: "no-endpoint-known" }>["why"];

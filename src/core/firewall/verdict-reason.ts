import { DropReason } from "../drop-reason.ts";

/**
 * Why a flow may not pass, or cannot: the closed list that people and programs see (`lacis flows`), coarser than the drop reasons below it. Names are
 * added, never changed.
 */
export const FLOW_VERDICT_REASONS = [
  /** No rule allows it. */
  "no-rule",
  /** The address on the other side is in no network of this host's, and behind no gateway. */
  "no-route",
  /** Its source or its destination is not one that the certificates allow. */
  "foreign-address",
  /** Fragments that cannot be judged, or that no honest host sends. */
  "bad-fragment",
  /** More than one peer may cause. */
  "rate-limited",
  /** There is no tunnel, or none that can send. */
  "no-tunnel",
  /** This host has no device (tun.disabled): nobody listens on it. */
  "no-device",
  "other",
] as const;

export type FlowVerdictReason = (typeof FLOW_VERDICT_REASONS)[number];

/** What a drop that is recorded flow by flow (`ENDS_FLOW`) says of its flow. */
export function verdictReason(reason: DropReason): FlowVerdictReason {
  return REASONS[reason] ?? "other";
}

const REASONS: Readonly<Partial<Record<DropReason, FlowVerdictReason>>> = {
  [DropReason.noMatchingRule]: "no-rule",
  [DropReason.noRoute]: "no-route",
  [DropReason.ownAddress]: "foreign-address",
  [DropReason.localAddress]: "foreign-address",
  [DropReason.remoteAddress]: "foreign-address",
  [DropReason.fragment]: "bad-fragment",
  [DropReason.fragmentOverlap]: "bad-fragment",
  [DropReason.fragmentLimited]: "rate-limited",
  [DropReason.icmpErrorLimited]: "rate-limited",
  [DropReason.counterExhausted]: "no-tunnel",
  [DropReason.noPath]: "no-tunnel",
  [DropReason.parkedFull]: "no-tunnel",
  [DropReason.noDevice]: "no-device",
};

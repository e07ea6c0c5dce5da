import { debugGroupOf } from "../cert/debug-group.ts";
import { evaluate, type PolicyPacket } from "./evaluate.ts";
import type { PolicyBody } from "./policy.ts";

/**
 * Of flows that go on, by the packet that opened each, those that no rule of a policy allows: hosts judge their flows again when rules change. Guests go by rules of their own, which no
 * policy touches.
 */
export function endedBy<Flow extends PolicyPacket>(after: PolicyBody, flows: readonly Flow[]): readonly Flow[] {
  return flows.filter((flow) => debugGroupOf(flow.source.groups) === undefined && !evaluate(after, flow).passes);
}

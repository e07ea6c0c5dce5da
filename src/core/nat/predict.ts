import type { NatReport } from "../wire/nat-report.ts";
import { counterOf, orderOf } from "./port-order.ts";

/** Ports that one host is looked for at, at once: more than its neighbours use up in the time between two reports. */
export const PREDICTED_PORTS_MAX = 256;

/** The ports that a sequential translator gives next, the likeliest first; none for any other. */
export function predictedPorts({ mapping, delta, lastPort }: NatReport): readonly number[] {
  if (mapping !== "sequential" || delta === 0) return [];
  const order = orderOf(delta);
  const last = counterOf(lastPort, order);
  return Array.from({ length: PREDICTED_PORTS_MAX }, (_, i) => counterOf((last + 1 + i) & 0xffff, order)).filter(
    (port) => port !== 0,
  );
}

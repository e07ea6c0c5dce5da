import { type Endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import type { NatMapping } from "../wire/nat-report.ts";
import { counterOf, distanceBetween, type PortOrder, portOrders } from "./port-order.ts";

/** Somebody elsewhere has seen our packets come from here. */
export interface Sighting {
  /** Where we sent to, to be seen. */
  readonly by: Endpoint;
  /** Where our packets came from. */
  readonly at: Endpoint;
}

export interface Mapping {
  readonly kind: NatMapping;
  /** Of a sequential one: how far each port is from the one before, and the newest of those that were seen. */
  readonly delta: number;
  readonly lastPort: number;
}

/**
 * Ports of two mappings that lie closer together than this were counted, not drawn: other flows of the host and of its neighbours come between,
 * and two random ports are as close once in five hundred times.
 */
const NEAR_MAX = 64;

/**
 * How the translator of this host maps it, from what others have seen of one socket. One sighting tells a missing translator from one that is
 * there, and no more: it takes two places to show whether they see the same.
 */
export function classifyMapping(sightings: readonly Sighting[], own: readonly Endpoint[]): Mapping {
  // A neighbour on this side of the translator sees us as we are, and says nothing about the others.
  const outside = sightings.filter(({ at }) => !own.includes(at));
  const seen = [...new Set(outside.map(({ at }) => at))];
  if (seen.length === 0) return plain(sightings.length > 0 ? "none" : "unknown");
  if (seen.length === 1)
    return plain(new Set(outside.map(({ by }) => by)).size > 1 ? "endpoint-independent" : "unknown");
  if (new Set(seen.map(endpointAddress)).size > 1) return plain("random");
  const ports = seen.map(endpointPort);
  return counted(ports, "ascending") ?? counted(ports, "swapped") ?? plain("random");
}

/** The mapping that counts ports up in this order, if these ports lie near each other in it. */
function counted(ports: readonly number[], order: PortOrder): Mapping | undefined {
  const counters = ports.map((port) => counterOf(port, order)).sort((a, b) => a - b);
  // On a circle: the widest gap lies between the newest and the oldest.
  const gaps = counters.map((counter, i) => distanceBetween(counters.at(i - 1) ?? counter, counter));
  const oldest = gaps.indexOf(Math.max(...gaps));
  const newest = counters.at(oldest - 1) ?? 0;
  const between = gaps.filter((_, i) => i !== oldest);
  if (distanceBetween(counters[oldest] ?? 0, newest) > NEAR_MAX * between.length) return undefined;
  const delta = Math.min(...between) * portOrders[order].step;
  return { kind: "sequential", delta, lastPort: counterOf(newest, order) };
}

function plain(kind: NatMapping): Mapping {
  return { kind, delta: 0, lastPort: 0 };
}

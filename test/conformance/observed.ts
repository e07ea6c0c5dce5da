import { toHex } from "../../src/core/base/bytes.ts";
import type { ActivitySample, Flow, Relay, SessionSnapshot } from "../../src/core/dataplane/contract.ts";
import type { AnyEvent, Comparable, Observed } from "./step.ts";

/** Values of the contract as plain data, the same whichever data plane they came from. */

export function observedEvent(event: AnyEvent): Observed {
  if (event.kind === "captured") {
    return { out: "event", event: { kind: event.kind, lost: event.lost, packets: event.packets.map(comparable) } };
  }
  if (event.kind === "flow-records") {
    const records = sorted(event.records.map(({ flow, ...told }) => ({ ...told, ...comparable(flow) })));
    return { out: "event", event: { kind: event.kind, untold: event.untold, records } };
  }
  return { out: "event", event: comparable(event) };
}

export function observedSample({ activity, counters, rules, relays }: ActivitySample): Observed {
  const { drops, ...totals } = counters;
  // The order of the drop counters is part of the contract.
  const named = [...drops].map(([reason, count]) => `${reason} ${count}`);
  return {
    out: "sampled",
    activity: activity.map(comparable),
    counters: { ...comparable(totals), drops: named },
    rules: rules.map(comparable),
    relays: relays.map(comparable),
  };
}

export function observedFlows(flows: readonly Flow[]): Observed {
  return { out: "flows", flows: flows.map(comparable) };
}

export function observedSnapshot(sessions: readonly SessionSnapshot[], relays: readonly Relay[]): Observed {
  return { out: "snapshot", sessions: sessions.map(comparable), relays: relays.map(comparable) };
}

function comparable(value: object): Comparable {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (field instanceof Uint8Array) return [name, toHex(field)];
      return [name, typeof field === "bigint" ? Number(field) : field];
    }),
  );
}

/** What came out, with the flows of several events as one answer. */
export function joinedFlows(observed: readonly Observed[]): readonly Observed[] {
  const flows = observed.flatMap((each) => (each.out === "flows" ? each.flows : []));
  const rest = observed.filter(({ out }) => out !== "flows");
  if (flows.length === 0) return rest;
  return [...rest, { out: "flows", flows: sorted(flows) }];
}

function sorted(all: readonly Comparable[]): readonly Comparable[] {
  const text = new Map(all.map((each) => [each, JSON.stringify(each, Object.keys(each).sort())]));
  return [...all].sort((a, b) => (text.get(a)! < text.get(b)! ? -1 : 1));
}

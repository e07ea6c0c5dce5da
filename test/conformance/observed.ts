import { toHex } from "../../src/core/base/bytes.ts";
import type { ActivitySample, SessionSnapshot } from "../../src/core/dataplane/contract.ts";
import type { AnyEvent, Comparable, Observed } from "./step.ts";

/** Values of the contract as plain data, the same whichever data plane they came from. */

export function observedEvent(event: AnyEvent): Observed {
  return { out: "event", event: comparable(event) };
}

export function observedSample({ activity, counters }: ActivitySample): Observed {
  const { drops, ...totals } = counters;
  // The order of the drop counters is part of the contract.
  const named = [...drops].map(([reason, count]) => `${reason} ${count}`);
  return { out: "sampled", activity: activity.map(comparable), counters: { ...comparable(totals), drops: named } };
}

export function observedSnapshot(tunnels: readonly SessionSnapshot[]): Observed {
  return { out: "snapshot", tunnels: tunnels.map(comparable) };
}

function comparable(value: object): Comparable {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (field instanceof Uint8Array) return [name, toHex(field)];
      return [name, typeof field === "bigint" ? Number(field) : field];
    }),
  );
}

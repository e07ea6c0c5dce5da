import type { Machines, NodeEvent } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

type About = "pong" | "ping-failed" | "inquired" | "undeliverable" | "caller-refused" | "refused-there";

/** Who hears what came of an operator's pings and questions, and why somebody is not let in. */
export function hearOfQuestions(
  event: Extract<NodeEvent, { kind: About }>,
  { calls, inquiries, pings, turnedAway }: Pick<Machines, "calls" | "inquiries" | "pings" | "turnedAway">,
  out: Outbox,
): void {
  switch (event.kind) {
    case "pong":
      out.pong(event.id, event.result);
      return;
    case "ping-failed": {
      const { id, failure, whom } = event;
      out.pong(id, { outcome: "failed", ...whom, failure });
      return;
    }
    case "inquired":
      out.inquired(event.id, event.result);
      return;
    case "caller-refused":
      turnedAway.callerRefused(event.caller);
      return;
    case "refused-there":
      calls.refusedThere(event.target, event.refusal);
      return;
    case "undeliverable": {
      const { parcel, failure } = event;
      if (parcel.kind === "ping") pings.callFailed(parcel.id, failure);
      else if (parcel.kind === "question") inquiries.callFailed(parcel.id, failure);
    }
  }
}

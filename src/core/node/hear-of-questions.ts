import type { Machines, NodeEvent } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

type About = "pong" | "ping-failed" | "inquired" | "undeliverable";

/** Who hears what came of an operator's pings and questions. */
export function hearOfQuestions(
  event: Extract<NodeEvent, { kind: About }>,
  { inquiries, pings }: Pick<Machines, "inquiries" | "pings">,
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
    case "undeliverable": {
      const { parcel, failure } = event;
      if (parcel.kind === "ping") pings.callFailed(parcel.id, failure);
      else if (parcel.kind === "question") inquiries.callFailed(parcel.id, failure);
    }
  }
}

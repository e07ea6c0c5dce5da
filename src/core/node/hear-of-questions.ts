import type { Input } from "../io.ts";
import type { Machines, NodeEvent } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

type About =
  | "pong"
  | "ping-failed"
  | "inquired"
  | "found"
  | "undeliverable"
  | "caller-refused"
  | "refused-there"
  | "turned-away"
  | "cut-off";

/** An operator's question, to the machine that answers it. */
export function startQuestion(
  input: Extract<Input, { kind: "ping" | "inquire" | "find" }>,
  { inquiries, names, pings }: Pick<Machines, "inquiries" | "names" | "pings">,
): void {
  if (input.kind === "ping") pings.start(input.id, input.target, input.timeoutMs);
  else if (input.kind === "inquire") inquiries.start(input.id, input.inquiry, input.timeoutMs);
  else names.find(input.id, input.name);
}

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
    case "found":
      out.found(event.id, event.addresses);
      return;
    case "caller-refused":
      turnedAway.callerRefused(event.caller);
      return;
    case "turned-away":
      turnedAway.turnedAway(event.target, event.refusal);
      return;
    case "cut-off":
      turnedAway.cutOff(event.session, event.refusal);
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

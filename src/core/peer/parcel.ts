import type { AnswerToKeep } from "../dataplane/kept-answer.ts";
import type { LighthouseReply } from "../discovery/service.ts";
import type { IpAddress } from "../netip/address.ts";

/**
 * A control message on its way to a peer, before it is bytes: what it says may depend on the certificates in the session that will carry
 * it, and that session may not stand yet.
 */
export type Parcel =
  /** Where we are, for a lighthouse. */
  | { readonly kind: "announcement" }
  /** Where is this host, for a lighthouse. */
  | { readonly kind: "query"; readonly target: IpAddress }
  | AnswerParcel
  /** An empty test request: opens the way, or wakes the peer. */
  | { readonly kind: "test" }
  /** The test request of an operator's ping. */
  | { readonly kind: "ping"; readonly id: number }
  /** An operator's question to the host. */
  | { readonly kind: "question"; readonly id: number };

/** What our own lighthouse says. */
export interface AnswerParcel {
  readonly kind: "answer";
  readonly reply: LighthouseReply;
  /** The message that it answers, and will should that come again; undefined: it will not. */
  readonly again: Pick<AnswerToKeep, "localIndex" | "asked" | "heard"> | undefined;
}

/** Whether two parcels on the way to one peer say the same, so that one is enough. */
export function isSameParcel(a: Parcel, b: Parcel): boolean {
  if (a.kind === "query") return b.kind === "query" && a.target === b.target;
  return (a.kind === "announcement" || a.kind === "test") && a.kind === b.kind;
}

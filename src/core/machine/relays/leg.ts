import type { CertificateVersion } from "../../cert/certificate.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { RelayedPath } from "../../path/path.ts";
import type { Session } from "../../peer/session.ts";

/** Whether the relayed way ends here, or we forward what comes. */
export type LegRole = "end" | "forwarder";

/** How far one leg of a relayed way has come (protocol 7.7). */
export type LegState =
  /** We have asked the neighbour and have no answer yet. */
  | { readonly at: "requested" }
  /** The neighbour has asked us; it is answered when the far side has answered. */
  | { readonly at: "peer-requested"; readonly remoteIndex: number }
  /** Both know each other's index. */
  | { readonly at: "established"; readonly remoteIndex: number }
  /** The far side is gone. The indexes stay as they are, because not every host takes others for what it knows already. */
  | { readonly at: "disestablished"; readonly remoteIndex: number | undefined };

/** What happens to a leg. */
export type LegFact =
  /** We ask the neighbour, for the first time or again. */
  | { readonly is: "asking" }
  /** The neighbour asks us, and knows the leg by this index. */
  | { readonly is: "asked"; readonly remoteIndex: number }
  /** The neighbour answers. */
  | { readonly is: "answered"; readonly remoteIndex: number }
  /** Something authentic of the far side has come through, or it has answered whoever forwards. */
  | { readonly is: "far-ready" }
  | { readonly is: "far-lost" };

/** What an answer has to say again, and in which dialect. */
export interface OwedAnswer extends Ends {
  readonly dialect: CertificateVersion;
}

/** Who wants to reach whom. */
export interface Ends {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** One leg of a relayed way: between us and a neighbour with whom we have a session, on the way to a host behind it. */
export interface Leg {
  /** By which we know it: what the neighbour writes on frames for us. */
  readonly index: number;
  readonly session: Session;
  /** The host behind the neighbour. */
  readonly far: IpAddress;
  readonly role: LegRole;
  state: LegState;
  /** By which of its addresses the host behind the neighbour was asked for: the neighbour lets nobody through who does not prove that one. */
  askedAs: IpAddress;
  /** A request that has not been answered yet. */
  owes: OwedAnswer | undefined;
  /** Whether the neighbour has shown that it knows the leg and takes what comes on it: it has answered us, or sent something. */
  isTaken: boolean;
  /** Bytes of frames that came on it. */
  bytes: number;
  /** What the data plane was told of it last. */
  told: string | undefined;
}

/** What a leg is after this; `before` is undefined for one that is made for it. */
export function after(before: LegState | undefined, fact: LegFact, role: LegRole): LegState {
  switch (fact.is) {
    case "asking":
      return before && before.at !== "disestablished" ? before : { at: "requested" };
    case "asked":
      return {
        at: role === "end" || before?.at === "established" ? "established" : "peer-requested",
        remoteIndex: fact.remoteIndex,
      };
    case "answered":
      return { at: "established", remoteIndex: fact.remoteIndex };
    case "far-ready": {
      const remoteIndex = before && remoteIndexOf(before);
      return remoteIndex === undefined ? (before ?? { at: "requested" }) : { at: "established", remoteIndex };
    }
    case "far-lost":
      return before?.at === "requested"
        ? before
        : { at: "disestablished", remoteIndex: before && remoteIndexOf(before) };
  }
}

/** The index by which the neighbour knows the leg, as far as it has said so. */
export function remoteIndexOf(state: LegState): number | undefined {
  return state.at === "requested" ? undefined : state.remoteIndex;
}

/** The way to the host behind the neighbour; undefined while the leg does not stand. */
export function pathOf({ session, state }: Leg): RelayedPath | undefined {
  if (state.at !== "established") return undefined;
  return { kind: "relayed", session: session.localIndex, relayIndex: state.remoteIndex };
}

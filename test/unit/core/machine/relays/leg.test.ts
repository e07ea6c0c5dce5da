import { describe, expect, test } from "vitest";
import {
  after,
  type Leg,
  type LegFact,
  type LegRole,
  type LegState,
  pathOf,
} from "../../../../../src/core/machine/relays/leg.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { LocalIndex } from "../../../../../src/core/path/session-index.ts";

const requested: LegState = { at: "requested" };
const peerRequested: LegState = { at: "peer-requested", remoteIndex: 7 };
const established: LegState = { at: "established", remoteIndex: 7 };
const disestablished: LegState = { at: "disestablished", remoteIndex: 7 };

const asking: LegFact = { is: "asking" };
const asked: LegFact = { is: "asked", remoteIndex: 9 };
const answered: LegFact = { is: "answered", remoteIndex: 9 };
const farReady: LegFact = { is: "far-ready" };
const farLost: LegFact = { is: "far-lost" };

const with9 = (at: "established" | "peer-requested"): LegState => ({ at, remoteIndex: 9 });

describe("a leg", () => {
  test.each<[string, LegRole, LegState | undefined, LegFact, LegState]>([
    ["begins by asking", "end", undefined, asking, requested],
    ["is asked for again as it is", "end", requested, asking, requested],
    ["that stands stays so while it is asked for again", "end", established, asking, established],
    ["whose far side was lost is asked for anew", "end", disestablished, asking, requested],
    ["that ends here stands as soon as the relay asks", "end", requested, asked, with9("established")],
    ["that ends here takes the index that the relay knows it by now", "end", established, asked, with9("established")],
    ["that ends here comes back when the relay asks again", "end", disestablished, asked, with9("established")],
    ["that we forward waits for the far side", "forwarder", requested, asked, with9("peer-requested")],
    ["that we forward stays when its host asks again", "forwarder", established, asked, with9("established")],
    ["whose far side was lost waits for it again", "forwarder", disestablished, asked, with9("peer-requested")],
    ["stands when it is answered", "forwarder", requested, answered, with9("established")],
    ["stands when the far side is ready", "forwarder", peerRequested, farReady, established],
    ["stands again when the far side is back", "forwarder", disestablished, farReady, established],
    ["without the neighbour's index does not stand, whoever is ready", "forwarder", requested, farReady, requested],
    ["loses its far side", "end", established, farLost, disestablished],
    ["that nobody has answered has no far side to lose", "end", requested, farLost, requested],
  ])("%s", (_, role, before, fact, next) => {
    expect(after(before, fact, role)).toEqual(next);
  });

  test.each([requested, peerRequested, disestablished])("is no way while it is $at", (state) => {
    expect(pathOf(legOf(state))).toBeUndefined();
  });

  test("that stands is the way to the host behind the neighbour, by the index that the neighbour chose", () => {
    expect(pathOf(legOf(established))).toEqual({ kind: "relayed", session: 5, relayIndex: 7 });
  });
});

function legOf(state: LegState): Leg {
  const session = { localIndex: 5 as LocalIndex } as Leg["session"];
  return {
    index: 3,
    session,
    far: "10.77.0.3" as IpAddress,
    role: "end",
    state,
    askedAs: "10.77.0.3" as IpAddress,
    owes: undefined,
    isTaken: false,
    bytes: 0,
    told: undefined,
  };
}
